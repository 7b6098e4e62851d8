"""Take the faces of a data set apart: the use case behind ``dfdetect data modalities``."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.face_parts import draw_parts
from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, Crops, read_crops
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.modalities import (
    ApartFace,
    ApartFaces,
    modalities_folder,
    read_modalities,
    write_modalities,
)
from deepfake_cli.io.model_config import Input
from deepfake_cli.io.model_folder import RendererFolder
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .stages import StageReport, fingerprint, run_stage

if TYPE_CHECKING:
    from deepfake_cli.inference.face_renderer import Renderer

_RULES = 1  # changes when the same settings begin to mean something else
_CHUNK = 32  # faces in memory at once


def take_dataset_apart(
    folder: DatasetFolder, model: RendererFolder, profile: Profile, *, track: Track = untracked
) -> StageReport:
    """Draw what every face that was cut out is made of.

    Args:
        folder: Of the data set; its index and its faces are read.
        model: What takes faces apart.
        profile: How many videos at once.
        track: Progress.

    Returns:
        The report. It counts ``faces``, and files that are ``faceless``.

    Raises:
        DataError: The index or the faces are missing or make no sense.
        ModelError: The network cannot be loaded, or answers with something that no face is made of.
        UsageError: Another process works on the data set.
        OutputError: A picture cannot be written.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")
    require(folder.crops, f"dfdetect data crop {folder.name}")
    return run_stage(
        folder,
        "modalities",
        ModalitiesWork(folder, model),
        read_index(index),
        output=modalities_folder(folder),
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in read_index(index)),
    )


class ModalitiesWork:
    """Takes the faces of one video apart; loads its network with the first one.

    Args:
        folder: Of the data set.
        model: What takes faces apart.
    """

    def __init__(self, folder: DatasetFolder, model: RendererFolder) -> None:
        self._folder, self._model = folder, model

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Take them apart, unless that is done.

        Raises:
            MediaError: There are no pictures of faces, or one is damaged.
            DataError: The table of the faces is missing or damaged.
            ModelError: The network cannot be loaded, or answers with something that no face is made of.
            OutputError: The pictures cannot be written.
        """
        target = modalities_folder(self._folder) / row.id
        try:
            faces = self._apart(row, target).faces
        except MediaError:
            remove_folder(target)  # what is there belongs to faces that are no longer
            raise
        return {"faces": len(faces), "faceless": int(not faces)}

    def _apart(self, row: IndexRow, target: Path) -> ApartFaces:
        """Return what is there, or make it."""
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        source = self._folder.crops / row.id
        if not source.is_dir():
            raise MediaError("no faces were cut out of it", "see the report of: dfdetect data crop")
        crops = read_crops(source)
        how = self._model.config.input.model_dump_json()
        mark = fingerprint(_RULES, self._model.revision, how, crops.settings)
        return _finished(target, mark) or self._make(source, target, crops, mark)

    def _make(self, source: Path, target: Path, crops: Crops, mark: str) -> ApartFaces:
        how, made = self._model.config.input, list[ApartFace]()
        with write_folder(target) as folder:
            for start in range(0, len(crops.faces), _CHUNK):
                chunk = crops.faces[start : start + _CHUNK]
                parts = self._renderer.take_apart(np.stack([cut_again(source, crop, how) for crop in chunk]))
                for crop, one in zip(chunk, parts, strict=True):
                    files = {}
                    for name, picture in draw_parts(one).items():
                        files[name] = f"{Path(crop.file).stem}_{name}.png"
                        (folder / files[name]).write_bytes(encode_png(picture))
                    made.append(ApartFace(crop.file, files, tuple(one.lighting.ravel().tolist())))
            renderer = f"{self._model.config.name}@{self._model.revision}"
            write_modalities(folder, apart := ApartFaces(mark, renderer, tuple(made)))
        return apart

    @cached_property
    def _renderer(self) -> "Renderer":
        from deepfake_cli.inference.face_renderer import Renderer

        return Renderer.of(self._model)


def cut_again(source: Path, crop: Crop, how: Input) -> NDArray[np.uint8]:
    """Cut a face out of its picture in a folder, as a renderer sees it, (S, S, 3).

    Raises:
        MediaError: The picture is missing or damaged.
    """
    return cut_face(read_image(source / crop.file), crop.box, how.size, how.margin)


def _finished(folder: Path, mark: str) -> ApartFaces | None:
    """Return what an earlier run of the same renderer made of the same faces, if it finished."""
    try:
        apart = read_modalities(folder)
    except DataError:
        return None
    return apart if apart.settings == mark else None
