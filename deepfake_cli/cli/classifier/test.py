"""`dfdetect classifier test`: how good a detector is."""

import json
from typing import Annotated

import typer

from .._extras import needs_extra
from .._measurements import MeasuredTablesArg, RecordOpt, ScoresOpt, SplitOpt, show_measurements
from .._options import JsonOpt, QuietOpt
from .._ui import Column, say, table, track

_CALLS = ("REAL", "UNCERTAIN", "FAKE")
_VERDICTS = (
    Column("data set"),
    Column("split"),
    Column("examples"),
    *(Column(f"{label} called {verdict}", right=True) for label in ("real", "fake") for verdict in _CALLS),
)


def measure_model(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model folder, the name of an embedded model, or owner/name@revision."
        ),
    ],
    tables: MeasuredTablesArg,
    split: SplitOpt = None,
    scores: ScoresOpt = None,
    record: RecordOpt = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure a model on tables of faces.

    Intervals are 95 %, from a bootstrap over sources. With fewer than 10 real or 10 fake examples only
    verdicts are counted.
    """
    with needs_extra("train"):
        from deepfake_cli.training.evaluate import count_verdicts, judge, measure, save_scores, to_json
    from deepfake_cli.pipeline.models import resolve
    from deepfake_cli.training.export import record_metrics

    folder = resolve(model)
    decision = folder.config.decision
    judged = [judge(folder, path, split or ["report"], track=track(quiet)) for path in tables]
    found = [m for one in judged for m in measure(one, decision)]
    called = [c for one in judged for c in count_verdicts(one, decision)]
    if scores:
        save_scores(scores, judged)
    if record:
        record_metrics(folder.path, found)
    if as_json:
        say(json.dumps(to_json(found, called), indent=2))
    else:
        show_measurements(found)
        say()
        table(_VERDICTS, ((c.dataset, c.split, c.examples, *map(str, (*c.real, *c.fake))) for c in called))
