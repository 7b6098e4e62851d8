"""What commands that measure models share: their options, and the table of what was found."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._ui import Column, Row, table

if TYPE_CHECKING:
    from deepfake_cli.training.evaluate import Measurement

MeasuredTablesArg = Annotated[
    list[Path], typer.Argument(metavar="TABLE...", help="Tables of faces (`faces.csv`).")
]
SplitOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--split", metavar="NAME", help="Judge the rows of this split (repeatable; default: report)."
    ),
]
ScoresOpt = Annotated[
    Path | None,
    typer.Option("--scores", metavar="FILE", help="Write the score of every face to this CSV file."),
]
RecordOpt = Annotated[
    bool, typer.Option("--record", help="Write the numbers into the model's config.json and card.")
]

_COLUMNS = (
    *(Column("data set"), Column("split"), Column("measure"), Column("value", right=True)),
    *(Column("95 % interval", right=True), Column("real", right=True), Column("fake", right=True)),
)


def show_measurements(found: "Iterable[Measurement]") -> None:
    """Write measurements as a table."""
    table(_COLUMNS, map(_row, found))


def _row(m: "Measurement") -> Row:
    value, interval = ("–", "") if m.value is None else (f"{m.value:.3f}", "")
    if m.interval is not None:
        interval = f"{m.interval[0]:.3f} to {m.interval[1]:.3f}"
    return m.dataset, m.split, m.metric, value, interval, str(m.real), str(m.fake)
