"""Turn logits into probabilities and probabilities into verdicts, all from the split ``choose``."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss, roc_curve

from deepfake_cli.errors import DataError

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
    return least_log_loss(labels, lambda temperature: sigmoid(logits / temperature))


def least_log_loss(labels: Labels, scores_at: Callable[[float], Numbers]) -> float:
    """Find the temperature whose scores have the least log loss.

    Args:
        labels: (N,) 1 for fake.
        scores_at: Gives the scores, (N,) in [0, 1], at a temperature.

    Returns:
        In 0.05 .. 20.
    """
    found = minimize_scalar(
        lambda log_t: log_loss(labels, scores_at(float(np.exp(log_t))), labels=[0, 1]),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
    )
    return float(np.exp(found.x))


def balanced_threshold(labels: Labels, scores: Numbers) -> float:
    """Find the threshold of greatest balanced accuracy, half-way between the two scores that it parts."""
    false_positives, true_positives, thresholds = _rates(labels, scores)
    return _between(scores, thresholds[int(np.argmax(true_positives - false_positives))])


def threshold_at_rate(labels: Labels, scores: Numbers, rate: float) -> float:
    """Find the threshold that finds most fakes among those at which few real examples are called fake.

    Args:
        labels: (N,) 1 for fake.
        scores: (N,) in [0, 1].
        rate: Largest share of the real examples that may be called fake.

    Raises:
        DataError: More of them have a score of 1, which no threshold parts from fakes.
    """
    false_positives, true_positives, thresholds = _rates(labels, scores)
    allowed = np.flatnonzero(false_positives <= rate)
    if not len(allowed):
        raise DataError(
            f"no threshold has a false-positive rate of {rate:g}: more of the real faces score 1",
            "allow more with --fpr",
        )
    return _between(scores, thresholds[allowed[int(np.argmax(true_positives[allowed]))]])


def cheapest_threshold(labels: Labels, scores: Numbers, missed: float, false_alarm: float) -> float:
    """Find the threshold of least expected cost where real and fake examples are equally frequent.

    Args:
        labels: (N,) 1 for fake.
        scores: (N,) in [0, 1].
        missed: Cost of a fake that is called real.
        false_alarm: Cost of a real example that is called fake.
    """
    false_positives, true_positives, thresholds = _rates(labels, scores)
    costs = missed * (1 - true_positives) + false_alarm * false_positives
    return _between(scores, thresholds[int(np.argmin(costs))])


def _rates(labels: Labels, scores: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Compute false- and true-positive rates and the thresholds, in 0 to 1, that they are reached at."""
    rates = roc_curve(labels, scores, drop_intermediate=False)
    usable = rates[2] <= 1
    if scores.max() < 1:
        usable[0] = True  # nothing is called fake, from a threshold above all scores
    return tuple(values[usable] for values in rates)


def _between(scores: Numbers, threshold: float) -> float:
    """Move a threshold half-way down to the next score below it, and to within 0 to 1."""
    above = min(float(threshold), 1.0)
    below = scores[scores < above]
    return (above + float(below.max())) / 2 if below.size else above


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


def crowd_thresholds(real: Numbers, threshold: float, most: int = 8) -> list[float]:
    """Find thresholds at which the highest of several real people is called fake as rarely as one alone.

    Args:
        real: (N,) scores of real people, in [0, 1].
        threshold: For one person.
        most: Number of people of the last one.

    Returns:
        For 2 to ``most`` people, rising; people of one file are taken for independent of each other.
    """
    passed = float(np.mean(real < threshold))
    return [max(float(np.quantile(real, passed ** (1 / people))), threshold) for people in range(2, most + 1)]


def _logit(scores: Numbers | np.float64) -> Numbers:
    return np.asarray(np.log(scores) - np.log1p(-scores), np.float64)
