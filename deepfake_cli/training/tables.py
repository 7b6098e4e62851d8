"""The tables that training draws from; their format is in ``io/face_table.py``."""

from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.io.face_table import (
    COLUMNS as COLUMNS,
)  # all that training does with tables comes from here
from deepfake_cli.io.face_table import FaceRow as FaceRow
from deepfake_cli.io.face_table import decode_picture as decode_picture
from deepfake_cli.io.face_table import read_faces as read_faces
from deepfake_cli.io.face_table import read_picture as read_picture


@dataclass(frozen=True)
class Source:
    """A table of faces and the share of all pairs that is drawn from it."""

    table: Path
    share: float = 1.0

    @property
    def dataset(self) -> str:
        """Name of the data set: that of the folder in which the table lies."""
        return self.table.absolute().parent.name
