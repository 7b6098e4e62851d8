"""Write the tables of the MRI data set: which map belongs to which face.

``mri/train.csv`` holds the rows of the split ``train``, ``mri/test.csv`` those of ``choose`` and ``report``:
no person of one is in the other. Their columns are ``face`` and ``mri`` (paths relative to the table),
``label`` (real or fake), ``video``, ``original`` and ``split``.
"""

import csv
from collections.abc import Callable, Iterator

import numpy as np

from deepfake_cli.io.crops import read_crops
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.maps import read_maps
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.settings import MriSettings

BLACK = "black.png"
COLUMNS = ("face", "mri", "label", "video", "original", "split")
TRAIN, TEST = "train.csv", "test.csv"


def write_mri_tables(
    folder: DatasetFolder, settings: MriSettings, wanted: Callable[[IndexRow], bool]
) -> None:
    """Write both tables, row by row, and the black map that all real faces share.

    Args:
        folder: Of the data set, locked; its faces and maps are read.
        settings: Of the maps.
        wanted: Which videos the tables hold.

    Raises:
        DataError: What a table is made of is damaged.
        OutputError: Something cannot be written.
    """
    with write_atomically(folder.mri / BLACK, "wb") as black:
        black.write(encode_png(np.zeros((settings.size, settings.size, 3), np.uint8)))
    with write_atomically(folder.mri / TRAIN) as train, write_atomically(folder.mri / TEST) as test:
        writers = {file: csv.writer(file, lineterminator="\n") for file in (train, test)}
        for writer in writers.values():
            writer.writerow(COLUMNS)
        for row in filter(wanted, read_index(folder.index)):
            writer = writers[train if row.split == "train" else test]
            for face, mri in _faces(folder, row):
                writer.writerow((face, mri, row.label, row.id, row.original, row.split))


def _faces(folder: DatasetFolder, row: IndexRow) -> Iterator[tuple[str, str]]:
    """Yield the paths of the faces of a video and of their maps."""
    if row.fake:
        for made in read_maps(folder.mri / row.id).maps:
            yield f"../{folder.crops.name}/{row.id}/{made.face}", f"{row.id}/{made.file}"
    elif (folder.crops / row.id).is_dir():  # else it has no faces, as the report of that stage says
        for crop in read_crops(folder.crops / row.id).faces:
            yield f"../{folder.crops.name}/{row.id}/{crop.file}", BLACK
