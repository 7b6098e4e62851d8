"""Train the face classifier on pairs of real and fake faces, epoch by epoch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from deepfake_cli.errors import DataError
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ClassifierSettings

from .learner import Learner
from .metrics import auc
from .pairs import FacePairs, FacesOnce
from .tables import Source, read_faces


@dataclass(frozen=True)
class Epoch:
    """What an epoch achieved.

    Attributes:
        number: Counted from 1.
        loss: Mean training loss.
        choose_auc: AUC of the averaged weights on the split ``choose``, one score a face.
        best: Whether this is the best epoch so far.
        weights: The averaged weights.
        steps: Optimizer steps taken so far.
    """

    number: int
    loss: float
    choose_auc: float
    best: bool
    weights: dict[str, Tensor]
    steps: int


def train_classifier(
    sources: list[Source],
    settings: ClassifierSettings,
    *,
    checkpoint: Path,
    generator: GeneratorFolder | None = None,
    resume: bool = False,
    start: dict[str, Tensor] | None = None,
    track: Track = untracked,
) -> Iterator[Epoch]:
    """Train and yield every finished epoch; state is saved before each yield.

    Args:
        sources: Tables to learn from; their rows of the split ``choose`` judge every epoch.
        settings: The recipe.
        checkpoint: Where the state is kept after each epoch.
        generator: Whose maps the classifier looks at, unless its input is ``plain``.
        resume: Go on from the checkpoint. On a CPU with the same number of threads the continued run equals
            the uninterrupted one bit for bit.
        start: Weights to start from instead of ``settings.start``.
        track: Shows the progress of every epoch.

    Raises:
        DataError: A table cannot be used, or the checkpoint cannot be resumed.
    """
    chosen = faces_to_choose_by(sources, settings)
    pairs = FacePairs(
        sources,
        pairs=settings.pairs,
        labelled=settings.labelled,
        size=settings.size,
        margin=settings.margin,
        seed=settings.seed,
    )
    loader = DataLoader(
        pairs,
        settings.batch // 2,
        num_workers=settings.workers,
        drop_last=True,
        collate_fn=_join,
        generator=torch.Generator(),  # one of its own: loading must not move the global one
    )
    learner = Learner(settings, generator, start)
    done, best = 0, -math.inf
    if resume:
        numbers = learner.load(checkpoint)
        done, best = numbers["epoch"], numbers["best"]
    for epoch in range(done, settings.epochs):
        pairs.epoch = epoch
        batches = track(loader, f"epoch {epoch + 1}/{settings.epochs}")
        loss = learner.learn(batches, epoch * len(loader), settings.epochs * len(loader))
        value = auc(chosen.labels, learner.judge(chosen))
        improved, best = value > best, max(value, best)
        learner.save(checkpoint, {"epoch": epoch + 1, "best": best})
        yield Epoch(epoch + 1, loss, value, improved, learner.average, (epoch + 1) * len(loader))


def faces_to_choose_by(sources: list[Source], settings: ClassifierSettings) -> FacesOnce:
    """Gather the faces of the split ``choose`` of all tables.

    Raises:
        DataError: There is none, or none of one label.
    """
    rows = [row for source in sources for row in read_faces(source.table, ["choose"])]
    if len({row.fake for row in rows}) < 2:
        raise DataError("the split 'choose' of the tables needs real and fake faces: it judges the epochs")
    return FacesOnce(rows, settings.size, settings.margin)


def _join(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join pairs (2, ...) to a batch of faces (2 N, S, S, 3) and labels (2 N,)."""
    faces, labels = zip(*items, strict=True)
    return torch.cat(faces), torch.cat(labels)
