"""`dfdetect gan train`: teach a generator to paint what was changed in a face."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._given import given
from .._options import PresetOpt, ProfileOpt, QuietOpt, SetOpt
from .._training import ResumeRunOpt, RunOpt, TablesArg, sources_of
from .._ui import Column, Row, board, note, say

if TYPE_CHECKING:
    from deepfake_cli.training.gan.train import GanEpoch, GanStep

_COLUMNS = (
    Column("epoch", right=True, width=7),
    *(Column(name, right=True, width=7) for name in ("G", "adv", "L2", "percep", "D")),
    *(Column(name, right=True, width=6) for name in ("SSIM", "real", "fake", "AUC")),
    Column(""),
)


def train(
    tables: TablesArg,
    output: RunOpt,
    resume: ResumeRunOpt = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="FILE", help="Start from these weights (.safetensors), not `gan.start`."
        ),
    ] = None,
    preset: PresetOpt = None,
    settings: SetOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Train a generator of maps and write it as a model folder.

    Learns from the fakes of the split `train` that name their original, and from forgeries made on the fly of
    its real faces; the split `choose` picks the epoch, by the AUC of the mean of a painted map. The recipe is
    the section `[gan]` of the profile; `--preset paper` is the published one. The model is written to `model`
    in the run's folder, curves and samples to `report/index.html`. Several processes: `torchrun
    --nproc-per-node 2 -m deepfake_cli gan train ...`
    """
    from deepfake_cli.profile import load_profile

    sources = sources_of(tables)
    recipe = load_profile(profile, given(settings), preset).gan
    with needs_extra("train"):
        from deepfake_cli.training.gan.run import run_gan
        from deepfake_cli.training.processes import is_first
    with board(_COLUMNS, 0, quiet) as shown:

        def watch(step: "GanStep") -> None:
            now = f"epoch {step.epoch}/{recipe.epochs}"
            shown.advance(step.steps)
            shown.stage(f"{now}  G {step.losses.generator:.2f}  D {step.losses.discriminator:.3f}")

        for epoch in run_gan(sources, recipe, output, resume=resume, start=start, watch=watch):
            if not quiet:
                shown.row(_row(epoch, recipe.epochs))
    if is_first():
        say(str(output / "model"))
    if is_first() and not quiet:
        note(f"curves and samples: {output / 'report' / 'index.html'}")


def _row(epoch: "GanEpoch", epochs: int) -> Row:
    painted = epoch.painted
    return [
        f"{epoch.number}/{epochs}",
        f"{epoch.losses.generator:.2f}",
        *(f"{loss:.4f}" for loss in epoch.losses[1:]),
        "-" if painted.ssim is None else f"{painted.ssim:.3f}",
        *(f"{value:.4f}" for value in (painted.real, painted.fake, painted.auc)),
        "best" if epoch.best else "",
    ]
