"""One training run from tables to a model folder, in one folder of its own.

<run>/last.safetensors    where to go on after an interruption
<run>/best.safetensors    the weights of the best epoch so far
<run>/epochs.csv          losses and AUC of every epoch
<run>/report.html         curves, and the recipe
<run>/tensorboard/        the same for TensorBoard
<run>/learned.json        what the model learned from, as hashes
<run>/model/              the model folder, once the last epoch is done
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .checkpoints import load_tensors, save_tensors
from .classifier import Epoch, TrainingStep, learned_from, train_classifier
from .export import export_classifier, record_metrics
from .faces_once import FacesOnce, faces_to_choose_by
from .inner import Inner
from .measure.findings import examine, to_record
from .measure.judged import Judged
from .measure.overlap import LEARNED, write_learned
from .networks import architecture_of
from .processes import is_first
from .report import epoch_values, step_values, write_report
from .run_folder import Row, open_run, read_log, renewed, write_log
from .tables import Source
from .tensorboard import TensorBoard


def run_training(
    sources: list[Source],
    profile: Profile,
    folder: Path,
    *,
    inner: Inner | None = None,
    resume: bool = False,
    start: Path | None = None,
    track: Track = untracked,
    watch: Callable[[TrainingStep], None] = lambda step: None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[Epoch]:
    """Train, keep what is needed to go on and to look at, and write the model folder after the last epoch.

    Args:
        sources: Tables to learn from; their split ``choose`` picks the epoch and sets the threshold.
        profile: The recipe.
        folder: The run's folder; made if missing.
        inner: The generator or the renderer that the network holds, unless its input is ``plain``.
        resume: Go on where the run in this folder stopped.
        start: ``model.safetensors`` to start from instead of ``classifier.start``.
        track: Shows the progress of what comes before the first epoch.
        watch: Told every step.
        warn: Told what the user should know.

    Raises:
        DataError: A table cannot be used, the folder holds another run, or the loss is not a number.
        ModelError: The start weights do not fit, or the export is not what was trained.
        OutputError: Something cannot be written.
        UsageError: The recipe asks for what cannot be.
    """
    weights = load_tensors(start) if start else None
    last = open_run(folder, resume)
    rows = read_log(folder / "epochs.csv") if resume else []
    with TensorBoard(folder / "tensorboard") as board:

        def told(step: TrainingStep) -> None:
            board.step(step.step, step_values(step))
            watch(step)

        def keep(epoch: Epoch) -> None:
            nonlocal rows
            if not (folder / LEARNED).exists():
                write_learned(folder / LEARNED, sources, track=track)
            if epoch.best:
                notes = {"epoch": str(epoch.number), "choose_auc": str(epoch.choose_auc)}
                save_tensors(folder / "best.safetensors", epoch.weights, notes)
            rows = renewed(rows, _row(epoch))
            write_log(folder / "epochs.csv", rows)
            board.epoch(epoch.steps, epoch_values(epoch))
            write_report(folder, rows, profile, _facts(sources, epoch))

        yield from train_classifier(
            sources,
            profile,
            checkpoint=last,
            inner=inner,
            resume=resume,
            start=weights,
            track=track,
            keep=keep,
            watch=told,
            warn=warn,
        )
    if is_first():
        write_model(sources, profile, folder, inner)


def write_model(sources: list[Source], profile: Profile, folder: Path, inner: Inner | None = None) -> None:
    """Export the best weights of a run to ``<run>/model``, its threshold set on the split ``choose``."""
    settings, chosen = profile.classifier, faces_to_choose_by(sources, profile)
    decision, scores = export_classifier(
        folder / "model",
        load_tensors(folder / "best.safetensors"),
        settings,
        chosen,
        inner=inner,
        name=f"{architecture_of(settings).removeprefix('tf_').replace('_', '-')}-{settings.size}"
        + ("" if settings.input == "plain" else f"-{settings.input}"),
        trained_on=[source.dataset for source in learned_from(sources, settings)],
    )
    judged = [
        _of_table(number, source, chosen, scores)
        for number, source in enumerate(sources)
        if (chosen.tables == number).any()
    ]
    record_metrics(folder / "model", to_record([examine(one, decision) for one in judged]))


def _of_table(number: int, source: Source, chosen: FacesOnce, scores: NDArray[np.float64]) -> Judged:
    """Take the faces of one table that are in it as they are; forged ones measure nothing."""
    own = [
        i
        for i, (table, forged) in enumerate(zip(chosen.tables, chosen.forged, strict=True))
        if table == number and forged is None
    ]
    name = source.dataset
    return Judged(name, "choose", [chosen.rows[i] for i in own], scores[own])


def _facts(sources: list[Source], epoch: Epoch) -> list[tuple[str, str]]:
    tables = [(f"table {n}", f"{one.table}, share {one.share:g}") for n, one in enumerate(sources, 1)]
    return [*tables, ("encoder started from", epoch.began)]


def _row(epoch: Epoch) -> Row:
    numbers = {
        "loss": epoch.loss,
        "rate": epoch.rate,
        "choose_loss": epoch.choose_loss,
        "choose_auc": epoch.choose_auc,
        **{f"choose_auc {name}": value for name, value in epoch.choose.items() if len(epoch.choose) > 1},
    }
    shown = {name: f"{value:.6g}" for name, value in numbers.items()}
    return {"epoch": str(epoch.number), "steps": str(epoch.steps), **shown}
