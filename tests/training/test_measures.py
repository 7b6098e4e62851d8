"""Metrics, intervals and calibration against what can be computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.training.calibration import (
    balanced_threshold,
    fit_temperature,
    sigmoid,
    uncertain_band,
)
from deepfake_cli.training.metrics import auc, bootstrap, calibration_error


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
