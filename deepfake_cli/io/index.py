"""The index of a data set: one row a video or picture, read and written row by row.

``index.csv`` has the columns ``id`` (unique; a file name without extension), ``path`` (relative to the root
in ``source.json``), ``label`` (real or fake), ``original`` (the id of the real video that a fake was made
from, else the own id; may be empty for a fake whose original is unknown), ``method``, ``identity``,
``compression`` (may be empty) and ``split`` (train, choose or report).
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

from deepfake_cli.errors import DataError

from .files import reason, write_atomically
from .workspace import DatasetFolder, require

SPLITS = ("train", "choose", "report")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A video or picture; see the module for what the fields hold."""

    id: str
    path: str
    label: str
    original: str
    method: str
    identity: str
    compression: str
    split: str

    @property
    def fake(self) -> bool:
        """Whether it is labelled as manipulated."""
        return self.label == "fake"


COLUMNS = tuple(field.name for field in fields(IndexRow))


@dataclass(frozen=True, slots=True)
class Source:
    """Which data set a folder of the workspace stands for.

    Attributes:
        dataset: Name in the registry.
        root: Absolute path of the raw files.
        options: Choices that were made when it was adopted, such as compression and methods.
    """

    dataset: str
    root: Path
    options: dict[str, list[str]]


def read_source(folder: DatasetFolder) -> Source:
    """Read ``source.json``.

    Raises:
        DataError: It is missing or damaged.
    """
    path = require(folder.source, f"dfdetect data fetch {folder.name}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Source(str(stored["dataset"]), Path(stored["root"]), dict(stored.get("options", {})))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged", f"make it anew with: dfdetect data fetch {folder.name}"
        ) from error


def write_source(folder: DatasetFolder, source: Source) -> None:
    """Write ``source.json``.

    Raises:
        OutputError: It cannot be written.
    """
    content = {"dataset": source.dataset, "root": str(source.root), "options": source.options}
    with write_atomically(folder.source) as file:
        file.write(json.dumps(content, indent=2) + "\n")


def read_index(path: Path) -> Iterator[IndexRow]:
    """Yield the rows of an ``index.csv`` one by one.

    Raises:
        DataError: It cannot be read, lacks a column, or holds a row that makes no sense.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            if missing := set(COLUMNS) - set(reader.fieldnames or ()):
                raise DataError(f"{path} lacks the columns {', '.join(sorted(missing))}")
            for row in reader:
                values = [row[name] for name in COLUMNS]
                if None in values or row["label"] not in ("real", "fake") or row["split"] not in SPLITS:
                    raise DataError(
                        f"{path}, line {reader.line_num}: label, split or number of cells makes no sense"
                    )
                yield IndexRow(*values)
    except (OSError, csv.Error) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise DataError(f"cannot read {path}: {why}", "make it anew with: dfdetect data index") from error


def write_index(path: Path, rows: Iterable[IndexRow]) -> None:
    """Write an ``index.csv`` row by row; it appears when it is whole.

    Raises:
        OutputError: It cannot be written.
    """
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(attrgetter(*COLUMNS), rows))
