"""Train a generator of maps against a discriminator, epoch by epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from deepfake_cli.errors import DataError
from deepfake_cli.settings import GanSettings

from ..loading import Batches
from ..tables import Source
from .judge import GanJudge, Painted
from .learner import GanLearner, Losses
from .pairs import MapPairs


@dataclass(frozen=True)
class GanStep:
    """A step that was taken.

    Attributes:
        epoch: Of it, counted from 1.
        step: Counted from 1 over the whole run.
        steps: Of the whole run.
        losses: Of the step.
    """

    epoch: int
    step: int
    steps: int
    losses: Losses


@dataclass(frozen=True)
class GanEpoch:
    """What an epoch achieved.

    Attributes:
        number: Counted from 1.
        steps: Taken so far.
        losses: Means over the epoch.
        painted: What the averaged generator paints.
        best: Whether this is the best epoch so far, by the AUC.
        weights: Of the averaged generator.
    """

    number: int
    steps: int
    losses: Losses
    painted: Painted
    best: bool
    weights: dict[str, Tensor]


def train_gan(
    sources: list[Source],
    settings: GanSettings,
    *,
    checkpoint: Path,
    resume: bool = False,
    start: dict[str, Tensor] | None = None,
    keep: Callable[[GanEpoch], None] = lambda epoch: None,
    watch: Callable[[GanStep], None] = lambda step: None,
) -> Iterator[GanEpoch]:
    """Train and yield every finished epoch, after its state was saved.

    Started by ``torchrun``, each of several processes goes through this; the first alone saves, watches and
    yields.

    Args:
        sources: Tables to learn from; their rows of the split ``choose`` judge every epoch.
        settings: The recipe.
        checkpoint: Where the state is kept after each epoch.
        resume: Go on from the checkpoint. On a CPU with the same number of threads the continued run equals
            the uninterrupted one bit for bit.
        start: Weights of the generator to start from.
        keep: Told every epoch before its state is saved, so that after a kill nothing of it is missing.
        watch: Told every step.

    Raises:
        DataError: A table cannot be used or is too small for a batch, the checkpoint cannot be resumed, or
            the loss is not a number.
    """
    judge = GanJudge(sources, settings)
    pairs = MapPairs(
        sources,
        pairs=settings.pairs,
        labelled=settings.labelled,
        beside=settings.beside,
        treatment=settings.treatment,
        metric=settings.metric,
        size=settings.size,
        margin=settings.margin,
        seed=settings.seed,
    )
    if 2 * len(pairs) < settings.batch:
        raise DataError(
            f"the {len(pairs)} pairs of an epoch do not fill a batch of {settings.batch} faces",
            "raise gan.pairs, or lower gan.batch",
        )
    learner = GanLearner(settings, start)
    first_of_all = learner.fabric.is_global_zero
    begun, best = 0, -math.inf
    if resume:
        numbers = learner.load(checkpoint)
        begun, best = numbers["epoch"], numbers["best"]
    loader = Batches(pairs, settings.batch, settings.workers, learner.fabric)
    for epoch in range(begun, settings.epochs):
        pairs.epoch = epoch
        first, steps = epoch * len(loader), settings.epochs * len(loader)
        losses = []
        for step, taken in enumerate(learner.learn(loader, first, steps), start=first + 1):
            losses.append(taken)
            if first_of_all:
                watch(GanStep(epoch + 1, step, steps, taken))
        if first_of_all:
            means = Losses(*np.mean(losses, axis=0).tolist())
            if any(map(math.isnan, means)):
                raise DataError(
                    f"the loss of epoch {epoch + 1} is not a number",
                    "lower gan.learning_rate and start again",
                )
            painted = judge.judge(learner)
            improved, best = painted.auc > best, max(painted.auc, best)
            done = GanEpoch(epoch + 1, first + len(loader), means, painted, improved, learner.average)
            keep(done)
            learner.save(checkpoint, {"epoch": epoch + 1, "best": best})
            yield done
        learner.fabric.barrier()
