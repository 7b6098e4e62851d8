"""Make fakes out of the real faces of a data set, as pictures with their masks."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.forge import Strength, forge
from deepfake_cli.core.splits import within
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, Crops, read_crops
from deepfake_cli.io.forged import Fake, Fakes, read_fakes, write_fakes
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ForgeSettings, Profile

from .forge_table import write_forged_table
from .stages import StageReport, fingerprint, run_stage

_RULES = 1  # changes when the same settings begin to mean something else


def forge_faces(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> StageReport:
    """Forge the real faces of a data set, and write a table of them and of what they were made of.

    Args:
        folder: Of the data set; its index and its faces are read.
        profile: How to forge, and how many videos at once.
        track: Progress.

    Raises:
        DataError: The index or the faces are missing or make no sense.
        UsageError: Another process works on the data set.
        OutputError: A picture or the table cannot be written.
    """
    require(folder.index, f"dfdetect data index {folder.name}")
    require(folder.crops, f"dfdetect data crop {folder.name}")
    report = run_stage(
        folder,
        "forge",
        _Forge(folder, profile.forge, profile.data.seed),
        _reals(folder.index),
        output=folder.forged,
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in _reals(folder.index)),
    )
    unusable = frozenset(bad.id for bad in report.bad)
    with folder.locked():
        write_forged_table(folder, (row for row in _reals(folder.index) if row.id not in unusable))
    return report


def _reals(index: Path) -> Iterator[IndexRow]:
    return (row for row in read_index(index) if not row.fake)


@dataclass(frozen=True)
class _Forge:
    """Forges the faces of one real video."""

    folder: DatasetFolder
    settings: ForgeSettings
    seed: int

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Forge them, unless they are there."""
        target = self.folder.forged / row.id
        try:
            made = self._fakes(row, target)
        except MediaError:
            remove_folder(target)  # what is there belongs to faces that are no longer
            raise
        return {"fakes": len(made.fakes), "not forged": made.without}

    def _fakes(self, row: IndexRow, target: Path) -> Fakes:
        """Return what is there, or make it."""
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        if not (self.folder.crops / row.id).is_dir():
            raise MediaError("no faces were cut out of it", "see the report of: dfdetect data crop")
        crops = read_crops(self.folder.crops / row.id)
        settings = self.settings.model_dump()
        mark = fingerprint(_RULES, sorted(settings.items()), self.seed, crops.settings)
        return _finished(target, mark) or self._make(row, crops, mark)

    def _make(self, row: IndexRow, crops: Crops, mark: str) -> Fakes:
        fakes, without = list[Fake](), 0
        with write_folder(self.folder.forged / row.id) as folder:
            for crop in crops.faces:
                name = f"{row.id}/{Path(crop.file).stem}"
                if not within(f"forge {name}", self.seed, self.settings.share):
                    continue
                made = self._forge(name, row, crop, folder)
                without += len(self.settings.kinds) - len(made)
                fakes += made
            write_fakes(folder, done := Fakes(mark, without, tuple(fakes)))
        return done

    def _forge(self, name: str, row: IndexRow, crop: Crop, folder: Path) -> list[Fake]:
        """Write every kind of forgery of one face."""
        image = read_image(self.folder.crops / row.id / crop.file)
        points = np.reshape(crop.points, (5, 2)) if crop.points else None
        strength = Strength(self.settings.rectangle, self.settings.hull, self.settings.jitter)
        fakes = []
        for kind in self.settings.kinds:
            rng = np.random.default_rng([self.seed, *_numbers(f"{name} {kind}")])
            forgery = forge(kind, image, crop.box, points, strength, rng)
            if forgery is None:
                continue
            stem = f"{Path(crop.file).stem}_{kind}"
            changed = not np.array_equal(forgery.real, image)
            fake = Fake(f"{stem}.png", f"{stem}_mask.png", f"{stem}_real.png" * changed, crop.file, kind)
            mask = np.rint(forgery.mask * 255).astype(np.uint8)
            _write(folder, {fake.file: forgery.fake, fake.mask: mask, fake.real: forgery.real})
            fakes.append(fake)
        return fakes


def _write(folder: Path, pictures: dict[str, NDArray[np.uint8]]) -> None:
    """Write the pictures that have a name."""
    for name, picture in pictures.items():
        if name:
            (folder / name).write_bytes(encode_png(picture))


def _finished(folder: Path, mark: str) -> Fakes | None:
    """Return what an earlier run of the same settings made, if it finished."""
    try:
        fakes = read_fakes(folder)
    except DataError:
        return None
    return fakes if fakes.settings == mark else None


def _numbers(name: str) -> list[int]:
    """Turn a name into numbers that start a generator."""
    digest = hashlib.sha256(name.encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
