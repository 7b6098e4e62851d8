"""Turn logits into probabilities and probabilities into verdicts, all from the split ``choose``."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss, roc_curve

Labels = NDArray[np.int64]
Numbers = NDArray[np.float64]


def sigmoid(logits: Numbers) -> Numbers:
    """Map logits to (0, 1) without overflow."""
    return np.asarray((1 + np.tanh(logits / 2)) / 2, np.float64)


def fit_temperature(labels: Labels, logits: Numbers) -> float:
    """Find the temperature T that minimises the log loss of ``sigmoid(logits / T)``.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        labels: (N,) 1 for fake.
        logits: (N,).

    Returns:
        T in 0.05 .. 20.
    """
    found = minimize_scalar(
        lambda log_t: log_loss(labels, sigmoid(logits / np.exp(log_t)), labels=[0, 1]),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
    )
    return float(np.exp(found.x))


def balanced_threshold(labels: Labels, scores: Numbers) -> float:
    """Find the threshold of greatest balanced accuracy, half-way between the two scores that it parts."""
    false_positives, true_positives, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    best = int(np.argmax(true_positives - false_positives))
    below = scores[scores < thresholds[best]]
    return float((thresholds[best] + below.max()) / 2) if below.size else float(min(thresholds[best], 1.0))


def uncertain_band(scores: Numbers, threshold: float, share: float) -> tuple[float, float]:
    """Find the widest band about a threshold, even in logits, that holds at most a share of the scores.

    Args:
        scores: (N,) in (0, 1).
        threshold: In (0, 1).
        share: Share of the scores that the band may hold.

    Returns:
        Lower and upper end.
    """
    limit = 1e-6  # a score of exactly 0 or 1 has no logit
    centre = _logit(np.clip(threshold, limit, 1 - limit))
    distances = np.sort(np.abs(_logit(np.clip(scores, limit, 1 - limit)) - centre))
    allowed = int(share * len(scores))
    # Just short of the first score that may no longer be inside.
    width = float(distances[allowed]) * (1 - 1e-9) if allowed < len(distances) else float(distances[-1])
    low, high = sigmoid(np.array([centre - width, centre + width]))
    return float(low), float(high)


def _logit(scores: Numbers | np.float64) -> Numbers:
    return np.asarray(np.log(scores) - np.log1p(-scores), np.float64)
