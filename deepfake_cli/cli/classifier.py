"""`dfdetect classifier`: train a detector and measure it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ._extras import needs_extra
from ._measurements import MeasuredTablesArg, RecordOpt, ScoresOpt, SplitOpt, show_measurements
from ._options import JsonOpt, ProfileOpt, QuietOpt
from ._training import ResumeRunOpt, RunOpt, TablesArg, sources_of
from ._ui import Column, note, say, table, track

app = typer.Typer(no_args_is_help=True, help="Train a detector and measure it.")

_CALLS = ("REAL", "UNCERTAIN", "FAKE")
_VERDICTS = (
    Column("data set"),
    Column("split"),
    Column("examples"),
    *(Column(f"{label} called {verdict}", right=True) for label in ("real", "fake") for verdict in _CALLS),
)


@app.command()
def train(
    tables: TablesArg,
    output: RunOpt,
    input: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What is looked at: plain, mri or fusion. Profile: classifier.input."
        ),
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Who paints the maps: mri-gan, a folder, or owner/name@revision. "
            "Profile: classifier.generator.",
        ),
    ] = None,
    resume: ResumeRunOpt = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="FILE", help="Start from these weights (.safetensors), not `classifier.start`."
        ),
    ] = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Train a classifier and write it as a model folder.

    Learns from the split `train`; the split `choose` picks the epoch and sets threshold, temperature and
    UNCERTAIN band. The recipe is the section `[classifier]` of the profile. With `--input mri` or `fusion` a
    generator from `dfdetect gan train` becomes part of the network. The model is written to `model` in the
    run's folder.
    """
    from deepfake_cli.profile import load_profile

    sources = sources_of(tables)
    given: dict[str, object] = {"classifier.input": input, "classifier.generator": generator}
    settings = load_profile(profile, given).classifier
    with needs_extra("train"):
        from deepfake_cli.training.run import run_training
    painter = None
    if settings.input != "plain":
        from deepfake_cli.pipeline.models import resolve_generator

        painter = resolve_generator(settings.generator, track=track(quiet))
    epochs = run_training(
        sources, settings, output, generator=painter, resume=resume, start=start, track=track(quiet)
    )
    for epoch in epochs:
        best = ", the best so far" if epoch.best else ""
        progress = f"epoch {epoch.number}/{settings.epochs}: loss {epoch.loss:.4f}"
        note(f"{progress}, AUC on choose {epoch.choose_auc:.4f}{best}")
    say(str(output / "model"))


@app.command("test")
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
