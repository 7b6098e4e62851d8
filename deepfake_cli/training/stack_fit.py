"""Fit the weights of a stack, and judge faces by a fit to faces of other sources."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from deepfake_cli.errors import DataError

from .tables import FaceRow

_FOLDS = 5

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]  # of faces among the rows


def fit_weights(told: Numbers, rows: Sequence[FaceRow]) -> tuple[float, Numbers]:
    """Fit bias and weights, (K,), by logistic regression with the usual L2 penalty.

    Args:
        told: (N, K) calibrated logits of the members.
        rows: The faces; every video counts the same, however many it has.
    """
    _, which, counts = np.unique([row.video for row in rows], return_inverse=True, return_counts=True)
    share = len(counts) / counts[which]  # so that the videos weigh as much as there are faces
    model = LogisticRegression(max_iter=1000)
    model.fit(told, [row.fake for row in rows], share * (len(rows) / share.sum()))
    return float(model.intercept_[0]), np.asarray(model.coef_[0], np.float64)


def part_by_source(rows: Sequence[FaceRow], seed: int) -> list[tuple[Places, Places]]:
    """Part faces by source: the places of those to fit to and of those to judge, fold by fold.

    Raises:
        DataError: All faces of a class are from one source.
    """
    labels = np.array([row.fake for row in rows])
    sources = np.array([row.original for row in rows])
    folds = min(_FOLDS, len(set(sources[labels])), len(set(sources[~labels])))
    if folds < 2:
        raise DataError("all faces of a class are from one source", "add tables with --on")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(labels, labels, sources))


def cross_validate(told: Numbers, rows: Sequence[FaceRow], folds: Sequence[tuple[Places, Places]]) -> Numbers:
    """Judge every face, (N,) logits, by a fit to faces of other sources."""
    held_out = np.zeros(len(rows))
    for learned, judged in folds:
        bias, weights = fit_weights(told[learned], [rows[i] for i in learned])
        held_out[judged] = bias + told[judged] @ weights
    return held_out
