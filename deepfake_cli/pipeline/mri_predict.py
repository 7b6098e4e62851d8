"""Paint the maps of a whole data set with a generator, instead of comparing fakes with their originals."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, Crops, read_crops
from deepfake_cli.io.face_table import Entry, write_entries
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.maps import FaceMap, FaceMaps, read_maps, write_maps
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .painter import open_generator
from .stages import StageReport, fingerprint, run_stage
from .table import face_entry

if TYPE_CHECKING:
    from deepfake_cli.inference.mri_generator import MriGenerator

TABLE = "predicted.csv"
_RULES = 1  # changes when the same settings begin to mean something else
_CHUNK = 32  # faces in memory at once


def predict_dataset(
    folder: DatasetFolder, model: GeneratorFolder, profile: Profile, *, track: Track = untracked
) -> StageReport:
    """Paint the map of every face that was cut out, real or fake, and write a table of them.

    Args:
        folder: Of the data set; its index and its faces are read.
        model: What paints.
        profile: How faces are weighed in the table, and how many videos at once.
        track: Progress.

    Returns:
        The report. It counts ``maps``.

    Raises:
        DataError: The index or the faces are missing or make no sense.
        ModelError: The network cannot be loaded, or paints no maps.
        UsageError: Another process works on the data set.
        OutputError: A map or the table cannot be written.
    """
    require(folder.index, f"dfdetect data index {folder.name}")
    require(folder.crops, f"dfdetect data crop {folder.name}")
    report = run_stage(
        folder,
        "predict",
        _Predict(folder, model),
        read_index(folder.index),
        output=folder.predicted,
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in read_index(folder.index)),
    )
    unusable = frozenset(bad.id for bad in report.bad)
    rows = (row for row in read_index(folder.index) if row.id not in unusable)
    with folder.locked():
        per_video = profile.table.weigh == "video"
        entries = (entry for row in rows for entry in _entries(folder, row, per_video=per_video))
        write_entries(folder.predicted / TABLE, entries)
    return report


def _entries(folder: DatasetFolder, row: IndexRow, *, per_video: bool) -> Iterator[Entry]:
    """Yield the rows of one video, as in ``faces.csv``; the map of a face is the painted one."""
    crops = read_crops(folder.crops / row.id)
    maps = {one.face: one.file for one in read_maps(folder.predicted / row.id).maps}
    for crop in crops.faces:
        entry = face_entry(folder, row, crops, crop, f"{row.id}/{maps[crop.file]}", beside="../")
        yield replace(entry, weight=1 / len(crops.faces)) if per_video else entry


class _Predict:
    """Paints the maps of one video; loads its network with the first one."""

    def __init__(self, folder: DatasetFolder, model: GeneratorFolder) -> None:
        self._folder, self._model = folder, model

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Paint them, unless they are there."""
        target = self._folder.predicted / row.id
        try:
            maps = self._maps(row, target)
        except MediaError:
            remove_folder(target)  # what is there belongs to faces that are no longer
            raise
        return {"maps": len(maps.maps)}

    def _maps(self, row: IndexRow, target: Path) -> FaceMaps:
        """Return what is there, or make it."""
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        if not (self._folder.crops / row.id).is_dir():
            raise MediaError("no faces were cut out of it", "see the report of: dfdetect data crop")
        crops = read_crops(self._folder.crops / row.id)
        how = self._model.config.input.model_dump_json()
        mark = fingerprint(_RULES, self._model.revision, how, crops.settings)
        return _finished(target, mark) or self._make(row, target, crops, mark)

    def _make(self, row: IndexRow, target: Path, crops: Crops, mark: str) -> FaceMaps:
        made = []
        with write_folder(target) as folder:
            for start in range(0, len(crops.faces), _CHUNK):
                chunk = crops.faces[start : start + _CHUNK]
                maps = self._generator.paint(np.stack([self._face(row, crop) for crop in chunk]))
                for crop, picture in zip(chunk, np.rint(maps * 255).astype(np.uint8), strict=True):
                    name = f"{Path(crop.file).stem}.png"
                    (folder / name).write_bytes(encode_png(picture))
                    made.append(FaceMap(name, crop.file, float(picture.mean()) / 255))
            write_maps(folder, done := FaceMaps(mark, tuple(made), {}))
        return done

    def _face(self, row: IndexRow, crop: Crop) -> NDArray[np.uint8]:
        """Cut a face out of its picture as generators learn and scanning sees it, (S, S, 3)."""
        how = self._model.config.input
        return cut_face(read_image(self._folder.crops / row.id / crop.file), crop.box, how.size, how.margin)

    @cached_property
    def _generator(self) -> "MriGenerator":
        return open_generator(self._model)


def _finished(folder: Path, mark: str) -> FaceMaps | None:
    """Return the maps of an earlier run of the same model, if it finished."""
    try:
        maps = read_maps(folder)
    except DataError:
        return None
    return maps if maps.settings == mark else None
