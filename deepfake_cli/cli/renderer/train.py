"""`dfdetect renderer train`: teach a network to take faces apart into albedo, shape and light."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._given import given
from .._options import PresetOpt, ProfileOpt, QuietOpt, SetOpt
from .._training import ResumeRunOpt, RunOpt, TablesArg, sources_of
from .._ui import Column, Row, board, note, say, warn

if TYPE_CHECKING:
    from deepfake_cli.training.renderer.train import RendererEpoch, RendererStep

_COLUMNS = (
    Column("epoch", right=True, width=7),
    Column("loss", right=True, width=7),
    *(
        Column(name, right=True, width=9)
        for name in ("rebuilt", "normals", "heads", "albedo", "relit", "error")
    ),
    Column(""),
)


def train(
    tables: TablesArg,
    output: RunOpt,
    resume: ResumeRunOpt = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="FILE", help="Start from these weights (.safetensors), not `renderer.start`."
        ),
    ] = None,
    preset: PresetOpt = None,
    settings: SetOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Train an inverse renderer of faces and write it as a model folder.

    Learns from the real faces of the split `train` alone; maps of normals beside a table,
    `faces.normals.npy`, teach it shapes. Real faces of the split `choose` and made-up heads pick the epoch:
    how far faces are from what they are rebuilt as, normals from known ones in degrees, albedo from the true
    one. The recipe is the section `[renderer]` of the profile. The model is written to
    `model` in the run's folder, curves and samples to `report/index.html`. Several processes: `torchrun
    --nproc-per-node 2 -m deepfake_cli renderer train ...`
    """
    from deepfake_cli.profile import load_profile

    sources = sources_of(tables)
    recipe = load_profile(profile, given(settings), preset).renderer
    with needs_extra("train"):
        from deepfake_cli.training.processes import is_first
        from deepfake_cli.training.renderer.run import run_renderer
    with board(_COLUMNS, 0, quiet) as shown:

        def watch(step: "RendererStep") -> None:
            shown.advance(step.steps)
            shown.stage(f"epoch {step.epoch}/{recipe.epochs}  loss {step.losses.total:.3f}")

        epoch = None
        for epoch in run_renderer(sources, recipe, output, resume=resume, start=start, watch=watch):
            if not quiet:
                shown.row(_row(epoch, recipe.epochs))
    if is_first():
        say(str(output / "model"))
    if is_first() and not quiet:
        note(f"curves and samples: {output / 'report' / 'index.html'}")
        if epoch is not None and not epoch.taught:
            warn("no known normals taught it: shapes were learned from shading alone")


def _row(epoch: "RendererEpoch", epochs: int) -> Row:
    judged = epoch.judged
    return [
        f"{epoch.number}/{epochs}",
        f"{epoch.losses.total:.3f}",
        f"{judged.reconstruction:.4f}",
        "-" if judged.face_normals is None else f"{judged.face_normals:.1f}",
        f"{judged.head_normals:.1f}",
        f"{judged.head_albedo:.3f}",
        f"{judged.constancy:.3f}",
        f"{judged.error:.3f}",
        "best" if epoch.best else "",
    ]
