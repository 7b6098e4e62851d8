"""`dfdetect models`: which detectors there are, what they are worth, and how to get more."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._extras import needs_extra
from ._options import JsonOpt, ProfileOpt, QuietOpt
from ._ui import Column, Row, note, say, table, track, warn

if TYPE_CHECKING:
    from deepfake_cli.pipeline.models import Model

app = typer.Typer(
    no_args_is_help=True,
    help="List, explain, fetch, push and import the models that judge faces or paint maps.",
)


_LIST = (
    Column("model"),
    Column("revision"),
    Column("branches and tags"),
    Column("task"),
    Column("architecture"),
    Column("input", right=True),
    Column("threshold", right=True),
    Column("size", right=True),
)
_METRICS = (
    Column("data set"),
    Column("split"),
    Column("metric"),
    Column("value", right=True),
    Column("95 % interval", right=True),
    Column("real", right=True),
    Column("fake", right=True),
)


@app.command(name="list")
def list_(as_json: JsonOpt = False) -> None:
    """List the models that need no network.

    These are the embedded ones, and those fetched from the Hub before.

    Models in folders of your own are not listed: name the folder, as in `dfdetect scan --model FOLDER`.
    """
    from deepfake_cli.pipeline.models import list_models

    models = list_models()
    if as_json:
        say(json.dumps([model.to_json() for model in models], indent=2, ensure_ascii=False))
    else:
        table(_LIST, map(_row, models))


@app.command()
def info(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="What to explain: plain, mri-gan, a folder, or owner/name@revision."
        ),
    ] = "plain",
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Explain a model: its training, its numbers, its terms.

    Its files are checked; one on the Hub is fetched first. A folder wins over the Hub's model of that name.
    """
    from deepfake_cli.pipeline.models import find_model

    found = find_model(model, track=track(quiet), warn=warn)
    if as_json:
        say(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        return
    for name, text in _facts(found):
        say(f"{name:14}{text}")
    if found.folder.config.metrics:
        say()
        table(_METRICS, _metrics(found))


@app.command()
def pull(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="What to fetch: owner/name, or owner/name@revision.")
    ],
    quiet: QuietOpt = False,
) -> None:
    """Fetch a model from the Hub, and check it.

    The cache is that of huggingface-hub: HF_HOME, HF_HUB_OFFLINE and `hf auth login` count here too. What is
    printed can be used as it is: `dfdetect scan --model owner/name@commit VIDEO` needs no network any more.
    """
    from deepfake_cli.pipeline.models import pull_model

    found = pull_model(model, track=track(quiet))
    say(found.reference)
    if not quiet:
        note(f"checked, {_size(found)}, in {found.folder.path}")


@app.command()
def push(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="What to push: a model folder, or an embedded name.")
    ],
    repository: Annotated[
        str, typer.Argument(metavar="REPOSITORY", help="Where to: owner/name. It is made if it is not there.")
    ],
    public: Annotated[
        bool,
        typer.Option("--public", help="Let everybody see a new repository; without this it is private."),
    ] = False,
    revision: Annotated[
        str, typer.Option(metavar="BRANCH", help="Branch to push to, made if it is not there.")
    ] = "main",
    message: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="First line of the commit, in place of name and version."),
    ] = None,
    quiet: QuietOpt = False,
) -> None:
    """Push a model to the Hub, all of it in one commit.

    Its files are checked first. What goes there is config.json, the files that it lists, README.md and
    LICENSE. A repository that exists stays as visible as it is. `hf auth login` or HF_TOKEN says who you are.

    What is printed can be used as it is: `dfdetect scan --model owner/name@commit VIDEO`.
    """
    from deepfake_cli.pipeline.push import push_model

    pushed = push_model(model, repository, public, revision, message, track=track(quiet))
    say(pushed.reference)
    if public and pushed.private:
        warn("the repository was there before and stays private: its settings on the Hub change that")
    if not quiet:
        done = (
            f"pushed {pushed.files} files, {pushed.size / 1e6:.1f} MB," if pushed.changed else "all is there,"
        )
        note(f"{done} {'private' if pushed.private else 'public'}: {pushed.address}")


