"""Write the table of forged faces, which trainers read like any other table of faces.

``forged/forged.csv`` has the columns of ``faces.csv``. Each real face that was forged has a row, each forgery
has one, whose ``pair`` is the real view that it is aligned with, and so has that view where it is a picture
of its own. A forgery's ``video`` is the real one's with the kind behind it, for it is another video.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from deepfake_cli.io.crops import Crop, read_crops
from deepfake_cli.io.face_table import Entry, write_entries
from deepfake_cli.io.forged import Fake, read_fakes
from deepfake_cli.io.index import IndexRow
from deepfake_cli.io.workspace import DatasetFolder

TABLE = "forged.csv"


def write_forged_table(folder: DatasetFolder, rows: Iterable[IndexRow]) -> None:
    """Write the table, row by row.

    Args:
        folder: Of the data set, locked; its faces and forgeries are read.
        rows: The real videos whose faces were forged.

    Raises:
        DataError: What the table is made of is damaged.
        OutputError: It cannot be written.
    """
    write_entries(folder.forged / TABLE, (entry for row in rows for entry in _faces(folder, row)))


def _faces(folder: DatasetFolder, row: IndexRow) -> Iterator[Entry]:
    """Yield the rows of one real video: each face, then what was made of it."""
    fakes: dict[str, list[Fake]] = {}
    for fake in read_fakes(folder.forged / row.id).fakes:
        fakes.setdefault(fake.face, []).append(fake)
    for crop in read_crops(folder.crops / row.id).faces:
        if crop.file not in fakes:
            continue
        face = _real(row, crop, f"../{folder.crops.name}/{row.id}/{crop.file}")
        yield face
        for fake in fakes[crop.file]:
            view = replace(face, image=f"{row.id}/{fake.real}") if fake.real else face
            if fake.real:
                yield view
            yield replace(
                view,
                image=f"{row.id}/{fake.file}",
                label="fake",
                video=f"{row.id}__{fake.kind}",
                method=fake.kind,
                pair=view.image,
            )


def _real(row: IndexRow, crop: Crop, image: str) -> Entry:
    return Entry(
        image=image,
        box=crop.box,
        points=crop.points,
        label="real",
        video=row.id,
        original=row.original,
        method="",
        compression=row.compression,
        split=row.split,
        pair="",
        mri="",
        weight=1.0,
    )
