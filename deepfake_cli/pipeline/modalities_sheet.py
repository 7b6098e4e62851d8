"""Draw what some faces of a data set are made of on one contact sheet."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.modalities import MODALITIES
from deepfake_cli.core.sampling import evenly_spread
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, read_crops
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import read_index
from deepfake_cli.io.modalities import (
    TABLE,
    ApartFace,
    modalities_folder,
    modalities_sheet,
    read_modalities,
)
from deepfake_cli.io.model_config import Input
from deepfake_cli.io.model_folder import RendererFolder
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, require
from deepfake_cli.settings import Profile

from .modalities import cut_again

_COLUMNS = 1 + len(MODALITIES)
Cell = tuple[NDArray[np.uint8], str]  # a picture and its title


def draw_modalities(
    folder: DatasetFolder, model: RendererFolder, profile: Profile, ids: Iterable[str] | None = None
) -> Path | None:
    """Draw a contact sheet: a row a face, with its picture and the five that it is made of.

    The videos are drawn by ``data.seed``; ``inspect.pictures`` and ``inspect.side`` say how large the sheet
    is. Where there are few videos, more faces of each are shown, evenly spread. Without any face an older
    sheet is removed.

    Args:
        folder: Of the data set.
        model: What took the faces apart; a face is drawn as it saw it.
        profile: As above.
        ids: Of the videos that may be drawn; by default those in the index.

    Returns:
        The sheet; None where there is no face.

    Raises:
        DataError: The index is missing or damaged.
        UsageError: Another process works on the data set.
        OutputError: The sheet cannot be written.
    """
    settings = profile.inspect
    rows = max(settings.pictures // _COLUMNS, 1)
    with folder.locked():
        chosen = _drawn(folder, _indexed(folder) if ids is None else ids, profile.data.seed, rows)
        each = max(rows // max(len(chosen), 1), 1)
        cells = [cell for id in chosen for cell in _cells(folder, model.config.input, id, each)]
        if not cells:
            modalities_sheet(folder).unlink(missing_ok=True)
            return None
        sheet = contact_sheet(*zip(*cells, strict=True), columns=_COLUMNS, side=settings.side)
        with write_atomically(modalities_sheet(folder), "wb") as file:
            file.write(encode_png(sheet))
    return modalities_sheet(folder)


def _indexed(folder: DatasetFolder) -> Iterator[str]:
    index = require(folder.index, f"dfdetect data index {folder.name}")
    return (row.id for row in read_index(index))


def _drawn(folder: DatasetFolder, ids: Iterable[str], seed: int, most: int) -> list[str]:
    """Draw videos that have faces, the same ones whatever else there is."""

    def order(id: str) -> str:
        return hashlib.sha256(f"{seed} modalities {id}".encode()).hexdigest()

    with_faces = (id for id in ids if _has_faces(modalities_folder(folder) / id))
    return heapq.nsmallest(most, with_faces, key=order)


def _has_faces(place: Path) -> bool:
    """Tell it by the files, which is quicker than to read their table."""
    return (place / TABLE).exists() and next(place.glob("*.png"), None) is not None


def _cells(folder: DatasetFolder, how: Input, id: str, most: int) -> Iterator[Cell]:
    """Read faces of a video, evenly spread, and what they are made of; none where a picture is damaged."""
    place = modalities_folder(folder) / id
    try:
        crops = {crop.file: crop for crop in read_crops(folder.crops / id).faces}
        faces = [face for face in read_modalities(place).faces if face.face in crops]
        spread = evenly_spread(faces, most)
        cells = [cell for face in spread for cell in _row(folder, how, id, face, crops[face.face])]
    except (DataError, MediaError):
        return
    yield from cells


def _row(folder: DatasetFolder, how: Input, id: str, face: ApartFace, crop: Crop) -> Iterator[Cell]:
    """Read a face and its parts; the face is named by frame and video, whose ids differ at the end."""
    yield cut_again(folder.crops / id, crop, how), f"{Path(face.face).stem} {id.rpartition('__')[2]}"
    for name in MODALITIES:
        yield read_image(modalities_folder(folder) / id / face.files[name]), name
