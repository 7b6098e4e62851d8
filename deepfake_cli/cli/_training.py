"""What commands that train share: the tables to learn from, each with its share, and the run's folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import UsageError

if TYPE_CHECKING:
    from deepfake_cli.training.tables import Source

TablesArg = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE[=SHARE]...",
        help="Tables of faces (`faces.csv`), each with its share of all pairs.",
    ),
]
RunOpt = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="The run's folder.")]
ResumeRunOpt = Annotated[bool, typer.Option("--resume", help="Go on where the run in this folder stopped.")]


def sources_of(tables: list[str]) -> "list[Source]":
    """Read tables with their shares.

    Raises:
        UsageError: A share is not a number above 0.
    """
    return [_source(text) for text in tables]


def _source(text: str) -> "Source":
    from deepfake_cli.training.tables import Source

    path, equals, share = text.rpartition("=")
    if not equals:
        return Source(Path(text))
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"'{share}' is not a share of the pairs", "write TABLE=0.7, a number above 0")
    return Source(Path(path), value)
