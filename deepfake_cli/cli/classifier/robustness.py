"""`dfdetect classifier robustness`: how much damage to pictures a detector stands."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import UsageError

from .._extras import needs_extra
from .._measurements import MeasuredTablesArg, ModelArg, SplitOpt
from .._options import JsonOpt, QuietOpt
from .._ui import Column, say, table, track

if TYPE_CHECKING:
    from deepfake_cli.training.measure.robustness import Robustness

_COLUMNS = (Column("damage"), Column("levels"), *(Column(str(level), right=True) for level in range(1, 6)))


def measure_robustness(
    model: ModelArg,
    tables: MeasuredTablesArg,
    split: SplitOpt = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="NAME",
            help="Damage pictures in this way (repeatable; default: all): jpeg, h264, blur, noise, scale, "
            "saturation, contrast, blocks.",
        ),
    ] = None,
    faces: Annotated[
        int | None,
        typer.Option(
            "--faces",
            min=1,
            metavar="COUNT",
            help="At most so many faces of a table, drawn evenly over labels and videos (default: all).",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Write robustness.json, robustness.csv and report.html here.",
        ),
    ] = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure a model on damaged pictures.

    Damages the pictures in eight ways at five levels, before the faces are cut, and gives the AUC of each
    over videos, or over faces where a table has one of each video; intervals are 95 %, from a bootstrap over
    sources. Judging all faces takes 41 times as long as `test`; 600 show differences of 0.05.
    """
    with needs_extra("train"):
        from deepfake_cli.training.measure.robustness import measure_robustness
    from deepfake_cli.pipeline.models import resolve
    from deepfake_cli.training.measure.robustness_report import save_robustness, to_json

    kinds, folder = _kinds(kind or []), resolve(model, track=track(quiet))
    found = [
        measure_robustness(folder, path, split or ["report"], kinds, faces=faces, track=track(quiet))
        for path in tables
    ]
    if output:
        save_robustness(output, model, found)
    if as_json:
        say(json.dumps(to_json(model, found), indent=2))
    else:
        _show(found)


def _kinds(names: list[str]) -> list[str]:
    from deepfake_cli.training.measure.damage import KINDS

    if unknown := [name for name in names if name not in KINDS]:
        raise UsageError(f"there is no damage '{unknown[0]}'", f"choose of {', '.join(KINDS)}")
    return [name for name in KINDS if name in names or not names]


def _show(found: "list[Robustness]") -> None:
    from deepfake_cli.training.measure.robustness_report import rows_of, say_sum

    for number, one in enumerate(found):
        if number:
            say()
        say("\n".join(say_sum(one)) + "\n")
        table(_COLUMNS, rows_of(one))
