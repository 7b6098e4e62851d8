"""Videos and pictures whose label is known, and what a scan said of them."""

import csv
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.errors import DataError

from .files import reason

NEEDED = ("path", "label")
_LABELS = {"real": False, "0": False, "fake": True, "1": True}


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A video or picture.

    Attributes:
        path: Where it lies.
        fake: Its label.
        method: How it was forged; empty for a real one, or where nobody knows.
        compression: As its data set names it, may be empty.
        original: The source that it shares with others; its own path where that is not known.
    """

    path: str
    fake: bool
    method: str
    compression: str
    original: str


@dataclass(frozen=True, slots=True)
class FaceScore:
    """One face that a scan looked at.

    Attributes:
        time: Seconds from the start of the video.
        box: (x0, y0, x1, y1) in pixels of the full frame.
        score: P(fake) in [0, 1].
    """

    time: float
    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What a scan said of a labelled file.

    Attributes:
        file: The file.
        verdict: FAKE, REAL, UNCERTAIN, NO_FACE or UNREADABLE.
        score: P(fake) in [0, 1]; None for the last two.
        reason: Why the verdict is neither FAKE nor REAL, in words.
        faces: Everything that was scored in it.
    """

    file: LabelledFile
    verdict: str
    score: float | None
    reason: str
    faces: tuple[FaceScore, ...]


def lists_files(table: Path) -> bool:
    """Tell whether a CSV file lists labelled files, with ``path`` and ``label``, and no faces.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            return set(NEEDED) <= set(next(csv.reader(file), ()))
    except (OSError, csv.Error) as error:
        why = reason(error) if isinstance(error, OSError) else error
        hint = "name a faces.csv, a CSV file with path and label, or a folder with real/ and fake/"
        raise DataError(f"cannot read {table}: {why}", hint) from error


def read_labelled(table: Path) -> list[LabelledFile]:
    """Read a CSV file that lists labelled files.

    Args:
        table: Has the columns ``path`` and ``label``, perhaps ``method``, ``compression``, ``original``;
            paths are relative to the folder that it lies in; labels are real, fake, 0 or 1.

    Raises:
        DataError: A label makes no sense, a path is missing or there twice, or the file breaks off.
    """
    files: dict[str, LabelledFile] = {}
    with table.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.DictReader(file, restval="")
        try:
            for row in reader:
                entry = _entry(row, table, reader.line_num)
                if entry.path in files:
                    raise DataError(f"{table}, line {reader.line_num}: {row['path']} is there twice")
                files[entry.path] = entry
        except csv.Error as error:
            raise DataError(f"cannot read {table}: {error}") from error
    return list(files.values())


def _entry(row: dict[str, str], table: Path, line: int) -> LabelledFile:
    fake = _LABELS.get(row["label"].strip().lower())
    if fake is None or not row["path"]:
        raise DataError(
            f"{table}, line {line}: a path, and the label real, fake, 0 or 1, are needed",
            f"it says '{row['path']}' and '{row['label']}'",
        )
    path = str(table.parent / row["path"])
    return LabelledFile(
        path=path,
        fake=fake,
        method=row.get("method", ""),
        compression=row.get("compression", ""),
        original=row.get("original", "") or path,
    )
