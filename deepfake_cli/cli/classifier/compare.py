"""`dfdetect classifier compare`: which of two detectors is better, and whether that is more than chance."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._measurements import MODEL_HELP, MeasuredTablesArg, SplitOpt
from .._options import JsonOpt, QuietOpt
from .._ui import Column, Row, say, table, track

if TYPE_CHECKING:
    from deepfake_cli.training.measure.compare import Comparison

_COLUMNS = (
    *(Column("data set"), Column("split"), Column("measure"), Column("A", right=True)),
    *(Column("B", right=True), Column("A less B", right=True), Column("95 % interval", right=True)),
    *(Column("A better in", right=True), Column("real", right=True), Column("fake", right=True)),
)


def compare_models(
    a: Annotated[str, typer.Argument(metavar="A", help=MODEL_HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help=f"What it is compared with. {MODEL_HELP}")],
    tables: MeasuredTablesArg,
    split: SplitOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Compare two models on the same faces.

    Judges videos, or faces where a table has one of each video: by AUC, and by balanced accuracy with each
    model's own threshold. Both are measured on the same 1000 draws of sources, so that what is hard about the
    pictures does not count; "A better in" is the share of these draws.
    """
    with needs_extra("train"):
        from deepfake_cli.training.measure.compare import compare, to_json
    from deepfake_cli.pipeline.models import resolve

    one, other = (resolve(name, track=track(quiet)) for name in (a, b))
    found = compare(one, other, tables, split or ["report"], track=track(quiet))
    if as_json:
        say(json.dumps(to_json(a, b, found), indent=2))
        return
    say(f"A: {a}\nB: {b}\n")
    table(_COLUMNS, map(_row, found))
    say()
    for result in found:
        say(f"{result.dataset}, {result.split}, {result.measure}: {result.say('A', 'B')}")


def _row(one: "Comparison") -> Row:
    counts = (str(one.real), str(one.fake))
    if one.found is None:
        return one.dataset, one.split, one.measure, "–", "–", "–", "", "", *counts
    found = one.found
    numbers = f"{found.a:.3f}", f"{found.b:.3f}", f"{found.difference:+.3f}"
    interval = f"{found.interval[0]:+.3f} to {found.interval[1]:+.3f}"
    return one.dataset, one.split, one.measure, *numbers, interval, f"{found.ahead:.1%}", *counts
