"""The table of faces that training and testing read: one row a face, pictures beside it.

``faces.csv`` has the columns ``image`` (path relative to the table), ``box`` (x0 y0 x1 y1 in pixels of the
picture), ``points`` (ten numbers, may be empty: then the face cannot be self-blended), ``label`` (real or
fake), ``video``, ``original`` (what splits and intervals are grouped by), ``method``, ``compression``,
``split`` and ``pair`` (for a fake: the real picture of the same moment and box, may be empty). Two more may
be missing: ``mri`` (the dissimilarity map of the face, black for a real one, may be empty) and ``weight``
(what the face counts, above 0; 1 where empty).
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError

from .files import reason, write_atomically

COLUMNS = ("image", "box", "points", "label", "video", "original", "method", "compression", "split", "pair")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as it is written, paths relative to the table; see the module for the columns.

    Attributes:
        image: The picture.
        box: (4,).
        points: (10,), or empty.
        label: ``real`` or ``fake``.
        video: Id of the video or photograph it comes from.
        original: What it shares with others.
        method: How it was forged; empty for a real face.
        compression: May be empty.
        split: ``train``, ``choose`` or ``report``.
        pair: The real picture it is aligned with, or empty.
        mri: Its dissimilarity map, or empty.
        weight: Above 0.
    """

    image: str
    box: tuple[float, ...]
    points: tuple[float, ...]
    label: str
    video: str
    original: str
    method: str
    compression: str
    split: str
    pair: str
    mri: str
    weight: float


ALL_COLUMNS = tuple(field.name for field in fields(Entry))


@dataclass(frozen=True, slots=True)
class FaceRow:
    """One face of a table, as it is used.

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
        mri: Its dissimilarity map, or None.
        weight: What it counts, above 0.
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
    mri: Path | None
    weight: float


def read_faces(table: Path, splits: Iterable[str]) -> list[FaceRow]:
    """Read the rows of some splits from a ``faces.csv``.

    Raises:
        DataError: The table is missing, lacks a column, or holds a row that makes no sense.
    """
    wanted = set(splits)
    return [_face(entry, table.parent) for entry in read_entries(table, wanted)]


def read_entries(table: Path, splits: Iterable[str] | None = None) -> Iterator[Entry]:
    """Yield the rows of a ``faces.csv`` one by one, those of some splits or all.

    Raises:
        DataError: The table is missing, lacks a column, or holds a row that makes no sense.
    """
    wanted = None if splits is None else set(splits)
    try:
        with table.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise DataError(f"{table} lacks the columns {', '.join(sorted(missing))}")
            for row in reader:
                if wanted is None or row["split"] in wanted:
                    yield _parse(row, table, reader.line_num)
    except OSError as error:
        raise DataError(f"cannot read {table}: {reason(error)}", "name a faces.csv") from error
    except csv.Error as error:
        raise DataError(f"cannot read {table}: {error}", "name a faces.csv") from error


def write_entries(table: Path, entries: Iterable[Entry]) -> None:
    """Write a ``faces.csv`` row by row; it appears when it is whole.

    Raises:
        OutputError: It cannot be written.
    """
    with write_atomically(table) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(ALL_COLUMNS)
        for entry in entries:
            writer.writerow(_cells(entry))


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


def _parse(row: dict[str, str], table: Path, line: int) -> Entry:
    try:
        box = tuple(map(float, row["box"].split()))
        points = tuple(map(float, row["points"].split()))
        weight = float(row.get("weight") or 1)
        if len(box) != 4 or len(points) not in (0, 10) or row["label"] not in ("real", "fake"):
            raise ValueError
        if not weight > 0:
            raise ValueError
    except (ValueError, AttributeError) as error:
        raise DataError(
            f"{table}, line {line}: a box, the points, the label or the weight make no sense"
        ) from error
    return Entry(
        image=row["image"],
        box=box,
        points=points,
        label=row["label"],
        video=row["video"],
        original=row["original"],
        method=row["method"],
        compression=row["compression"],
        split=row["split"],
        pair=row["pair"],
        mri=row.get("mri") or "",
        weight=weight,
    )


def _face(entry: Entry, folder: Path) -> FaceRow:
    return FaceRow(
        path=folder / entry.image,
        box=np.array(entry.box),
        points=np.array(entry.points).reshape(5, 2) if entry.points else None,
        fake=entry.label == "fake",
        video=entry.video,
        original=entry.original,
        method=entry.method,
        compression=entry.compression,
        split=entry.split,
        pair=folder / entry.pair if entry.pair else None,
        mri=folder / entry.mri if entry.mri else None,
        weight=entry.weight,
    )


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        entry.image,
        " ".join(map(_number, entry.box)),
        " ".join(map(_number, entry.points)),
        entry.label,
        entry.video,
        entry.original,
        entry.method,
        entry.compression,
        entry.split,
        entry.pair,
        entry.mri,
        f"{entry.weight:.9g}",
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
