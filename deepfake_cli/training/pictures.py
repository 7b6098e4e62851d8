"""The pictures that a table names, ready to be read many times over."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.io.packed import find_packed, has_room, pack_pictures
from deepfake_cli.progress import Track, untracked

from .tables import FaceRow, decode_picture, read_picture

Picture = NDArray[np.uint8]
_MEASURED = 50  # pictures that the size of all is judged by


class Pictures(Protocol):
    """Pictures by their path."""

    def read(self, path: Path) -> Picture:
        """Return a picture, (H, W, 3) uint8 RGB, not to be written into."""
        ...


class KeptPictures:
    """Pictures whose files are kept in memory as they are, and decoded each time.

    Args:
        paths: Of the pictures.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = {path: path.read_bytes() for path in paths if path.is_file()}

    def read(self, path: Path) -> Picture:
        """Decode a picture.

        Raises:
            DataError: It cannot be read.
        """
        return decode_picture(self._files.get(path, b""), path)


def gather_pictures(
    table: Path, rows: Iterable[FaceRow], *, pack: bool, track: Track = untracked
) -> Pictures:
    """Make the pictures of a table's rows, and of what they are paired with, ready to be read.

    Args:
        table: The ``faces.csv``.
        rows: Some of its rows.
        pack: Whether to keep them decoded in a file beside the table, ``faces.pixels``. Where that folder
            cannot be written, or lacks the room, they are kept in memory as they are.
        track: Shows the progress of decoding.

    Raises:
        DataError: A picture cannot be read.
        OutputError: The file cannot be written.
    """
    paths = sorted({path for row in rows for path in (row.path, row.pair) if path is not None})
    file = table.with_suffix(".pixels")
    if pack:
        packed = find_packed(file, paths)
        if packed is not None:
            return packed
        if has_room(file, _bytes(paths)):
            return pack_pictures(file, paths, read_picture, track=track)
    return KeptPictures(paths)


def _bytes(paths: list[Path]) -> int:
    """Estimate how many bytes pictures have once they are decoded, by some of them."""
    some = paths[:: max(len(paths) // _MEASURED, 1)]
    sizes = [read_picture(path).nbytes for path in some]
    return int(np.mean(sizes) * len(paths)) if sizes else 0


def single_threaded() -> None:
    """Keep OpenCV from using more threads: the processes that load share the processor among themselves."""
    cv2.setNumThreads(0)
