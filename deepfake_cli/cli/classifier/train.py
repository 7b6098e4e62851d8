"""`dfdetect classifier train`: teach a detector."""

from pathlib import Path
from typing import Annotated

import typer

from .._extras import needs_extra
from .._options import ProfileOpt, QuietOpt
from .._training import ResumeRunOpt, RunOpt, TablesArg, sources_of
from .._ui import note, say, track


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
