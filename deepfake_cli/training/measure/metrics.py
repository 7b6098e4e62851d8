"""Measures of a detector, each with its bootstrap interval."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

Measure = Callable[[NDArray[np.int64], NDArray[np.float64]], float]

_BINS = 10  # of the score, equally wide, for calibration


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Compute the area under the ROC curve; ``labels`` are 1 for fake, higher scores mean fake."""
    return float(roc_auc_score(np.asarray(labels), np.asarray(scores)))


def bootstrap(
    measure: Measure,
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute a 95 % percentile interval by drawing whole groups with replacement.

    Rows of one source are alike; drawing them one by one would make the interval too narrow.

    Args:
        measure: Takes labels and scores.
        labels: (N,) 1 for fake.
        scores: (N,) P(fake).
        groups: (N,) source of each row.
        rounds: Number of draws; those that hold one class only are left out.
        seed: Starts the draws.
    """
    labels, scores = np.asarray(labels), np.asarray(scores)
    _, members = np.unique(np.asarray(groups), return_inverse=True)
    rows = [np.flatnonzero(members == group) for group in range(members.max() + 1)]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        if 0 < labels[drawn].sum() < len(drawn):
            values.append(measure(labels[drawn], scores[drawn]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def calibration_error(labels: NDArray[np.int64], scores: NDArray[np.float64], bins: int = _BINS) -> float:
    """Compute the expected calibration error over equally wide bins of the score."""
    which = np.minimum((scores * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        inside = which == index
        if inside.any():
            error += inside.mean() * abs(labels[inside].mean() - scores[inside].mean())
    return float(error)


def balanced_accuracy(labels: NDArray[np.int64], called: NDArray[np.bool_]) -> float:
    """Compute the mean of how many real and how many fake examples are called what they are.

    Args:
        labels: (N,) 1 for fake; both classes are there.
        called: (N,) whether each is called fake.
    """
    return float(called[labels == 1].mean() + 1 - called[labels == 0].mean()) / 2


class Measures:
    """Every measure of a detector at once, whatever each example counts.

    Examples are put in order once, so that a draw of a bootstrap, which is nothing but other weights, costs
    no sort. Fawcett, "An introduction to ROC analysis" (2006) explains the curves; the equal error rate lies
    where the straight line between two points of the ROC curve meets FPR = 1 - TPR, and a TPR at an FPR is
    the highest that needs no larger FPR.

    Args:
        labels: (N,) 1 for fake; both classes are there.
        scores: (N,) P(fake).
        threshold: Scores from here on are called fake.
        uncertain: (N,) whether each example was called UNCERTAIN.
    """

    NAMES = (
        *("AUC", "average precision", "EER", "TPR at 1 % FPR", "TPR at 5 % FPR"),
        *("accuracy", "balanced accuracy", "log loss", "Brier score", "calibration error", "share UNCERTAIN"),
    )

    def __init__(
        self,
        labels: NDArray[np.int64],
        scores: NDArray[np.float64],
        threshold: float,
        uncertain: NDArray[np.bool_],
    ) -> None:
        self._order = np.argsort(-scores, kind="stable")
        scores, fake = scores[self._order], labels[self._order] == 1
        self._last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # of each run of equal ones
        self._fake = fake.astype(np.float64)
        self._right = ((scores >= threshold) == fake).astype(np.float64)
        sure = np.clip(scores, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
        self._log_loss = -np.log(np.where(fake, sure, 1 - sure))
        self._squared = (scores - fake) ** 2
        self._gap = fake - scores
        self._bin = _bins(scores)
        self._uncertain = uncertain[self._order].astype(np.float64)

    def roc(self, weights: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw the ROC curve: FPR and TPR from (0, 0) to (1, 1), a point a score; ``weights`` is (N,)."""
        weights = weights[self._order]
        fakes = np.concatenate([[0], np.cumsum(weights * self._fake)[self._last]])
        reals = np.concatenate([[0], np.cumsum(weights * (1 - self._fake))[self._last]])
        return reals / reals[-1], fakes / fakes[-1]

    def precision(self, weights: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw the precision-recall curve: recall and precision from the highest score on."""
        weights = weights[self._order]
        fakes = np.cumsum(weights * self._fake)[self._last]
        called = np.cumsum(weights)[self._last]
        return fakes / fakes[-1], fakes / np.maximum(called, 1)

    def reliability(self) -> list[tuple[float, float]]:
        """Compare promise and outcome: mean score and share of fakes of each bin that is not empty."""
        scores = self._fake - self._gap
        bins = [self._bin == index for index in range(_BINS)]
        return [
            (float(scores[inside].mean()), float(self._fake[inside].mean()))
            for inside in bins
            if inside.any()
        ]

    def of(self, weights: NDArray[np.int64]) -> NDArray[np.float64]:
        """Compute all measures in the order of ``NAMES``.

        Args:
            weights: (N,) how often each example is there; both classes must be.
        """
        fpr, tpr = self.roc(weights)
        recall, precision = self.precision(weights)
        w = weights[self._order] / weights.sum()
        fakes = w @ self._fake
        right = w * self._right
        hits = right @ self._fake
        gaps = np.bincount(self._bin, w * self._gap, minlength=_BINS)
        return np.array(
            [
                np.trapezoid(tpr, fpr),
                np.sum(np.diff(recall, prepend=0) * precision),
                _equal_error(fpr, tpr),
                *(tpr[np.searchsorted(fpr, most, side="right") - 1] for most in (0.01, 0.05)),
                right.sum(),
                (hits / fakes + (right.sum() - hits) / (1 - fakes)) / 2,
                w @ self._log_loss,
                w @ self._squared,
                np.abs(gaps).sum(),
                w @ self._uncertain,
            ]
        )


def bootstrap_all(
    measures: Measures, labels: ArrayLike, groups: ArrayLike, *, rounds: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Compute the 95 % percentile intervals of all measures by the draws that ``bootstrap`` makes.

    Returns:
        (K, 2) lower and upper ends, in the order of ``Measures.NAMES``.
    """
    labels = np.asarray(labels)
    draws = _draws(np.asarray(groups), rounds, seed)
    values = [measures.of(w) for w in draws if 0 < w @ labels < w.sum()]
    return np.percentile(values, [2.5, 97.5], axis=0).T


def _draws(groups: NDArray[np.str_], rounds: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw whole groups with replacement; yield how often each row, (N,), is drawn."""
    names, members = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        drawn = rng.integers(len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[members]


def _equal_error(fpr: NDArray[np.float64], tpr: NDArray[np.float64]) -> float:
    """Find the FPR on the curve that equals 1 - TPR."""
    over = 1 - tpr - fpr  # falls from 1 to -1
    end = int(np.argmax(over <= 0))
    share = over[end - 1] / (over[end - 1] - over[end])
    return float(fpr[end - 1] + share * (fpr[end] - fpr[end - 1]))


def _bins(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
