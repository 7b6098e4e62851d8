"""`dfdetect classifier matrix`: how detectors do on data sets that they have not seen."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .._extras import needs_extra
from .._measurements import MeasuredTablesArg, SplitOpt
from .._options import JsonOpt, QuietOpt
from .._ui import Column, note, say, table, track, warn


def measure_matrix(
    tables: MeasuredTablesArg,
    model: Annotated[
        list[str],
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="A model folder, the name of an embedded model, or owner/name@revision (repeatable).",
        ),
    ],
    split: SplitOpt = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse where a model has seen a test set, instead of marking it."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write matrix.json, matrix.csv and report.html here."
        ),
    ] = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure models on several data sets.

    Gives AUCs over videos, or over faces where a table has one of each video, with 95 % intervals from a
    bootstrap over sources. A number is marked `!` where the model has seen originals or faces of the test
    set, `=` where it learned from a data set of that name, `?` where nothing but other names is known of what
    it learned from; without a mark it was checked. A run notes what it learns from in its `learned.json`.
    """
    with needs_extra("train"):
        from deepfake_cli.training.measure.matrix import LEGEND, SEEN, measure_matrix, say_shared
    from deepfake_cli.pipeline.models import resolve
    from deepfake_cli.training.measure.matrix_report import grid, save_matrix, to_json

    models = {name: resolve(name, track=track(quiet)) for name in model}
    cells = measure_matrix(models, tables, split or ["report"], strict=strict, track=track(quiet))
    for cell in cells:
        if cell.mark == SEEN:
            warn(f"{cell.model} has seen {say_shared(cell.seen)} of {cell.dataset}")
    if output:
        save_matrix(output, cells)
    if as_json:
        say(json.dumps(to_json(cells), indent=2))
        return
    titles, rows = grid(cells)
    table([Column(title) for title in titles], rows)
    for mark, words in LEGEND.items():
        if not quiet and any(cell.mark == mark for cell in cells):
            note(f"{mark} {words}")
