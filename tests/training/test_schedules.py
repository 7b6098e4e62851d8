"""Learning rates and sharpness, against what torch and the formulas say."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.training.schedules import Plateau, one_cycle, one_cycle_momentum, rate, rise_and_fall
from deepfake_cli.training.sharpness import sharpened


def test_the_cosine_rises_and_falls() -> None:
    rates = [rise_and_fall(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


@pytest.mark.parametrize("rise", [0.3, 0.5])
def test_one_cycle_is_that_of_torch(rise: float) -> None:
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], 1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=50, pct_start=rise)
    for step in range(50):
        (group,) = optimizer.param_groups
        assert one_cycle(step, 50, rise) == pytest.approx(group["lr"], abs=1e-9)
        assert one_cycle_momentum(step, 50, rise) == pytest.approx(group["betas"][0], abs=1e-9)
        optimizer.step()
        if step < 49:
            theirs.step()


def test_the_linear_schedule_stays_and_then_falls_to_nothing() -> None:
    rates = [rate("linear", step, 100, warmup=0, hold=0.75) for step in range(101)]
    assert rates[:75] == [1.0] * 75
    assert rates[76] == pytest.approx(0.96)
    assert rates[100] == 0


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=40), st.integers(0, 4))
def test_the_plateau_is_that_of_torch(losses: list[float], patience: int) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=patience, factor=0.5, eps=0)
    ours = Plateau(patience, 0.5)
    for loss in losses:
        theirs.step(loss)
        ours.step(loss)
        assert ours.factor == pytest.approx(optimizer.param_groups[0]["lr"])


def test_sharpness_is_looked_for_at_the_given_radius() -> None:
    weights = torch.tensor([3.0, 4.0], requires_grad=True)
    other = torch.zeros(1, requires_grad=True)  # has no gradient
    (weights**2).sum().backward()  # gradient (6, 8), of length 10
    with sharpened([weights, other], 0.5):
        assert weights.tolist() == pytest.approx([3.3, 4.4])
        assert weights.grad is None
        (weights**2).sum().backward()
    assert weights.tolist() == [3.0, 4.0]
    assert weights.grad is not None
    assert weights.grad.tolist() == pytest.approx([6.6, 8.8])
    assert math.hypot(0.3, 0.4) == pytest.approx(0.5)