class Published(StrEnum):
    """Checkpoints that others published; what each becomes is in `training/importing/importers.py`."""

    MRI_GAN = "mri-gan"
    MRI_GAN_CLASSIFIER = "mri-gan-classifier"
    DESSA = "dessa-resnet18"
    INVERSE_RENDER_NET = "inverserendernet"


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A checkpoint that others published, saved by PyTorch; for inverserendernet, its folder.",
        ),
    ],
    kind: Annotated[Published, typer.Option("--as", help="What kind of checkpoint it is.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write the model folder.")
    ],
    generator: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Let mri-gan-classifier judge the maps of this generator: a folder or an embedded one.",
        ),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where inverserendernet's mean.npy and pcaVector.npy are, if not beside its checkpoint.",
        ),
    ] = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Make a model folder of a published checkpoint.

    Tensors are taken from the file and nothing else: what could run code is refused.
    """
    from deepfake_cli.pipeline.models import resolve_generator
    from deepfake_cli.profile import load_profile

    minimum = load_profile(profile).classifier.minimum_faces
    with needs_extra("train"):
        from deepfake_cli.training.importing.importers import import_checkpoint
    maps_by = resolve_generator(generator, track=track(quiet), warn=warn) if generator else None
    import_checkpoint(file, kind, output, minimum_faces=minimum, generator=maps_by, prior=prior)
    say(str(output))


def _row(model: "Model") -> Row:
    config = model.folder.config
    return [
        model.reference.partition("@")[0],
        model.folder.revision[:12],
        ", ".join(model.refs) or "-",
        config.task,
        config.architecture,
        f"{config.input.size} px",
        f"{config.decision.threshold:g}" if config.task == "classifier" else "-",
        _size(model),
    ]


def _facts(model: "Model") -> Iterator[tuple[str, str]]:
    from deepfake_cli.pipeline.models import StackConfig

    config = model.folder.config
    yield "model", f"{config.name} ({model.source})"
    yield "reference", model.reference
    yield "revision", model.folder.revision
    yield "task", config.task
    yield "architecture", config.architecture
    yield "input", f"{config.input.size} px, cut at {config.input.margin:g} times the face's box"
    if config.task != "classifier":
        yield "shape", f"width {config.shape.width}, depth {config.shape.depth}"
    else:
        decision, calibration = config.decision, config.calibration
        maps = f", maps by {config.generator}" if config.generator else ""
        parts = f", faces taken apart by {config.renderer}" if config.renderer else ""
        yield "method", config.method + maps + parts
        yield "score", f"P(fake), temperature {calibration.temperature:g} ({calibration.source})"
        yield "threshold", f"{decision.threshold:g} ({decision.source})"
        yield "uncertain", f"from {decision.uncertain[0]:g} to {decision.uncertain[1]:g}"
        if isinstance(config, StackConfig):
            for member in config.members:
                yield "member", f"{member.model}@{member.revision}, weight {member.weight:g}"
            yield "bias", f"{config.bias:g}"
        yield "evidence", f"{decision.aggregation} of a person's faces, {decision.minimum_faces} or more"
    yield "trained on", ", ".join(config.trained_on) or "nothing"
    yield "licence", config.licence
    yield "size", _size(model)
    yield "path", str(model.folder.path)


def _metrics(model: "Model") -> Iterator[Row]:
    for metric in model.folder.config.metrics:
        low, high = metric.interval
        span = f"{low:.3f} to {high:.3f}"
        counts = str(metric.real), str(metric.fake)
        yield [metric.dataset, metric.split, metric.metric, f"{metric.value:.3f}", span, *counts]


def _size(model: "Model") -> str:
    return f"{model.folder.size / 1e6:.1f} MB"
