"""Metrics, intervals and calibration against what can be computed by hand."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.training.calibrate.fit import (
    balanced_threshold,
    fit_temperature,
    sigmoid,
    uncertain_band,
)
from deepfake_cli.training.measure.metrics import Measures, auc, bootstrap, bootstrap_all, calibration_error


def test_auc_counts_rightly_ordered_couples() -> None:
    assert auc([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]) == 0.75


def test_the_interval_widens_when_sources_repeat() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 2, 60), 10)
    scores = np.repeat(rng.random(60), 10) * 0.7 + labels * 0.3
    alone = bootstrap(auc, labels, scores, np.arange(600), rounds=200)
    grouped = bootstrap(auc, labels, scores, np.repeat(np.arange(60), 10), rounds=200)
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])
    assert grouped[0] < auc(labels, scores) < grouped[1]


def test_calibration_error_is_the_gap_between_promise_and_outcome() -> None:
    scores = np.full(100, 0.8)
    assert calibration_error(np.repeat([1, 0], [80, 20]), scores) == pytest.approx(0)
    assert calibration_error(np.repeat([1, 0], [50, 50]), scores) == pytest.approx(0.3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_recovered(temperature: float) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, 20_000)
    labels = (rng.random(20_000) < sigmoid(logits)).astype(np.int64)
    assert fit_temperature(labels, logits * temperature) == pytest.approx(temperature, rel=0.06)


def test_the_threshold_parts_the_classes() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.8])
    assert balanced_threshold(np.array([0, 0, 0, 1, 1]), scores) == pytest.approx(0.5)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.floats(0.05, 0.95),
    st.floats(0, 0.15),
)
def test_the_band_holds_the_threshold_and_at_most_its_share(
    scores: list[float], threshold: float, share: float
) -> None:
    values = np.array(scores)
    low, high = uncertain_band(values, threshold, share)
    assert low <= threshold + 1e-9
    assert threshold - 1e-9 <= high
    inside = np.mean((values > low) & (values < high))
    assert inside <= share


def drawn(count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores with ties, and weights of which some are 0."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, count)
    scores = (rng.normal(0.4 + 0.2 * labels, 0.2).clip(0, 1) * 50).round() / 50
    return labels, scores, rng.integers(0, 4, count)


def test_all_measures_are_those_of_scikit_learn() -> None:
    labels, scores, weights = drawn()
    measures = Measures(labels, scores, 0.5, (scores >= 0.4) & (scores < 0.6))
    found = dict(zip(Measures.NAMES, measures.of(weights), strict=True))
    y, s = np.repeat(labels, weights), np.repeat(scores, weights)
    called = s >= 0.5
    expected = {
        "AUC": sklearn.metrics.roc_auc_score(y, s),
        "average precision": sklearn.metrics.average_precision_score(y, s),
        "accuracy": sklearn.metrics.accuracy_score(y, called),
        "balanced accuracy": sklearn.metrics.balanced_accuracy_score(y, called),
        "log loss": sklearn.metrics.log_loss(y, s),
        "Brier score": sklearn.metrics.brier_score_loss(y, s),
        "calibration error": calibration_error(y, s),
        "share UNCERTAIN": np.mean((s >= 0.4) & (s < 0.6)),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    fpr, tpr, _ = sklearn.metrics.roc_curve(y, s, drop_intermediate=False)
    assert measures.roc(weights)[0][-1] == measures.roc(weights)[1][-1] == 1
    for share in (1, 5):
        assert found[f"TPR at {share} % FPR"] == tpr[fpr <= share / 100].max()
    assert np.interp(found["EER"], fpr, 1 - tpr) == pytest.approx(found["EER"])


def test_the_equal_error_rate_can_be_read_off_a_small_curve() -> None:
    labels, scores = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    values = Measures(labels, scores, 0.5, np.zeros(4, bool)).of(np.ones(4, np.int64))
    found = dict(zip(Measures.NAMES, values, strict=True))
    assert found["EER"] == 0.5  # one of two reals is called fake where one of two fakes is not
    assert found["TPR at 5 % FPR"] == 0.5


def test_the_intervals_of_all_measures_are_those_of_each() -> None:
    labels, scores, _ = drawn()
    groups = np.arange(len(labels)) // 5
    found = bootstrap_all(
        Measures(labels, scores, 0.5, np.zeros(len(labels), bool)), labels, groups, rounds=100
    )
    assert found[0] == pytest.approx(bootstrap(auc, labels, scores, groups, rounds=100))
    assert (found[:, 0] <= found[:, 1]).all()


def test_reliability_compares_what_was_promised_with_what_came() -> None:
    labels, scores = np.array([0, 1, 1, 1]), np.array([0.11, 0.13, 0.91, 0.99])
    found = Measures(labels, scores, 0.5, np.zeros(4, bool)).reliability()
    assert found == [pytest.approx((0.12, 0.5)), pytest.approx((0.95, 1.0))]
