"""One training run of a generator, from tables to a model folder, in one folder of its own.

<run>/last.safetensors        where to go on after an interruption
<run>/best.safetensors        the averaged generator of the best epoch so far
<run>/epoch-0010.safetensors  states as `last`, of every N-th epoch, if asked for
<run>/losses.csv              losses and measures of every epoch
<run>/report/                 index.html: curves, and the samples of every epoch
<run>/tensorboard/            the same for TensorBoard
<run>/model/                  the model folder, once the last epoch is done
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from deepfake_cli.settings import GanSettings

from ..checkpoints import load_tensors, save_tensors
from ..loading import check_batch
from ..processes import is_first
from ..run_folder import Row, keep_state, open_run, read_log, renewed, write_log
from ..tables import Source
from ..tensorboard import TensorBoard
from .export import export_generator
from .report import epoch_values, step_values, write_report
from .train import GanEpoch, GanStep, train_gan


def run_gan(
    sources: list[Source],
    settings: GanSettings,
    folder: Path,
    *,
    resume: bool = False,
    start: Path | None = None,
    watch: Callable[[GanStep], None] = lambda step: None,
) -> Iterator[GanEpoch]:
    """Train, keep what is needed to go on and to look at, and write the model folder after the last epoch.

    Args:
        sources: Tables to learn from; their split ``choose`` picks the epoch.
        settings: The recipe.
        folder: The run's folder; made if missing.
        resume: Go on where the run in this folder stopped.
        start: Weights of a generator to start from (``.safetensors``).
        watch: Told every step.

    Raises:
        DataError: A table cannot be used, or the folder holds another run.
        ModelError: The weights to start from do not fit, or the export is not what was trained.
        OutputError: Something cannot be written.
    """
    check_batch(settings.batch, "gan.batch")
    weights = load_tensors(start) if start else None
    last = open_run(folder, resume)
    done = read_log(folder / "losses.csv") if resume else []
    with TensorBoard(folder / "tensorboard") as board:

        def told(step: GanStep) -> None:
            board.step(step.step, step_values(step))
            watch(step)

        def keep(epoch: GanEpoch) -> None:
            nonlocal done
            if epoch.best:
                notes = {"epoch": str(epoch.number), "choose_auc": str(epoch.painted.auc)}
                save_tensors(folder / "best.safetensors", epoch.weights, notes)
            done = renewed(done, _row(epoch))
            write_log(folder / "losses.csv", done)
            board.epoch(epoch.steps, epoch_values(epoch), {"samples": epoch.painted.sheet})
            write_report(folder / "report", folder.name, done, settings, epoch)

        for epoch in train_gan(
            sources, settings, checkpoint=last, resume=resume, start=weights, keep=keep, watch=told
        ):
            keep_state(last, epoch.number, settings.keep)
            yield epoch
    if is_first():
        write_generator(sources, settings, folder)


def write_generator(sources: list[Source], settings: GanSettings, folder: Path) -> None:
    """Export the best weights of a run to ``<run>/model``."""
    export_generator(
        folder / "model",
        load_tensors(folder / "best.safetensors"),
        settings,
        name=f"mri-gan-{settings.architecture.removeprefix('tf_').replace('_', '-')}-{settings.size}",
        trained_on=[source.dataset for source in sources],
    )


def _row(epoch: GanEpoch) -> Row:
    painted = epoch.painted
    measures = {"ssim": painted.ssim, "real": painted.real, "fake": painted.fake, "auc": painted.auc}
    numbers = {**epoch.losses._asdict(), **measures}
    shown = {name: "" if value is None else f"{value:.5f}" for name, value in numbers.items()}
    return {"epoch": str(epoch.number), "steps": str(epoch.steps), **shown}
