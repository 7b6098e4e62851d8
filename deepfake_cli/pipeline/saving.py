"""Which pictures of a scan are kept, and where."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.io.files import make_folder


@dataclass(frozen=True)
class Saving:
    """Folders for pictures of the faces that were judged; None keeps none of a kind.

    Attributes:
        faces: For the faces as they were cut.
        mri: For the maps that the classifier painted of them, named likewise with ``_mri`` behind.
        heatmaps: For the faces with the places that their score rests on, with ``_heat`` behind.
    """

    faces: Path | None = None
    mri: Path | None = None
    heatmaps: Path | None = None

    def make_folders(self) -> None:
        """Make all folders before anything is judged.

        Raises:
            OutputError: One cannot be made.
        """
        for folder in (self.faces, self.mri, self.heatmaps):
            if folder is not None:
                make_folder(folder, "choose another")

    def of(self, file: str) -> "Saving":
        """Name the folders of one file in those of all."""
        return Saving(_within(self.faces, file), _within(self.mri, file), _within(self.heatmaps, file))


NOTHING = Saving()


def _within(parent: Path | None, file: str) -> Path | None:
    """Name a file's folder in one for all files, so that files of one name in unlike places stay apart."""
    if parent is None:
        return None
    place = hashlib.sha256(os.fsencode(os.path.realpath(file))).hexdigest()[:8]
    return parent / f"{os.path.basename(file)}-{place}"
