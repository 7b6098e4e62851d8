"""Train the face classifier on pairs of real and fake faces, epoch by epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import log_loss
from torch import Tensor
from torch.utils.data import DataLoader

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ClassifierSettings, Profile

from .calibration import sigmoid
from .faces_once import FacesOnce, faces_to_choose_by, video_aucs
from .learner import Learner
from .pairs import FacePairs
from .pools import Pools
from .processes import count
from .schedules import Plateau
from .tables import Source

# What may change from one sitting to the next; with more epochs the schedule is that of the longer run.
_FREE = ("precision", "accelerator", "pack", "workers", "epochs", "patience")


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


@dataclass
class _Progress:
    """How far a run is: what a checkpoint keeps beside tensors, as JSON values."""

    recipe: dict[str, Any]
    plateau: dict[str, float]
    began: str
    epoch: int = 0
    best: float = -math.inf
    worse: int = 0  # epochs since the best one


def train_classifier(
    sources: list[Source],
    profile: Profile,
    *,
    checkpoint: Path,
    generator: GeneratorFolder | None = None,
    resume: bool = False,
    start: dict[str, Tensor] | None = None,
    track: Track = untracked,
    watch: Callable[[TrainingStep], None] = lambda step: None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[Epoch]:
    """Train and yield every finished epoch; state is saved before each yield.

    Started by ``torchrun``, each of several processes goes through this; the first alone judges, saves,
    watches and yields.

    Args:
        sources: Tables to learn from, as ``classifier.mix`` says; the rows of the split ``choose`` of all of
            them judge every epoch.
        profile: The recipe: its sections ``classifier``, ``fakes`` and ``forge``.
        checkpoint: Where the state is kept after each epoch.
        generator: Whose maps the classifier looks at, unless its input is ``plain``.
        resume: Go on from the checkpoint. On a CPU with the same number of threads the continued run equals
            the uninterrupted one bit for bit.
        start: Weights to start from instead of ``classifier.start``.
        track: Shows the progress of what comes before the first epoch.
        watch: Told every step.
        warn: Told what the user should know.

    Raises:
        DataError: A table cannot be used, the checkpoint cannot be resumed, or the loss is not a number.
        ModelError: The network cannot be built, or the weights to start from do not fit.
        UsageError: The recipe asks for what cannot be.
    """
    settings = profile.classifier
    _check(settings)
    chosen = faces_to_choose_by(sources, profile)
    pairs = FacePairs(_pools(sources, profile, track, warn), settings)
    learner = Learner(settings, generator, start)
    plateau = Plateau(settings.plateau_patience, settings.plateau_factor)
    progress = _Progress(_recipe(profile), asdict(plateau), learner.began)
    if resume:
        progress = _resumed(progress, learner.load(checkpoint), checkpoint)
        plateau = Plateau(**progress.plateau)  # type: ignore[arg-type]
        learner.factor = plateau.factor
    names = [source.table.parent.name for source in sources]
    per_epoch = math.ceil(len(pairs) // (settings.batch // 2) / settings.accumulate)
    if not per_epoch:
        raise UsageError(
            f"an epoch of {len(pairs)} pairs is less than a batch of {settings.batch} faces",
            "lower classifier.batch, or raise classifier.pairs",
        )
    total, ended = settings.epochs * per_epoch, False
    first_of_all = learner.fabric.is_global_zero
    for epoch in range(progress.epoch, settings.epochs):
        if ended or _out_of_patience(progress, settings):
            return
        pairs.epoch = epoch
        first, losses, now = epoch * per_epoch, [], 0.0
        batches = _loaded(_loader(pairs, settings, learner))
        for step, (loss, now) in enumerate(learner.learn(batches, epoch, first, total), start=first + 1):
            losses.append(loss)
            if first_of_all:
                watch(TrainingStep(epoch + 1, step, total, loss, now))
        if first_of_all:
            logits = learner.judge(chosen)
            found = _Found(video_aucs(chosen, logits, names), _loss(chosen, logits))
            if settings.schedule == "plateau":
                plateau.step(found.loss)
            improved = found.mean > progress.best
            progress.epoch, progress.best = epoch + 1, max(found.mean, progress.best)
            progress.worse, progress.plateau = 0 if improved else progress.worse + 1, asdict(plateau)
            ended = epoch + 1 == settings.epochs or _out_of_patience(progress, settings)
            learner.save(checkpoint, asdict(progress))
            yield Epoch(
                number=epoch + 1,
                loss=float(np.mean(losses)),
                rate=now,
                choose_loss=found.loss,
                choose=found.aucs,
                best=improved,
                last=ended,
                weights=learner.average,
                steps=first + per_epoch,
                began=progress.began,
            )
        ended, learner.factor = learner.fabric.broadcast((ended, plateau.factor))


@dataclass(frozen=True)
class _Found:
    aucs: dict[str, float]
    loss: float

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.aucs.values())))


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


def _check(settings: ClassifierSettings) -> None:
    """Refuse what cannot be done by several processes."""
    if settings.batch // 2 % count():
        raise UsageError(
            f"a batch of {settings.batch // 2} pairs cannot be shared by {count()} processes",
            f"set classifier.batch to a multiple of {2 * count()}",
        )
    if settings.thaw and count() > 1:
        raise UsageError("parts that thaw cannot be trained by several processes", "set classifier.thaw to 0")


def _recipe(profile: Profile) -> dict[str, Any]:
    """Tell all that the course of a run depends on, as JSON values by dotted key."""
    sections = {"classifier": profile.classifier, "fakes": profile.fakes, "forge": profile.forge}
    return {
        f"{name}.{key}": value
        for name, section in sections.items()
        for key, value in section.model_dump(mode="json").items()
        if key not in _FREE
    }


def _resumed(fresh: _Progress, numbers: dict[str, Any], checkpoint: Path) -> _Progress:
    """Take up the progress of a checkpoint.

    Raises:
        DataError: It was made by another recipe.
    """
    try:
        progress = _Progress(**numbers)
    except TypeError as error:
        raise DataError(
            f"{checkpoint} is not a checkpoint of a classifier", "name another --output"
        ) from error
    was, now = progress.recipe, fresh.recipe
    changed = [f"{key} was {was.get(key)!r}, is {now[key]!r}" for key in now if was.get(key) != now[key]]
    if changed:
        raise DataError(
            f"the run was started with other settings: {'; '.join(changed)}",
            "resume with the profile that it was started with, or name another --output",
        )
    return progress


def _out_of_patience(progress: _Progress, settings: ClassifierSettings) -> bool:
    return bool(settings.patience) and progress.worse >= settings.patience


def _loss(faces: FacesOnce, logits: np.ndarray) -> float:
    return float(log_loss(faces.labels, sigmoid(logits), labels=[0, 1]))


def _loader(
    pairs: FacePairs, settings: ClassifierSettings, learner: Learner
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Load this process's part of every batch: together they see what one process would see alone."""
    whole, processes = settings.batch // 2, learner.fabric.world_size
    part, begin = whole // processes, whole // processes * learner.fabric.global_rank
    batches = [
        list(range(start + begin, start + begin + part)) for start in range(0, len(pairs) - whole + 1, whole)
    ]
    return DataLoader(
        pairs,
        batch_sampler=batches,
        num_workers=settings.workers,
        collate_fn=_join,
        generator=torch.Generator(),  # one of its own: loading must not move the global one
    )


def _loaded(loader: DataLoader[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """Pass batches on, and tell in a line what befell a process that loads them."""
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise DataError(
            "a process that loads faces was killed; the epochs before are kept",
            "go on with --resume; if memory ran out, lower classifier.workers",
        ) from error


def _join(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join pairs (2, ...) to a batch of faces (2 N, S, S, 3) and labels (2 N,)."""
    faces, labels = zip(*items, strict=True)
    return torch.cat(faces), torch.cat(labels)
