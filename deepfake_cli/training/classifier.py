"""Train the face classifier on pairs of real and fake faces, epoch by epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss
from torch import Tensor

from deepfake_cli.errors import UsageError
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ClassifierSettings, Profile

from .calibrate.fit import sigmoid
from .faces_once import faces_to_choose_by, video_aucs
from .inner import Inner
from .learner import Learner
from .loading import Batches, check_batch
from .pairs import FacePairs
from .pools import Pools
from .progress import Progress, recipe_of, resume_progress
from .schedules import Plateau
from .tables import Source


@dataclass(frozen=True)
class TrainingStep:
    """An optimizer step that was taken.

    Attributes:
        epoch: Of it, counted from 1.
        step: Counted from 1 over the whole run.
        steps: Of the whole run.
        loss: Of the step.
        rate: Learning rate of the step.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    rate: float


@dataclass(frozen=True)
class Epoch:
    """What an epoch achieved.

    Attributes:
        number: Counted from 1.
        loss: Mean training loss.
        rate: Learning rate of its last step.
        choose_loss: Log loss of the averaged weights on the faces of the split ``choose``.
        choose: AUC over videos of the averaged weights on that split, by table.
        best: Whether this is the best epoch so far.
        last: Whether training ends with it.
        weights: The averaged weights.
        steps: Optimizer steps taken so far.
        began: What the encoder started from, in words.
    """

    number: int
    loss: float
    rate: float
    choose_loss: float
    choose: dict[str, float]
    best: bool
    last: bool
    weights: dict[str, Tensor]
    steps: int
    began: str

    @property
    def choose_auc(self) -> float:
        """Mean of the AUC over the tables: what decides which epoch is best."""
        return float(np.mean(list(self.choose.values())))


def train_classifier(
    sources: list[Source],
    profile: Profile,
    *,
    checkpoint: Path,
    inner: Inner | None = None,
    resume: bool = False,
    start: dict[str, Tensor] | None = None,
    track: Track = untracked,
    keep: Callable[[Epoch], None] = lambda epoch: None,
    watch: Callable[[TrainingStep], None] = lambda step: None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[Epoch]:
    """Train and yield every finished epoch, after its state was saved.

    Started by ``torchrun``, each of several processes goes through this; the first alone judges, saves,
    watches and yields.

    Args:
        sources: Tables to learn from, as ``classifier.mix`` says; the rows of the split ``choose`` of all of
            them judge every epoch.
        profile: The recipe: its sections ``classifier``, ``fakes`` and ``forge``.
        checkpoint: Where the state is kept after each epoch.
        inner: The generator or the renderer that the network holds, unless its input is ``plain``.
        resume: Go on from the checkpoint. On a CPU with the same number of threads the continued run equals
            the uninterrupted one bit for bit.
        start: Weights to start from instead of ``classifier.start``.
        track: Shows the progress of what comes before the first epoch.
        keep: Told every epoch before its state is saved, so that after a kill nothing of it is missing.
        watch: Told every step.
        warn: Told what the user should know.

    Raises:
        DataError: A table cannot be used, the checkpoint cannot be resumed, or the loss is not a number.
        ModelError: The network cannot be built, or the weights to start from do not fit.
        UsageError: The recipe asks for what cannot be.
    """
    settings = profile.classifier
    check_batch(settings.batch, "classifier.batch")
    judge = _Judge(sources, profile)
    pairs = FacePairs(_pools(sources, profile, track, warn), settings)
    learner = Learner(settings, inner, start)
    plateau = Plateau(settings.plateau_patience, settings.plateau_factor)
    held = {inner.config.task: inner.revision} if inner else {}
    progress = Progress(recipe_of(profile) | held, learner.began, asdict(plateau))
    if resume:
        progress = resume_progress(learner.load(checkpoint), progress.recipe, checkpoint)
        plateau = Plateau(**progress.plateau)  # type: ignore[arg-type]
        learner.factor = plateau.factor
    batches = Batches(pairs, settings.batch, settings.workers, learner.fabric)
    steps = math.ceil(len(batches) / settings.accumulate)
    if not steps:
        raise UsageError(
            f"an epoch of {len(pairs)} pairs is less than a batch of {settings.batch} faces",
            "lower classifier.batch, or raise classifier.pairs",
        )
    over = progress.is_over(settings.epochs, settings.patience)
    while not over:
        pairs.epoch = epoch = progress.epoch
        taken = []
        for step in learner.learn(batches, epoch, epoch * steps, settings.epochs * steps):
            taken.append(step)
            if learner.fabric.is_global_zero:
                number = epoch * steps + len(taken)
                watch(TrainingStep(epoch + 1, number, settings.epochs * steps, step.loss, step.rate))
        if learner.fabric.is_global_zero:
            aucs, loss = judge(learner)
            if settings.schedule == "plateau":
                plateau.step(loss)
            best = progress.note(float(np.mean(list(aucs.values()))), asdict(plateau))
            over = progress.is_over(settings.epochs, settings.patience)
            done = Epoch(
                number=epoch + 1,
                loss=float(np.mean([step.loss for step in taken])),
                rate=taken[-1].rate,
                choose_loss=loss,
                choose=aucs,
                best=best,
                last=over,
                weights=learner.average,
                steps=(epoch + 1) * steps,
                began=progress.began,
            )
            keep(done)
            learner.save(checkpoint, asdict(progress))
            yield done
        progress.epoch = epoch + 1
        over, learner.factor = learner.fabric.broadcast((over, plateau.factor))


class _Judge:
    """Judges an epoch by the split ``choose`` of all tables: AUC over the videos of each, and log loss."""

    def __init__(self, sources: list[Source], profile: Profile) -> None:
        self._faces = faces_to_choose_by(sources, profile)
        self._names = [source.dataset for source in sources]

    def __call__(self, learner: Learner) -> tuple[dict[str, float], float]:
        logits = learner.judge(self._faces)
        loss = float(log_loss(self._faces.labels, sigmoid(logits), labels=[0, 1]))
        return video_aucs(self._faces, logits, self._names), loss


def learned_from(sources: list[Source], settings: ClassifierSettings) -> list[Source]:
    """Take the tables that a recipe learns from: the first is the base, the others augment it.

    Raises:
        UsageError: There is none.
    """
    mixed = {"base": sources[:1], "augment": sources[1:], "both": sources}[settings.mix]
    if not mixed:
        raise UsageError(
            "there is no table to learn from: classifier.mix is 'augment', and one table is given",
            "name the base first, then the tables that augment it",
        )
    return mixed


def _pools(sources: list[Source], profile: Profile, track: Track, warn: Callable[[str], None]) -> Pools:
    settings = profile.classifier
    pools = Pools(
        learned_from(sources, settings),
        profile.fakes,
        profile.forge,
        balance=settings.balance,
        sample=settings.sample,
        seed=settings.seed,
        pack=settings.pack,
        track=track,
    )
    for table in pools.substituted:
        warn(f"{table} allows no fakes of the kinds that [fakes] names; its real faces are forged instead")
    return pools
