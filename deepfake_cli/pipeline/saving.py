"""Which pictures of a scan are kept, and where."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_cli.io.files import make_folder, write_atomically

if TYPE_CHECKING:
    from deepfake_cli.core.tracks import Observation


@dataclass(frozen=True)
class Saving:
    """Folders for pictures of the faces that were judged; None keeps none of a kind.

    Attributes:
        faces: For the faces as they were cut.
        mri: For the maps that the classifier painted of them, named likewise with ``_mri`` behind.
        heatmaps: For the faces with the places that their score rests on, with ``_heat`` behind.
        modalities: For a sheet of each person's clearest face and what it is made of, with ``_modalities``
            behind.
    """

    faces: Path | None = None
    mri: Path | None = None
    heatmaps: Path | None = None
    modalities: Path | None = None

    def make_folders(self) -> None:
        """Make all folders before anything is judged.

        Raises:
            OutputError: One cannot be made.
        """
        for folder in (self.faces, self.mri, self.heatmaps, self.modalities):
            if folder is not None:
                make_folder(folder, "choose another")

    def of(self, file: str) -> "Saving":
        """Name the folders of one file in those of all."""
        folders = (self.faces, self.mri, self.heatmaps, self.modalities)
        return Saving(*(_within(folder, file) for folder in folders))


NOTHING = Saving()


def place_mark(file: str) -> str:
    """Tell files of one name in unlike places apart: 8 hex digits of its absolute path, links resolved."""
    return hashlib.sha256(os.fsencode(os.path.realpath(file))).hexdigest()[:8]


def save_picture(folder: Path, person: int, face: "Observation", picture: bytes, ending: str = "") -> None:
    """Write a picture of a face, a PNG, named after what was found.

    Raises:
        OutputError: It cannot be written.
    """
    make_folder(folder, "choose another")
    name = f"person-{person:03}_frame-{face.index:05}_score-{face.score:.4f}{ending}.png"
    with write_atomically(folder / name, "wb") as file:
        file.write(picture)


def _within(parent: Path | None, file: str) -> Path | None:
    """Name a file's folder in one for all files, so that files of one name in unlike places stay apart."""
    if parent is None:
        return None
    return parent / f"{os.path.basename(file)}-{place_mark(file)}"
