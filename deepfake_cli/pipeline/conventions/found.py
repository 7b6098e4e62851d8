"""What a data set's convention tells of a file, and how trees are walked."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from deepfake_cli.errors import DataError
from deepfake_cli.io.files import reason

from ..inputs import SUFFIXES

Options = Mapping[str, list[str]]


class Found(NamedTuple):
    """A video or picture as its data set describes it.

    Attributes:
        path: Relative to the root, ``/`` between folders.
        label: ``real`` or ``fake``; empty where the data set does not tell, and then ``problem`` says so.
        original: Path of the real video a fake was made from, with or without its extension; empty where
            unknown. Of a real video what else it shares with others, usually empty.
        method: How it was forged.
        identity: Who is to be seen, or another name for what must stay in one split.
        compression: As the data set calls it.
        official: The split that the data set itself puts it in (train, choose or report), or empty.
        tie: Another identity that is to be seen in it.
        problem: Why it cannot be used, or empty.
    """

    path: str
    label: str
    original: str = ""
    method: str = ""
    identity: str = ""
    compression: str = ""
    official: str = ""
    tie: str = ""
    problem: str = ""


Convention = Callable[[Path, Options], Iterator[Found]]

_SPLITS = {
    "train": ("train", "training"),
    "choose": ("choose", "val", "valid", "validation", "dev"),
    "report": ("report", "test", "testing"),
}
_SPLIT_WORDS = {word: split for split, words in _SPLITS.items() for word in words}
_LABELS = {"real": "real", "fake": "fake", "0": "real", "1": "fake"}


def split_word(text: str) -> str:
    """Tell which split a word such as ``validation`` means; empty where none."""
    return _SPLIT_WORDS.get(text.strip().lower(), "")


def label_word(text: str) -> str:
    """Tell the label that a cell means: real, fake, 0 (real) or 1 (fake), in any case; empty where none."""
    return _LABELS.get(text.strip().lower(), "")


def media(root: Path, below: str = "") -> Iterator[str]:
    """Walk a tree and yield its videos and pictures, relative to the root; in no order, hidden ones not.

    Links to folders are followed, but no folder is entered twice.

    Raises:
        DataError: A folder cannot be read.
    """
    for folder, files in folders(root, below):
        for name in files:
            if is_media(name):
                yield f"{folder}/{name}" if folder else name


def is_media(name: str) -> bool:
    """Whether a file's name says that it is a video or picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def folders(root: Path, below: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield every folder of a tree with the names of its files; folders relative to the root, it is empty.

    Raises:
        DataError: A folder cannot be read.
    """
    waiting: list[str] = [below]
    seen: set[tuple[int, int]] = set()
    while waiting:
        folder = waiting.pop()
        files: list[str] = []
        inner: list[str] = []
        try:
            place = os.stat(root / folder)
            if (place.st_dev, place.st_ino) in seen:
                continue
            seen.add((place.st_dev, place.st_ino))
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        (inner if entry.is_dir() else files).append(entry.name)
        except OSError as error:
            raise DataError(
                f"cannot read {root / folder}: {reason(error)}", "see that the raw files are where they were"
            ) from error
        yield folder, files
        waiting.extend(f"{folder}/{name}" if folder else name for name in sorted(inner, reverse=True))


def read_json(path: Path) -> Any:
    """Read a data set's own JSON.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}", "copy or download it again") from error


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a data set's own CSV, names of columns in lower case, missing cells empty.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.reader(file)
            names = [name.strip().lower() for name in next(reader, [])]
            for cells in reader:
                if cells:
                    yield dict.fromkeys(names, "") | dict(zip(names, cells, strict=False))
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error
    except csv.Error as error:
        raise DataError(f"{path} is no CSV: {error}") from error
