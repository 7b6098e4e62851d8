"""`dfdetect gan test`: how well the maps of a generator tell fakes from real faces."""

import json
from typing import Annotated

import typer

from .._extras import needs_extra
from .._measurements import MeasuredTablesArg, RecordOpt, ScoresOpt, SplitOpt, show_measurements
from .._options import JsonOpt, QuietOpt
from .._ui import say, track, warn


def measure_generator(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Who paints: mri-gan, a folder, or owner/name@revision.")
    ],
    tables: MeasuredTablesArg,
    split: SplitOpt = None,
    scores: ScoresOpt = None,
    record: RecordOpt = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure a generator on tables of faces.

    The score of a face is the mean of the map that is painted of it, which needs no classifier: AUC over
    faces and videos, and over the videos of each kind, with 95 % intervals from a bootstrap over sources.
    With fewer than 10 real or 10 fake examples there is none.
    """
    with needs_extra("train"):
        from deepfake_cli.training.measure.evaluate import judge_maps, measure_order, save_scores, to_json
        from deepfake_cli.training.measure.judged import left_out
    from deepfake_cli.pipeline.models import resolve_generator
    from deepfake_cli.training.export import record_metrics

    generator = resolve_generator(model)
    judged = [judge_maps(generator, path, split or ["report"], track=track(quiet)) for path in tables]
    for words in () if quiet else (words for one in judged for words in left_out(one)):
        warn(words)
    found = [m for one in judged for m in measure_order(one)]
    if scores:
        save_scores(scores, judged)
    if record:
        record_metrics(generator.path, found)
    if as_json:
        say(json.dumps({"measurements": to_json(found)}, indent=2))
    else:
        show_measurements(found)
