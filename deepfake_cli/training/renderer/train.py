"""Train a renderer on real faces, epoch by epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from deepfake_cli.errors import DataError
from deepfake_cli.settings import RendererSettings

from ..loading import Batches
from ..tables import Source
from .faces import RealFaces
from .judge import Judged, RendererJudge
from .learner import Losses, RendererLearner


@dataclass(frozen=True)
class RendererStep:
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
class RendererEpoch:
    """What an epoch achieved.

    Attributes:
        number: Counted from 1.
        steps: Taken so far.
        losses: Means over the epoch.
        judged: What the averaged renderer achieves.
        untouched: Constancy of the pictures themselves, to compare that of the albedo with.
        taught: Faces to learn from whose normals are known; 0 if those do not count in the loss.
        best: Whether this is the best epoch so far, by the error.
        weights: Of the averaged renderer.
    """

    number: int
    steps: int
    losses: Losses
    judged: Judged
    untouched: float
    taught: int
    best: bool
    weights: dict[str, Tensor]


def train_renderer(
    sources: list[Source],
    settings: RendererSettings,
    *,
    checkpoint: Path,
    resume: bool = False,
    start: dict[str, Tensor] | None = None,
    keep: Callable[[RendererEpoch], None] = lambda epoch: None,
    watch: Callable[[RendererStep], None] = lambda step: None,
) -> Iterator[RendererEpoch]:
    """Train and yield every finished epoch, after its state was saved.

    Started by ``torchrun``, each of several processes goes through this; the first alone saves, watches and
    yields.

    Args:
        sources: Tables to learn from, real faces alone; those of the split ``choose`` judge every epoch.
        settings: The recipe.
        checkpoint: Where the state is kept after each epoch.
        resume: Go on from the checkpoint. On a CPU with the same number of threads the continued run equals
            the uninterrupted one bit for bit.
        start: Weights to start from.
        keep: Told every epoch before its state is saved, so that after a kill nothing of it is missing.
        watch: Told every step.

    Raises:
        DataError: A table cannot be used, the checkpoint cannot be resumed, or the loss is not a number.
    """
    judge = RendererJudge(sources, settings)
    faces = RealFaces(
        sources, faces=settings.faces, size=settings.size, margin=settings.margin, seed=settings.seed
    )
    taught = faces.taught if settings.normals else 0
    learner = RendererLearner(settings, start)
    first_of_all = learner.fabric.is_global_zero
    begun, best = 0, math.inf
    if resume:
        numbers = learner.load(checkpoint)
        begun, best = numbers["epoch"], numbers["best"]
    loader = Batches(faces, settings.batch, settings.workers, learner.fabric)
    for epoch in range(begun, settings.epochs):
        faces.epoch = epoch
        first, steps = epoch * len(loader), settings.epochs * len(loader)
        losses = []
        for step, taken in enumerate(learner.learn(loader, first, steps), start=first + 1):
            losses.append(taken)
            if first_of_all:
                watch(RendererStep(epoch + 1, step, steps, taken))
        if first_of_all:
            judged = judge.judge(learner)
            if math.isnan(judged.error):  # the weights, and so the loss and all that is rendered
                raise DataError(
                    f"the loss of epoch {epoch + 1} is not a number",
                    "lower renderer.learning_rate and start again",
                )
            improved, best = judged.error < best, min(judged.error, best)
            done = RendererEpoch(
                epoch + 1,
                first + len(loader),
                Losses(*np.mean(losses, axis=0).tolist()),
                judged,
                judge.untouched,
                taught,
                improved,
                learner.average,
            )
            keep(done)
            learner.save(checkpoint, {"epoch": epoch + 1, "best": best})
            yield done
        learner.fabric.barrier()
