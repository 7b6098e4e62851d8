"""Decoded pictures in one file, mapped into memory: read again and again without being decoded again.

The pixels of all pictures follow each other in one file; beside it ``<file>.json`` says where each begins and
from which files, by size and time of change, they were made. Processes that map the file share its memory.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError
from deepfake_cli.progress import Track, untracked

from .files import write_atomically

Picture = NDArray[np.uint8]
Place = tuple[int, int, int]  # first byte, height, width


class PackedPictures:
    """Pictures that were decoded once.

    Args:
        file: With their pixels.
        places: Where each picture lies in it, by its path.
    """

    def __init__(self, file: Path, places: dict[Path, Place]) -> None:
        self._file, self._places = file, places
        self._bytes = sum(height * width * 3 for _, height, width in places.values())
        self._pixels: NDArray[np.uint8] | None = None

    def read(self, path: Path) -> Picture:
        """Return a picture, (H, W, 3) uint8 RGB; it must not be written into.

        Raises:
            DataError: The file was replaced.
            KeyError: The picture was not packed.
        """
        if self._pixels is None:  # mapped by each process on its own, which costs nothing
            self._pixels = np.memmap(self._file, np.uint8, "r")
            if self._pixels.size != self._bytes:
                raise DataError(f"{self._file} was replaced while it was in use", "start again")
        start, height, width = self._places[path]
        return self._pixels[start : start + height * width * 3].reshape(height, width, 3)

    def __reduce__(self) -> tuple[type["PackedPictures"], tuple[Path, dict[Path, Place]]]:
        return type(self), (self._file, self._places)


def find_packed(file: Path, paths: Sequence[Path]) -> PackedPictures | None:
    """Open what `pack_pictures` wrote; None where it is not there, or a picture has changed since."""
    try:
        notes = json.loads(_notes(file).read_text(encoding="utf-8"))
        names = [os.path.relpath(path, file.parent) for path in paths]
        fresh = [notes["names"], notes["made_of"], notes["bytes"]] == [
            names,
            _state(paths),
            file.stat().st_size,
        ]
        places = [(start, height, width) for start, height, width in notes["places"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return PackedPictures(file, dict(zip(paths, places, strict=True))) if fresh else None


def pack_pictures(
    file: Path, paths: Sequence[Path], read: Callable[[Path], Picture], *, track: Track = untracked
) -> PackedPictures:
    """Decode pictures into a file; it appears when it is whole.

    Args:
        file: To write.
        paths: The pictures, each once.
        read: Decodes one to (H, W, 3) uint8.
        track: Shows the progress.

    Raises:
        DataError: A picture cannot be read.
        FileNotFoundError: A picture is gone.
        OutputError: The file cannot be written, or there is no room for it.
    """
    _notes(file).unlink(missing_ok=True)  # what they say of the file is no longer true
    state, places, start = _state(paths), {}, 0
    with write_atomically(file, "wb") as out:
        for path in track(paths, "decoding faces once"):
            picture = read(path)
            height, width, _ = picture.shape
            places[path] = (start, height, width)
            out.write(np.ascontiguousarray(picture).tobytes())
            start += picture.nbytes
    names = [os.path.relpath(path, file.parent) for path in paths]
    notes = {"names": names, "made_of": state, "bytes": start, "places": list(places.values())}
    with write_atomically(_notes(file)) as text:
        json.dump(notes, text)
    return PackedPictures(file, places)


def has_room(file: Path, need: int) -> bool:
    """Whether a file of so many bytes can be written, with a tenth of the disk's free space to spare."""
    try:
        disk = os.statvfs(file.parent)
    except OSError:
        return False
    return os.access(file.parent, os.W_OK) and need < 0.9 * disk.f_bavail * disk.f_frsize


def _notes(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _state(paths: Sequence[Path]) -> list[list[int]]:
    """Tell size and time of change of every picture, in the order of the paths."""
    return [[stat.st_size, stat.st_mtime_ns] for stat in map(os.stat, paths)]
