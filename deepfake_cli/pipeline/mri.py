"""Make the data set that an MRI generator learns from: each fake face with its map of what was changed.

The faces of a fake are compared with those of its original, which were cut by the same boxes. What is not
aligned, or not changed, teaches the wrong thing and is left out. The map of a real face is black.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.likeness import likeness
from deepfake_cli.core.mri import dissimilarity
from deepfake_cli.core.splits import within
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, Crops, read_crops
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.maps import FaceMap, FaceMaps, read_maps, write_maps
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import MriSettings, Profile

from .mri_tables import write_mri_tables
from .stages import StageReport, fingerprint, run_stage

_RULES = 1  # changes when the same settings begin to mean something else
Outcome = Literal["aligned", "misaligned", "unchanged"]


def make_maps(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> StageReport:
    """Compare the faces of fakes with those of their originals, and write the tables of the MRI data set.

    Args:
        folder: Of the data set; its index and its faces are read.
        profile: How to compare, which pairs count, and how many videos at once.
        track: Progress.

    Raises:
        DataError: The index or the faces are missing or make no sense.
        UsageError: Another process works on the data set.
        OutputError: A map or table cannot be written.
    """
    require(folder.index, f"dfdetect data index {folder.name}")
    require(folder.crops, f"dfdetect data crop {folder.name}")
    report = run_stage(
        folder,
        "mri",
        _Compare(folder, profile.mri, profile.data.seed),
        _fakes(folder.index),
        output=folder.mri,
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in _fakes(folder.index)),
    )
    unusable = frozenset(bad.id for bad in report.bad)
    with folder.locked():
        write_mri_tables(folder, profile.mri, lambda row: drawn(row, profile) and row.id not in unusable)
    return report


def drawn(row: IndexRow, profile: Profile) -> bool:
    """Whether the share that is used holds a video: originals are drawn, each with all of its fakes."""
    return _drawn(row.original, profile.mri.share, profile.data.seed)


def compare(real: NDArray[np.uint8], fake: NDArray[np.uint8], settings: MriSettings) -> Outcome:
    """Tell whether a pair of faces is aligned and changed, and what is wrong otherwise."""
    found = likeness(real, fake)
    if found.shift > settings.shift or found.around < settings.around:
        return "misaligned"
    return "unchanged" if found.inside > settings.inside else "aligned"


def _drawn(original: str, share: float, seed: int) -> bool:
    return bool(original) and within(f"mri {original}", seed, share)


def _fakes(index: Path) -> Iterator[IndexRow]:
    return (row for row in read_index(index) if row.fake)


@dataclass(frozen=True)
class _Compare:
    """Makes the maps of one fake video."""

    folder: DatasetFolder
    settings: MriSettings
    seed: int

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Make them, unless they are there."""
        target = self.folder.mri / row.id
        if not _drawn(row.original, self.settings.share, self.seed):
            remove_folder(target)
            return {"fakes not drawn" if row.original else "fakes without original": 1}
        try:
            maps = self._maps(row, target)
        except MediaError:
            remove_folder(target)  # what is there belongs to faces that are no longer
            raise
        return {"maps": len(maps.maps)} | {f"{why} pairs": n for why, n in maps.left_out.items()}

    def _maps(self, row: IndexRow, target: Path) -> FaceMaps:
        """Return what is there, or make it."""
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        ours, theirs = self._faces(row.id), self._faces(row.original)
        settings = self.settings.model_dump(exclude={"share"})
        mark = fingerprint(_RULES, sorted(settings.items()), row.original, ours.settings, theirs.settings)
        return _finished(target, mark) or self._make(row, ours, mark)

    def _faces(self, video: str) -> Crops:
        if not (self.folder.crops / video).is_dir():
            raise MediaError(f"no faces were cut out of {video}", "see the report of: dfdetect data crop")
        return read_crops(self.folder.crops / video)

    def _make(self, row: IndexRow, faces: Crops, mark: str) -> FaceMaps:
        left_out = Counter[str](misaligned=0, missing=0, unchanged=0)
        made = []
        with write_folder(self.folder.mri / row.id) as folder:
            for crop in faces.faces:
                outcome, picture = self._map(row, crop)
                if picture is None:
                    left_out[outcome] += 1
                    continue
                name = f"{Path(crop.file).stem}.png"
                (folder / name).write_bytes(encode_png(picture))
                made.append(FaceMap(name, crop.file, float(picture.mean()) / 255))
            write_maps(folder, FaceMaps(mark, tuple(made), left_out))
        return FaceMaps(mark, tuple(made), left_out)

    def _map(self, row: IndexRow, crop: Crop) -> tuple[str, NDArray[np.uint8] | None]:
        """Draw the map of one face; none where its pair is left out, and why."""
        original = self.folder.crops / row.original / crop.file
        if not original.exists():
            return "missing", None
        real, fake = read_image(original), read_image(self.folder.crops / row.id / crop.file)
        outcome = compare(real, fake, self.settings)
        if outcome != "aligned":
            return outcome, None
        size = self.settings.size, self.settings.size
        one, two = (
            np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_AREA), np.uint8)
            for face in (real, fake)
        )
        return outcome, np.rint(dissimilarity(one, two, self.settings.metric) * 255).astype(np.uint8)


def _finished(folder: Path, mark: str) -> FaceMaps | None:
    """Return the maps of an earlier run of the same settings, if it finished."""
    try:
        maps = read_maps(folder)
    except DataError:
        return None
    return maps if maps.settings == mark else None
