"""Write the table of forged faces, which trainers read like any other table of faces.

``forged/forged.csv`` has the columns of ``faces.csv``. Each real face that was forged has a row, each forgery
has one, whose ``pair`` is the real view that it is aligned with, and so has that view where it is a picture
of its own. A forgery's ``video`` is the real one's with the kind behind it, for it is another video.
"""

import csv
from collections.abc import Iterable, Iterator

from deepfake_cli.io.crops import Crop, read_crops
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.forged import Fake, read_fakes
from deepfake_cli.io.index import IndexRow
from deepfake_cli.io.workspace import DatasetFolder

TABLE = "forged.csv"
COLUMNS = ("image", "box", "points", "label", "video", "original", "method", "compression", "split", "pair")


def write_forged_table(folder: DatasetFolder, rows: Iterable[IndexRow]) -> None:
    """Write the table, row by row.

    Args:
        folder: Of the data set, locked; its faces and forgeries are read.
        rows: The real videos whose faces were forged.

    Raises:
        DataError: What the table is made of is damaged.
        OutputError: It cannot be written.
    """
    with write_atomically(folder.forged / TABLE) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerows(_faces(folder, row))


def _faces(folder: DatasetFolder, row: IndexRow) -> Iterator[dict[str, str]]:
    """Yield the rows of one real video: each face, then what was made of it."""
    fakes: dict[str, list[Fake]] = {}
    for fake in read_fakes(folder.forged / row.id).fakes:
        fakes.setdefault(fake.face, []).append(fake)
    for crop in read_crops(folder.crops / row.id).faces:
        if crop.file not in fakes:
            continue
        face, shared = f"../{folder.crops.name}/{row.id}/{crop.file}", _shared(row, crop)
        yield {**shared, "image": face, "label": "real", "video": row.id, "method": "", "pair": ""}
        for fake in fakes[crop.file]:
            pair = f"{row.id}/{fake.real}" if fake.real else face
            if fake.real:
                yield {**shared, "image": pair, "label": "real", "video": row.id, "method": "", "pair": ""}
            named = {"label": "fake", "video": f"{row.id}__{fake.kind}", "method": fake.kind, "pair": pair}
            yield {**shared, **named, "image": f"{row.id}/{fake.file}"}


def _shared(row: IndexRow, crop: Crop) -> dict[str, str]:
    """What a face and its forgeries have in common."""
    return {
        "box": " ".join(f"{side:.10g}" for side in crop.box),
        "points": " ".join(f"{place:.10g}" for place in crop.points),
        "original": row.original,
        "compression": row.compression,
        "split": row.split,
    }
