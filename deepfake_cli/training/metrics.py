"""Measures of a detector, each with its bootstrap interval."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

Measure = Callable[[NDArray[np.int64], NDArray[np.float64]], float]


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


def calibration_error(labels: NDArray[np.int64], scores: NDArray[np.float64], bins: int = 10) -> float:
    """Compute the expected calibration error over equally wide bins of the score."""
    which = np.minimum((scores * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        inside = which == index
        if inside.any():
            error += inside.mean() * abs(labels[inside].mean() - scores[inside].mean())
    return float(error)
