"""What commands that measure models share: their options, and the tables of what was found."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._ui import Column, Row, say, table

if TYPE_CHECKING:
    from deepfake_cli.training.measure.evaluate import Measurement
    from deepfake_cli.training.measure.findings import Findings, Found

MeasuredTablesArg = Annotated[
    list[Path], typer.Argument(metavar="TABLE...", help="Tables of faces (`faces.csv`).")
]
MODEL_HELP = "A model folder, the name of an embedded model, or owner/name@revision."
ModelArg = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP)]
DatasetsArg = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATASET...",
        help="Tables of faces (`faces.csv`); folders with videos and pictures in `real/` and `fake/`; or CSV "
        "files with the columns `path` and `label`.",
    ),
]
SplitOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--split",
        metavar="NAME",
        help="Judge the rows of this split of tables of faces (repeatable; default: report).",
    ),
]
ChosenSplitOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--split", metavar="NAME", help="Choose by the rows of this split (repeatable; default: choose)."
    ),
]
ScoresOpt = Annotated[
    Path | None,
    typer.Option("--scores", metavar="FILE", help="Write the score of every face to this CSV file."),
]
ReportOpt = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Write a page with curves and tables to this folder, and the numbers and scores behind it.",
    ),
]
RecordOpt = Annotated[
    bool, typer.Option("--record", help="Write the numbers into the model's config.json and card.")
]

_COLUMNS = (
    *(Column("data set"), Column("split"), Column("measure"), Column("value", right=True)),
    *(Column("95 % interval", right=True), Column("real", right=True), Column("fake", right=True)),
)
_CALLS = ("REAL", "UNCERTAIN", "FAKE")


def show_measurements(found: "Iterable[Measurement]") -> None:
    """Write measurements as a table."""
    table(_COLUMNS, map(_row, found))


def show_findings(findings: "Findings", threshold: float) -> None:
    """Write all that was found of a data set: the whole first, then its parts."""
    whole = [one for one in findings.found if one.kind == "whole"]
    parts = [one for one in findings.found if one.kind != "whole"]
    say(f"{findings.judged.dataset}, split {findings.judged.split}: {'; '.join(map(_counts, whole))}")
    if any(one.measured for one in whole):
        columns = [Column("measure"), *(Column(one.examples, right=True) for one in whole)]
        names = list(whole[0].measurements)
        table(columns, ((name, *(one.measurements[name].estimate for one in whole)) for name in names))
        say()
    calls = (f"below {threshold:g}", f"from {threshold:g} on")
    columns = [Column("examples"), Column("label"), *(Column(call, right=True) for call in (*_CALLS, *calls))]
    table(columns, (row for one in whole for row in _called(one)))
    say()
    if parts:
        columns = [Column("examples"), Column("real", right=True), Column("fake", right=True)]
        columns += [Column(name, right=True) for name in parts[0].measurements]
        rows = ((one.examples, str(one.real), str(one.fake), *_estimates(one)) for one in parts)
        table(columns, rows)
        say()


def _row(m: "Measurement") -> Row:
    value, interval = ("–", "") if m.value is None else (f"{m.value:.3f}", "")
    if m.interval is not None:
        interval = f"{m.interval[0]:.3f} to {m.interval[1]:.3f}"
    return m.dataset, m.split, m.metric, value, interval, str(m.real), str(m.fake)


def _counts(one: "Found") -> str:
    return f"{one.real} real and {one.fake} fake {one.examples}"


def _estimates(one: "Found") -> Sequence[str]:
    return [m.estimate for m in one.measurements.values()]


def _called(one: "Found") -> Iterable[Row]:
    sides = zip(
        ("real", "fake"),
        (one.called.real, one.called.fake),
        one.called.matrix,
        one.called.shares,
        strict=True,
    )
    for label, verdicts, counts, shares in sides:
        told = [f"{n} ({s:.3f})" for n, s in zip(counts, shares or (), strict=True)] if shares else ["–", "–"]
        yield one.examples, label, *map(str, verdicts), *told
