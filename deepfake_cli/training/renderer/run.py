"""One training run of a renderer, from tables to a model folder, in one folder of its own.

<run>/last.safetensors        where to go on after an interruption
<run>/best.safetensors        the averaged renderer of the best epoch so far
<run>/epoch-0010.safetensors  states as `last`, of every N-th epoch, if asked for
<run>/losses.csv              losses and measures of every epoch
<run>/report/                 index.html: curves, and the samples of every epoch
<run>/tensorboard/            the same for TensorBoard
<run>/model/                  the model folder, once the last epoch is done
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from deepfake_cli.settings import RendererSettings

from ..checkpoints import load_notes, load_tensors, save_tensors
from ..loading import check_batch
from ..processes import is_first
from ..run_folder import Row, keep_state, open_run, read_log, renewed, write_log
from ..tables import Source
from ..tensorboard import TensorBoard
from .export import export_renderer
from .report import best_row, epoch_values, measures_of, step_values, write_report
from .train import RendererEpoch, RendererStep, train_renderer


def run_renderer(
    sources: list[Source],
    settings: RendererSettings,
    folder: Path,
    *,
    resume: bool = False,
    start: Path | None = None,
    watch: Callable[[RendererStep], None] = lambda step: None,
) -> Iterator[RendererEpoch]:
    """Train, keep what is needed to go on and to look at, and write the model folder after the last epoch.

    Args:
        sources: Tables to learn from; their split ``choose`` picks the epoch.
        settings: The recipe.
        folder: The run's folder; made if missing.
        resume: Go on where the run in this folder stopped.
        start: Weights of a renderer to start from (``.safetensors``).
        watch: Told every step.

    Raises:
        DataError: A table cannot be used, or the folder holds another run.
        ModelError: The weights to start from do not fit, or the export is not what was trained.
        OutputError: Something cannot be written.
    """
    check_batch(settings.batch, "renderer.batch")
    weights = load_tensors(start) if start else None
    last = open_run(folder, resume)
    done = read_log(folder / "losses.csv") if resume else []
    with TensorBoard(folder / "tensorboard") as board:

        def told(step: RendererStep) -> None:
            board.step(step.step, step_values(step))
            watch(step)

        def keep(epoch: RendererEpoch) -> None:
            nonlocal done
            if epoch.best:
                numbers = {"epoch": epoch.number, "error": epoch.judged.error, "taught": epoch.taught}
                notes = {name: str(number) for name, number in numbers.items()}
                save_tensors(folder / "best.safetensors", epoch.weights, notes)
            done = renewed(done, _row(epoch))
            write_log(folder / "losses.csv", done)
            board.epoch(epoch.steps, epoch_values(epoch), {"samples": epoch.judged.sheet})
            best = best_row(done, load_notes(folder / "best.safetensors")["epoch"])
            write_report(folder / "report", folder.name, done, best, settings, epoch)

        for epoch in train_renderer(
            sources, settings, checkpoint=last, resume=resume, start=weights, keep=keep, watch=told
        ):
            keep_state(last, epoch.number, settings.keep)
            yield epoch
    if is_first():
        write_renderer(sources, settings, folder)


def write_renderer(sources: list[Source], settings: RendererSettings, folder: Path) -> None:
    """Export the best weights of a run to ``<run>/model``."""
    path = folder / "best.safetensors"
    weights, notes = load_tensors(path), load_notes(path)
    best = best_row(read_log(folder / "losses.csv"), notes["epoch"])
    export_renderer(
        folder / "model",
        weights,
        settings,
        name=f"renderer-{settings.architecture.removeprefix('tf_').replace('_', '-')}-{settings.size}",
        trained_on=[source.dataset for source in sources],
        taught=int(notes["taught"]) > 0,
        measures={name.removeprefix("judged_"): v for name, v in best.items() if name.startswith("judged_")},
    )


def _row(epoch: RendererEpoch) -> Row:
    measures = {f"judged_{name}": value for name, value in measures_of(epoch).items()}
    numbers = {**epoch.losses._asdict(), **measures}
    shown = {name: "" if value is None else f"{value:.5f}" for name, value in numbers.items()}
    return {"epoch": str(epoch.number), "steps": str(epoch.steps), **shown}
