"""Draw the frames of a few videos of a data set on one contact sheet."""

import hashlib
import heapq
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.sampling import evenly_spread
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.frames import TABLE, TakenFrame, frames_folder, frames_sheet, read_taken
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, require
from deepfake_cli.settings import Profile

from .frames import scaled

_NOTHING = np.full((1, 1, 3), 24, np.uint8)  # the paper of the sheet, where a video has fewer frames
Cell = tuple[NDArray[np.uint8], str]  # a picture and its title


def draw_frames(folder: DatasetFolder, profile: Profile) -> Path | None:
    """Draw a contact sheet of the frames that were taken, a video's side by side.

    The videos are drawn by ``data.seed``; ``inspect.pictures``, ``inspect.columns`` and ``inspect.side`` say
    how large the sheet is. Of a video with more frames than the sheet has columns, as many are shown, evenly
    spread.

    Returns:
        The sheet; None where no video has frames.

    Raises:
        DataError: The index is missing or damaged.
        UsageError: Another process works on the data set.
        OutputError: The sheet cannot be written.
    """
    settings = profile.inspect
    with folder.locked():
        lists: list[list[Cell]] = []
        for row in _drawn(folder, profile.data.seed, settings.pictures):
            cells = _cells(folder, row, settings.columns, settings.side)
            if lists and len(cells) + sum(len(some) for some in lists) > settings.pictures:
                break
            if cells:
                lists.append(cells)
        if not lists:
            return None
        wide = max(len(cells) for cells in lists)
        flat = [cell for cells in lists for cell in [*cells, *[(_NOTHING, "")] * (wide - len(cells))]]
        columns = max(settings.columns // wide, 1) * wide
        sheet = contact_sheet(*zip(*flat, strict=True), columns=columns, side=settings.side)
        with write_atomically(frames_sheet(folder), "wb") as file:
            file.write(encode_png(sheet))
    return frames_sheet(folder)


def _drawn(folder: DatasetFolder, seed: int, most: int) -> list[IndexRow]:
    """Draw videos that have frames, the same ones whatever else there is."""
    index = require(folder.index, f"dfdetect data index {folder.name}")
    rows = (row for row in read_index(index) if (frames_folder(folder) / row.id / TABLE).exists())

    def order(row: IndexRow) -> str:
        return hashlib.sha256(f"{seed} frames {row.id}".encode()).hexdigest()

    return heapq.nsmallest(most, rows, key=order)


def _cells(folder: DatasetFolder, row: IndexRow, most: int, side: int) -> list[Cell]:
    """Read the frames of a video, small; none where one is damaged."""
    place = frames_folder(folder) / row.id
    try:
        frames = evenly_spread(read_taken(place).frames, most)
        return [(scaled(read_image(place / frame.file), side), _title(row, frame)) for frame in frames]
    except (DataError, MediaError):
        return []


def _title(row: IndexRow, frame: TakenFrame) -> str:
    """Name a frame by its time and the end of its video's id, which is where ids differ."""
    return f"{frame.time:.1f} s {row.id.rpartition('__')[2]}"
