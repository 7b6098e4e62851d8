"""Set temperature, threshold and UNCERTAIN band of a finished classifier anew, on faces of one's own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.inference.stack import open_scorer
from deepfake_cli.io.model_folder import ModelFolder, StackFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import CalibrateSettings

from ..measure.batches import batches, count_batches
from ..measure.evaluate import FEWEST, datasets_of, read_all
from ..measure.examples import has_videos
from ..measure.metrics import balanced_accuracy, calibration_error
from ..tables import FaceRow
from .fit import (
    balanced_threshold,
    cheapest_threshold,
    crowd_thresholds,
    least_log_loss,
    sigmoid,
    threshold_at_rate,
    uncertain_band,
)
from .frame_rules import FrameRules, try_frame_rules

_DIGITS = 4  # scan rounds scores to so many, so they are chosen on rounded ones


@dataclass(frozen=True)
class Choice:
    """How logits become verdicts, and how well that does on the faces it was chosen on.

    Attributes:
        margin: Side of the square that is cut, relative to the longer side of the face's box.
        temperature: Logits are divided by it.
        threshold: Scores from here on mean FAKE.
        uncertain: The band about it.
        calibration_error: Expected calibration error.
        balanced_accuracy: At the threshold.
        false_positives: Share of the real examples that are called fake.
        true_positives: Share of the fake ones that are.
    """

    margin: float
    temperature: float
    threshold: float
    uncertain: tuple[float, float]
    calibration_error: float
    balanced_accuracy: float
    false_positives: float
    true_positives: float


@dataclass(frozen=True)
class Calibrated:
    """What was chosen.

    Attributes:
        examples: ``videos``, each the mean over its faces as in scan, or ``faces``.
        real: How many real examples there are.
        fake: How many fake ones.
        temperature_source: How and on what the temperature was chosen.
        threshold_source: How and on what the threshold was.
        before: What the model had.
        after: What was chosen.
        crowd: Thresholds for two, three and more people.
        frame_rules: Other ways to judge the same videos; None where there are no videos.
    """

    examples: str
    real: int
    fake: int
    temperature_source: str
    threshold_source: str
    before: Choice
    after: Choice
    crowd: tuple[float, ...]
    frame_rules: FrameRules | None


@dataclass(frozen=True)
class _Seen:
    """Logits of faces, and which example each face belongs to.

    Attributes:
        labels: (V,) 1 for fake, of the examples.
        which: (N,) the example of each face.
        logits: (N,) of the faces.
    """

    labels: NDArray[np.int64]
    which: NDArray[np.int64]
    logits: NDArray[np.float64]

    def faces_at(self, temperature: float) -> NDArray[np.float64]:
        """Score the faces, (N,)."""
        return sigmoid(self.logits / temperature)

    def scores_at(self, temperature: float) -> NDArray[np.float64]:
        """Score the examples, (V,)."""
        sums = np.bincount(self.which, self.faces_at(temperature), len(self.labels))
        return sums / np.bincount(self.which, minlength=len(self.labels))


def calibrate(
    model: ModelFolder,
    tables: Sequence[Path],
    splits: Sequence[str],
    settings: CalibrateSettings,
    abstain: float,
    *,
    margin: float | None = None,
    track: Track = untracked,
) -> Calibrated:
    """Choose temperature, threshold and band on videos, or on faces where no video has several.

    Args:
        model: The classifier; it is not changed.
        tables: Whose faces are taken, all together.
        splits: Of the tables.
        settings: How the threshold is chosen.
        abstain: Largest share of the examples that the band may hold.
        margin: How faces are cut from now on; as the model does by default.
        track: Shows the progress.

    Raises:
        DataError: A table or picture cannot be read, there are too few of a class, all faces have the same
            score, or no threshold has the false-positive rate that is asked for.
    """
    if margin is not None and isinstance(model, StackFolder):
        raise UsageError("a stack cuts faces as its members do", "leave out --margin")
    rows = read_all(tables, splits)
    examples = "videos" if has_videos(rows) else "faces"
    _refuse_few(rows, examples)
    own = model.config.input.margin
    margin = own if margin is None else margin
    looks = _look(model, rows, {own, margin}, track)
    seen = looks[margin]
    if np.ptp(seen.scores_at(1.0)) == 0:
        raise DataError(
            "all faces have the same score: there is nothing to choose", "check the model and the table"
        )
    temperature = round(least_log_loss(seen.labels, seen.scores_at), _DIGITS)
    scores = seen.scores_at(temperature).round(_DIGITS)
    threshold = _round_up(_threshold(seen.labels, scores, settings))
    low, high = (round(end, _DIGITS) for end in uncertain_band(scores, threshold, abstain))
    now, decision = model.config.calibration.temperature, model.config.decision
    real, fake = _count(seen.labels)
    source = (
        f"{'+'.join(splits)} of {' and '.join(datasets_of(tables))}: {real} real and {fake} fake {examples}"
    )
    return Calibrated(
        examples=examples,
        real=real,
        fake=fake,
        temperature_source=f"least log loss on {source}",
        threshold_source=f"{_rule(settings)} on {source}",
        before=_choice(looks[own], own, now, decision.threshold, decision.uncertain),
        after=_choice(seen, margin, temperature, threshold, (low, high)),
        crowd=tuple(round(t, _DIGITS) for t in crowd_thresholds(scores[seen.labels == 0], threshold)),
        frame_rules=_frame_rules(seen, temperature, scores >= threshold) if examples == "videos" else None,
    )


def _refuse_few(rows: Sequence[FaceRow], examples: str) -> None:
    videos = {row.video: row.fake for row in rows}
    fake = sum(videos.values())
    if min(fake, len(videos) - fake) < FEWEST:
        raise DataError(
            f"{len(videos) - fake} real and {fake} fake {examples} are too few to choose by",
            f"take at least {FEWEST} of each: add tables, or name another --split",
        )


def _look(
    model: ModelFolder, rows: Sequence[FaceRow], margins: set[float], track: Track
) -> dict[float, _Seen]:
    """Score the faces, cut by each margin, by margin; every picture is decoded once."""
    scorers = {margin: open_scorer(_with_margin(model, margin), threads=0) for margin in margins}
    logits: dict[float, list[NDArray[np.float64]]] = {margin: [] for margin in margins}
    for batch in track(batches(rows), "scoring", count_batches(rows)):
        pairs = list(zip(batch.pictures, batch.rows, strict=True))
        for margin, scorer in scorers.items():
            faces = [scorer.cut(picture, row.box) for picture, row in pairs]
            logits[margin].append(scorer.logits(faces))
    places = {video: place for place, video in enumerate(dict.fromkeys(row.video for row in rows))}
    labels = np.zeros(len(places), np.int64)
    for row in rows:
        labels[places[row.video]] = row.fake
    which = np.array([places[row.video] for row in rows], np.int64)
    return {margin: _Seen(labels, which, np.concatenate(told)) for margin, told in logits.items()}


def _with_margin(model: ModelFolder, margin: float) -> ModelFolder:
    """Take a model that cuts faces otherwise; a stack leaves that to its members."""
    if margin == model.config.input.margin:
        return model
    given = model.config.input.model_copy(update={"margin": margin})
    return ModelFolder(model.path, model.config.model_copy(update={"input": given}), model.revision)


def _threshold(labels: NDArray[np.int64], scores: NDArray[np.float64], settings: CalibrateSettings) -> float:
    if settings.rule == "fpr":
        return threshold_at_rate(labels, scores, settings.fpr)
    if settings.rule == "cost":
        return cheapest_threshold(labels, scores, settings.cost_missed, settings.cost_false_alarm)
    return balanced_threshold(labels, scores)


def _rule(settings: CalibrateSettings) -> str:
    if settings.rule == "fpr":
        return f"false-positive rate of at most {settings.fpr:g}"
    if settings.rule == "cost":
        costs = f"{settings.cost_missed:g} a missed fake, {settings.cost_false_alarm:g} a false alarm"
        return f"least cost ({costs}, as many fake as real)"
    return "greatest balanced accuracy"


def _choice(
    seen: _Seen, margin: float, temperature: float, threshold: float, uncertain: tuple[float, float]
) -> Choice:
    scores = seen.scores_at(temperature).round(_DIGITS)
    called = scores >= threshold
    return Choice(
        margin=margin,
        temperature=temperature,
        threshold=threshold,
        uncertain=uncertain,
        calibration_error=calibration_error(seen.labels, scores),
        balanced_accuracy=balanced_accuracy(seen.labels, called),
        false_positives=float(called[seen.labels == 0].mean()),
        true_positives=float(called[seen.labels == 1].mean()),
    )


def _frame_rules(seen: _Seen, temperature: float, called: NDArray[np.bool_]) -> FrameRules:
    return try_frame_rules(seen.labels, seen.which, seen.faces_at(temperature), called)


def _round_up(threshold: float) -> float:
    """Round so that the scores below, of as many digits, stay below."""
    steps = 10.0**_DIGITS
    return math.ceil(threshold * steps - 1e-6) / steps


def _count(labels: NDArray[np.int64]) -> tuple[int, int]:
    fake = int(labels.sum())
    return len(labels) - fake, fake
