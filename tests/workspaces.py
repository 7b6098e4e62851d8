"""Data sets in a workspace, made of small videos, for tests of the stages."""

from collections.abc import Sequence
from pathlib import Path

from deepfake_cli.io.index import IndexRow, Source, write_index, write_source
from deepfake_cli.io.workspace import DatasetFolder


def row(path: Path, original: str | None = None) -> IndexRow:
    """Describe a file by its name: a fake where ``original`` is given, "" for an unknown one."""
    label = "real" if original is None else "fake"
    return IndexRow(
        path.stem, path.name, label, path.stem if original is None else original, "", "", "", "train"
    )


def make_dataset(workspace: Path, root: Path, rows: Sequence[IndexRow]) -> DatasetFolder:
    """Write the index of a data set named ``small``."""
    folder = DatasetFolder(workspace / "small")
    folder.path.mkdir(parents=True)
    write_source(folder, Source("folder", root, {}))
    write_index(folder.index, rows)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
