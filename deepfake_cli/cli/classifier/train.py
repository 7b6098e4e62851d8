"""`dfdetect classifier train`: teach a detector."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._given import given
from .._options import PresetOpt, ProfileOpt, QuietOpt, SetOpt
from .._training import (
    REAL_ONLY,
    RealOnlyOpt,
    ResumeRunOpt,
    RunOpt,
    TablesArg,
    inner_of,
    sources_of,
    tables_of,
)
from .._ui import Column, Row, board, note, say, track, warn

if TYPE_CHECKING:
    from deepfake_cli.training.classifier import Epoch, TrainingStep

_COLUMNS = (
    Column("epoch", right=True, width=7),
    *(Column(name, right=True, width=8) for name in ("loss", "rate", "choose", "AUC")),
    Column("", width=4),
    Column("AUC by table"),
)


def train(
    tables: TablesArg,
    output: RunOpt,
    input: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What is looked at: plain, mri or fusion; albedo, normals, shading, shadow or lighting; "
            "modalities or rgb-modalities. Profile: classifier.input.",
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
    renderer: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Who takes faces apart: face-renderer, a folder, or owner/name@revision. "
            "Profile: classifier.renderer.",
        ),
    ] = None,
    real_only: RealOnlyOpt = False,
    resume: ResumeRunOpt = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="FILE", help="Start from these weights (.safetensors), not `classifier.start`."
        ),
    ] = None,
    preset: PresetOpt = None,
    settings: SetOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Train a classifier and write it as a model folder.

    Learns from the split `train`; the split `choose` picks the epoch and sets threshold, temperature and
    UNCERTAIN band. A table is a `faces.csv`, or any CSV with the columns `path` and `label`: the faces of its
    pictures are cut first. The recipe is the sections `[classifier]` and `[fakes]` of the profile; published
    ones are presets: mri-gan-plain, mri-gan-mri, dessa-resnet18, kaist-fwa, sbi; modalities-5frames and
    modalities-images judge by what an inverse renderer takes faces apart into. The model is written to
    `model` in the run's folder, curves to `report.html`. Several processes: `torchrun --nproc-per-node 2 -m
    deepfake_cli classifier train ...`
    """
    from deepfake_cli.profile import load_profile

    named = {"input": input, "generator": generator, "renderer": renderer}
    options = {**{f"classifier.{key}": value for key, value in named.items()}, **given(settings)}
    recipe = load_profile(profile, {**options, **(REAL_ONLY if real_only else {})}, preset)
    with needs_extra("train"):
        from deepfake_cli.training.processes import is_first
        from deepfake_cli.training.run import run_training
    sources = tables_of(sources_of(tables), recipe, output, track(quiet))
    inner = inner_of(recipe.classifier, track(quiet))
    with board(_COLUMNS, 0, quiet) as shown:

        def watch(step: "TrainingStep") -> None:
            shown.advance(step.steps)
            shown.stage(f"epoch {step.epoch}/{recipe.classifier.epochs}  loss {step.loss:.3f}")

        for epoch in run_training(
            sources,
            recipe,
            output,
            inner=inner,
            resume=resume,
            start=start,
            track=track(quiet),
            watch=watch,
            warn=warn,
        ):
            if not quiet:
                shown.row(_row(epoch, recipe.classifier.epochs))
    if is_first():
        say(str(output / "model"))
    if is_first() and not quiet:
        note(f"curves and recipe: {output / 'report.html'}")


def _row(epoch: "Epoch", epochs: int) -> Row:
    return [
        f"{epoch.number}/{epochs}",
        f"{epoch.loss:.4f}",
        f"{epoch.rate:.2g}",
        f"{epoch.choose_loss:.4f}",
        f"{epoch.choose_auc:.4f}",
        "best" if epoch.best else "",
        ", ".join(f"{name} {value:.3f}" for name, value in epoch.choose.items()),
    ]
