"""Trees without a convention of their own: folders named real and fake, or a CSV; and Dessa's."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from deepfake_cli.errors import DataError

from .found import Found, Options, folders, label_word, media, read_rows, split_word

_PLAIN = ("frames", "videos", "images")  # folders that name no method
_NUMBER = re.compile(r"[ _.-]*\d+$")


def folder(root: Path, options: Options) -> Iterator[Found]:
    """Read any data set: the CSV files at its root with columns path and label, else real and fake folders.

    Options: ``csv`` names the CSV files to use, relative to the root.
    """
    tables = options.get("csv") or _tables(root)
    if tables:
        for name in tables:
            yield from _listed(root, name)
    else:
        yield from _sorted_into_folders(root)


def dessa(root: Path, options: Options) -> Iterator[Found]:
    """Read Dessa's tree, ``{base,augment,both}[_deepfake]/[val/]{real,fake}/[frames/]``.

    ``both`` holds what is in the other two, so it is left out beside them. Frames of one video share their
    name up to the last number. Options: ``parts`` (base, augment, both).
    """
    wanted = options.get("parts", [])
    parts = {part.split("_")[0] for path in _inner_folders(root) for part in path.split("/")}
    doubled = "both" in parts and bool({"base", "augment"} & (parts & set(wanted) if wanted else parts))
    for found in _sorted_into_folders(root):
        inner = map(_part, found.path.split("/")[:-1])
        part = next((name for name in inner if name in ("base", "augment", "both")), "")
        if (wanted and part not in wanted) or (doubled and part == "both"):
            continue
        stem = _NUMBER.sub("", posixpath.splitext(posixpath.basename(found.path))[0])
        yield found._replace(method="youtube" if found.label == "fake" else "", identity=stem)


def _part(name: str) -> str:
    return name.split("_")[0].lower()


def _inner_folders(root: Path) -> list[str]:
    return [path for path, _ in folders(root) if path.count("/") <= 2]


def _tables(root: Path) -> list[str]:
    """List the CSV files at the root that have the columns path and label."""
    try:
        names = sorted(path.name for path in root.iterdir() if path.suffix.lower() == ".csv")
    except OSError:
        names = []  # walking says why
    return [name for name in names if {"path", "label"} <= next(read_rows(root / name), {}).keys()]


def _listed(root: Path, name: str) -> Iterator[Found]:
    """Read a CSV: path and label, and where there original, method, identity, compression and split.

    Paths are relative to the CSV's folder; absolute ones are taken as they are, made relative where below it.
    """
    table = root / name
    base = posixpath.dirname(name)
    for number, row in enumerate(read_rows(table), start=2):
        if "path" not in row or "label" not in row:
            raise DataError(f"{table} lacks the columns path, label", "see docs/workspace.md for the format")
        label, split = label_word(row["label"]), row.get("split", "")
        problem = (
            "" if label else f"{name}, row {number}: the label {row['label']!r} is neither real nor fake"
        )
        if split and not split_word(split):
            problem = f"{name}, row {number}: there is no split {split!r}"
        yield Found(
            path=_within(row["path"], root, base),
            label=label,
            original=_within(row["original"], root, base) if row.get("original") else "",
            method=row.get("method", ""),
            identity=row.get("identity", ""),
            compression=row.get("compression", ""),
            official=split_word(split),
            problem=problem,
        )


def _within(path: str, root: Path, base: str) -> str:
    path = path.strip().replace("\\", "/")
    if posixpath.isabs(path):
        top = str(root)
        return path[len(top) + 1 :] if path.startswith(f"{top}/") else path
    return posixpath.normpath(posixpath.join(base, path)) if path else ""


def _sorted_into_folders(root: Path) -> Iterator[Found]:
    """Label what lies in folders named real and fake, in any case, the innermost counts.

    Folders such as train, val and test are official splits; a folder within fake names the method.
    """
    for path in media(root):
        inner = path.lower().split("/")[:-1]
        at = max((i for i, name in enumerate(inner) if name in ("real", "fake")), default=-1)
        if at < 0:
            continue
        below = [
            name
            for name in path.split("/")[at + 1 : -1]
            if name.lower() not in ("frames", "videos", "images")
        ]
        yield Found(
            path=path,
            label=inner[at],
            method=below[0] if below and inner[at] == "fake" else "",
            official=next((split for split in map(split_word, reversed(inner)) if split), ""),
        )
