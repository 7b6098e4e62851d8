"""Normals of faces that are known, kept beside a table of faces: what a renderer's normals are taught by.

``faces.normals.npy`` is an array (N, S, S, 3) of uint8 that is mapped into memory, one map a face: red is the
normal's x and green its y, coded as ``(v + 1) * 127.5`` (x to the right, y up, z towards the viewer and above
0), blue is 255 where the normal is known and 0 elsewhere. ``faces.normals.json`` names the faces in order,
and the margin by which they were cut. ``tools/face_geometry.py`` writes both.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from deepfake_cli.errors import DataError
from deepfake_cli.io.files import write_atomically

Picture = NDArray[np.uint8]

_AGAIN = "make them again, or delete them"
_WHOLLY = 250  # least blue of a pixel that resizing has not mixed with unknown ones


class NormalMaps:
    """Maps of known normals.

    Args:
        file: The array.
        places: Number of each face's map, by the path of its picture.
        margin: As in ``cut_face``, of the square that the maps show.
    """

    def __init__(self, file: Path, places: dict[Path, int], margin: float) -> None:
        self._file, self._places, self.margin = file, places, margin
        self._maps: Picture | None = None

    def read(self, path: Path) -> Picture | None:
        """Return the map of a face, (S, S, 3), not to be written into; None if nothing is known of it."""
        if path not in self._places:
            return None
        if self._maps is None:  # mapped by each process on its own, which costs nothing
            self._maps = np.load(self._file, mmap_mode="r")
        return np.asarray(self._maps[self._places[path]], np.uint8)

    def knows(self, path: Path) -> bool:
        """Tell whether any normal of a face is known."""
        coded = self.read(path)
        return coded is not None and bool((coded[..., 2] >= _WHOLLY).any())

    def __reduce__(self) -> tuple[type["NormalMaps"], tuple[Path, dict[Path, int], float]]:
        return type(self), (self._file, self._places, self.margin)


def find_normals(table: Path) -> NormalMaps | None:
    """Open the maps beside a table; None if there are none.

    Raises:
        DataError: They are damaged.
    """
    file, notes = _files(table)
    if not (file.exists() and notes.exists()):
        return None
    try:
        known = json.loads(notes.read_text(encoding="utf-8"))
        places = {table.parent / name: number for number, name in enumerate(list(known["images"]))}
        margin = float(known["margin"])
        maps = np.lib.format.open_memmap(file, mode="r")
    except Exception as error:  # NumPy evaluates the header as Python, and damage raises nearly anything
        raise DataError(f"the normals {file} are damaged", _AGAIN) from error
    square = maps.ndim == 4 and maps.shape[1] == maps.shape[2] and maps.shape[3] == 3
    if maps.dtype != np.uint8 or not square or not 0 < margin < math.inf:
        raise DataError(f"{file} or {notes} is not as tools/face_geometry.py writes it", _AGAIN)
    if len(maps) != len(places):
        raise DataError(f"{file} has {len(maps)} maps, {notes} names {len(places)} faces", _AGAIN)
    return NormalMaps(file, places, margin)


def write_normals(
    table: Path, images: Sequence[str], maps: Iterable[Picture], *, size: int, margin: float
) -> None:
    """Write maps beside a table, one after the other; they appear when all are there.

    Args:
        table: The ``faces.csv``.
        images: Names of the faces as in the table.
        maps: (size, size, 3) each, in the same order; blue 0 everywhere where nothing is known.
        size: Side of a map in pixels.
        margin: Of the square that they show.

    Raises:
        OutputError: They cannot be written.
    """
    file, notes = _files(table)
    notes.unlink(missing_ok=True)  # what they say of the file is no longer true
    head = {"descr": "|u1", "fortran_order": False, "shape": (len(images), size, size, 3)}
    with write_atomically(file, "wb") as out:
        np.lib.format.write_array_header_1_0(out, head)
        for one in maps:
            out.write(np.ascontiguousarray(one).tobytes())
    with write_atomically(notes) as text:
        json.dump({"images": list(images), "margin": margin}, text)


def encode_normals(normals: NDArray[np.float64], known: NDArray[np.bool_]) -> Picture:
    """Code unit normals (H, W, 3) where they are known, (H, W), as a map; elsewhere it is (128, 128, 0)."""
    coded = np.rint((normals[..., :2] * known[..., None] + 1) * 127.5)
    return np.dstack((coded, known * 255)).astype(np.uint8)


def decode_normals(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Read maps (N, S, S, 3) uint8.

    Returns:
        Unit normals (N, 3, S, S), z at least 0, and where they are known, (N, 1, S, S) of 0 and 1.
    """
    planes = maps.permute(0, 3, 1, 2).float()
    flat = planes[:, :2] / 127.5 - 1
    depth = (1 - flat.square().sum(1, keepdim=True)).clamp(min=0).sqrt()
    return normalize(torch.cat((flat, depth), 1)), (planes[:, 2:] >= _WHOLLY).float()


def mirror_map(coded: Picture) -> Picture:
    """Mirror a map: left and right change places, and with them the sign of x."""
    mirrored = coded[:, ::-1].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    return mirrored


def _files(table: Path) -> tuple[Path, Path]:
    return table.with_suffix(".normals.npy"), table.with_suffix(".normals.json")
