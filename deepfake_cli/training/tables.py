"""The table of faces that training and testing read: one row a face, pictures beside it.

``faces.csv`` has the columns ``image`` (path relative to the table), ``box`` (x0 y0 x1 y1 in pixels of the
picture), ``points`` (ten numbers, may be empty: then the face cannot be self-blended), ``label`` (real or
fake), ``video``, ``original`` (what splits and intervals are grouped by), ``method``, ``compression``,
``split`` and ``pair`` (for a fake: the real picture of the same moment and box, may be empty).
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError

COLUMNS = ("image", "box", "points", "label", "video", "original", "method", "compression", "split", "pair")


@dataclass(frozen=True)
class Source:
    """A table of faces and the share of all pairs that is drawn from it."""

    table: Path
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class FaceRow:
    """One face of a table.

    Attributes:
        path: The picture.
        box: (4,) x0, y0, x1, y1 in its pixels.
        points: (5, 2) eyes, nose and corners of the mouth, or None where unknown.
        fake: Its label.
        video: The video or photograph it comes from.
        original: The source that it shares with others; splits and intervals keep it whole.
        method: How it was forged; empty for a real face.
        compression: Compression named by its data set, may be empty.
        split: ``train``, ``choose`` or ``report``.
        pair: The real picture it is aligned with, or None.
    """

    path: Path
    box: NDArray[np.float64]
    points: NDArray[np.float64] | None
    fake: bool
    video: str
    original: str
    method: str
    compression: str
    split: str
    pair: Path | None


def read_faces(table: Path, splits: Iterable[str]) -> list[FaceRow]:
    """Read the rows of some splits from a ``faces.csv``.

    Raises:
        DataError: The table is missing, lacks a column, or holds a row that makes no sense.
    """
    wanted = set(splits)
    try:
        with table.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise DataError(f"{table} lacks the columns {', '.join(sorted(missing))}")
            return [_parse(row, table, reader.line_num) for row in reader if row["split"] in wanted]
    except OSError as error:
        raise DataError(f"cannot read {table}: {error.strerror}", "name a faces.csv") from error


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a face picture as (H, W, 3) uint8 RGB.

    Raises:
        DataError: It cannot be read.
    """
    return decode_picture(path.read_bytes() if path.is_file() else b"", path)


def decode_picture(data: bytes, path: Path) -> NDArray[np.uint8]:
    """Decode a face picture held in memory; ``path`` only names it in the error."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    if image is None:
        raise DataError(f"cannot read the picture {path}", "make the table and its pictures again")
    return np.asarray(image, np.uint8)


def _parse(row: dict[str, str], table: Path, line: int) -> FaceRow:
    try:
        box = np.array([float(v) for v in row["box"].split()])
        points = np.array([float(v) for v in row["points"].split()])
        if box.shape != (4,) or points.shape not in ((0,), (10,)) or row["label"] not in ("real", "fake"):
            raise ValueError
    except ValueError as error:
        raise DataError(f"{table}, line {line}: a box, the points or the label make no sense") from error
    folder = table.parent
    return FaceRow(
        path=folder / row["image"],
        box=box,
        points=points.reshape(5, 2) if points.size else None,
        fake=row["label"] == "fake",
        video=row["video"],
        original=row["original"],
        method=row["method"],
        compression=row["compression"],
        split=row["split"],
        pair=folder / row["pair"] if row["pair"] else None,
    )
