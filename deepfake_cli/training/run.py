"""One training run from tables to a model folder, in one folder of its own.

<run>/last.safetensors    where to go on after an interruption
<run>/best.safetensors    the weights of the best epoch so far
<run>/epochs.csv          loss and AUC of every epoch
<run>/model/              the model folder, once the last epoch is done
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ClassifierSettings

from .checkpoints import load_tensors, save_tensors
from .classifier import Epoch, faces_to_choose_by, train_classifier
from .export import export_classifier
from .run_folder import open_run
from .tables import Source

_HEADER = ("epoch", "steps", "loss", "choose_auc")


def run_training(
    sources: list[Source],
    settings: ClassifierSettings,
    folder: Path,
    *,
    generator: GeneratorFolder | None = None,
    resume: bool = False,
    start: Path | None = None,
    track: Track = untracked,
) -> Iterator[Epoch]:
    """Train, keep what is needed to go on, and write the model folder after the last epoch.

    Args:
        sources: Tables to learn from; their split ``choose`` picks the epoch and sets the threshold.
        settings: The recipe.
        folder: The run's folder; made if missing.
        generator: Whose maps the classifier looks at, unless its input is ``plain``.
        resume: Go on where the run in this folder stopped.
        start: ``model.safetensors`` to start from instead of ``settings.start``.
        track: Shows the progress of every epoch.

    Raises:
        DataError: A table cannot be used, or the folder holds another run.
        ModelError: The start weights do not fit, or the export is not what was trained.
        OutputError: The folder cannot be made.
    """
    weights = load_tensors(start) if start else None
    last = open_run(folder, resume)
    done = _read_log(folder / "epochs.csv") if resume else []
    epochs = train_classifier(
        sources,
        settings,
        checkpoint=last,
        generator=generator,
        resume=resume,
        start=weights,
        track=track,
    )
    for epoch in epochs:
        if epoch.best:
            notes = {"epoch": str(epoch.number), "choose_auc": str(epoch.choose_auc)}
            save_tensors(folder / "best.safetensors", epoch.weights, notes)
        done = [row for row in done if int(row[0]) < epoch.number]
        done.append((str(epoch.number), str(epoch.steps), f"{epoch.loss:.5f}", f"{epoch.choose_auc:.5f}"))
        _write_log(folder / "epochs.csv", done)
        yield epoch
    write_model(sources, settings, folder, generator)


def write_model(
    sources: list[Source],
    settings: ClassifierSettings,
    folder: Path,
    generator: GeneratorFolder | None = None,
) -> None:
    """Export the best weights of a run to ``<run>/model``, its threshold set on the split ``choose``."""
    once = faces_to_choose_by(sources, settings)
    export_classifier(
        folder / "model",
        load_tensors(folder / "best.safetensors"),
        settings,
        generator=generator,
        name=f"{settings.architecture.removeprefix('tf_').replace('_', '-')}-{settings.size}"
        + ("" if settings.input == "plain" else f"-{settings.input}"),
        trained_on=[source.table.parent.name for source in sources],
        labels=once.labels,
        faces=np.stack([once[i] for i in range(len(once))]),
    )


def _read_log(path: Path) -> list[tuple[str, ...]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def _write_log(path: Path, rows: list[tuple[str, ...]]) -> None:
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(rows)
