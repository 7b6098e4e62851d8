"""`dfdetect classifier`: train a detector and measure it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import MissingExtra, UsageError

from ._options import JsonOpt, ProfileOpt, QuietOpt
from ._ui import Column, note, say, table, track

if TYPE_CHECKING:
    from deepfake_cli.training.evaluate import Measurement
    from deepfake_cli.training.tables import Source

app = typer.Typer(no_args_is_help=True, help="Train a detector and measure it.")

_CALLS = ("REAL", "UNCERTAIN", "FAKE")
_MEASURES = (Column("data set"), Column("split"), Column("measure"), Column("value", right=True))
_COUNTS = (Column("95 % interval", right=True), Column("real", right=True), Column("fake", right=True))
_VERDICTS = (
    Column("data set"),
    Column("split"),
    Column("examples"),
    *(Column(f"{label} called {verdict}", right=True) for label in ("real", "fake") for verdict in _CALLS),
)


@app.command()
def train(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE[=SHARE]...",
            help="Tables of faces (`faces.csv`), each with its share of all pairs.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="The run's folder.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the run in this folder stopped.")
    ] = False,
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
    UNCERTAIN band. The recipe is the section `[classifier]` of the profile. The model is written to `model`
    in the run's folder.
    """
    from deepfake_cli.profile import load_profile

    sources = [_source(text) for text in tables]
    settings = load_profile(profile).classifier
    with _training():
        from deepfake_cli.training.run import run_training
    for epoch in run_training(sources, settings, output, resume=resume, start=start, track=track(quiet)):
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
    tables: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="Tables of faces (`faces.csv`).")],
    split: Annotated[
        list[str] | None,
        typer.Option(
            "--split", metavar="NAME", help="Judge the rows of this split (repeatable; default: report)."
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="Write the score of every face to this CSV file."),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the numbers into the model's config.json and card.")
    ] = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure a model on tables of faces.

    Intervals are 95 %, from a bootstrap over sources. With fewer than 10 real or 10 fake examples only
    verdicts are counted.
    """
    with _training():
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
        table((*_MEASURES, *_COUNTS), map(_row, found))
        say()
        table(_VERDICTS, ((c.dataset, c.split, c.examples, *map(str, (*c.real, *c.fake))) for c in called))


@contextmanager
def _training() -> Iterator[None]:
    """Say which one line installs what training needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("deepfake_cli"):
            raise
        raise MissingExtra("train") from error


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


def _row(m: "Measurement") -> tuple[str, ...]:
    value, interval = ("–", "") if m.value is None else (f"{m.value:.3f}", "")
    if m.interval is not None:
        interval = f"{m.interval[0]:.3f} to {m.interval[1]:.3f}"
    return m.dataset, m.split, m.metric, value, interval, str(m.real), str(m.fake)
