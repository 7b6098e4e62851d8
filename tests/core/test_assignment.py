from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from deepfake_cli.core.assignment import assign

LIMIT = 1.0
# Whole hundredths give plenty of ties; some pairs lie above the limit, some are forbidden.
costs = st.one_of(st.integers(-50, 130).map(lambda v: v / 100), st.just(np.inf))
matrices = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5), elements=costs)


def total(cost: np.ndarray, pairs: list[tuple[int, int]], limit: float = LIMIT) -> float:
    return sum(cost[pair] for pair in pairs) + limit * (len(cost) - len(pairs))


def cheapest(cost: np.ndarray, limit: float = LIMIT) -> float:
    """Try every way: each row takes a column or, as one of as many further columns as rows, stays single."""
    rows, columns = cost.shape
    return min(
        sum(cost[row, column] if column < columns else limit for row, column in enumerate(order))
        for order in permutations(range(columns + rows), rows)
    )


@given(matrices)
def test_no_other_assignment_is_cheaper(cost: np.ndarray) -> None:
    if cost.shape[0] + cost.shape[1] > 8:
        cost = cost[:4, :4]
    assert total(cost, assign(cost, LIMIT)) == pytest.approx(cheapest(cost))


@given(matrices)
def test_nobody_is_paired_twice_nor_at_or_above_the_limit(cost: np.ndarray) -> None:
    pairs = assign(cost, LIMIT)
    assert all(cost[pair] < LIMIT for pair in pairs)
    assert pairs == sorted(pairs)
    for side in (0, 1):
        taken = [pair[side] for pair in pairs]
        assert len(set(taken)) == len(taken)


@given(matrices)
def test_turned_around_it_costs_the_same(cost: np.ndarray) -> None:
    # A pair saves the limit that its row would cost alone, so both ways save as much.
    there, back = assign(cost, LIMIT), assign(cost.T, LIMIT)
    saved = [LIMIT * len(side) - total(side, pairs) for side, pairs in ((cost, there), (cost.T, back))]
    assert saved[0] == pytest.approx(saved[1])


@pytest.mark.parametrize("size", [(60, 60), (60, 7), (7, 60)])
def test_a_crowd_that_walks_in_order_stays_in_order(size: tuple[int, int]) -> None:
    cost = np.abs(np.subtract.outer(np.arange(size[0]), np.arange(size[1]))) / 100 + 0.01
    assert assign(cost, LIMIT) == [(i, i) for i in range(min(size))]


def test_the_greedy_choice_is_not_taken_where_it_costs_more() -> None:
    assert assign(np.array([[0.1, 0.2], [0.2, 0.9]]), LIMIT) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("cost", "limit"), [([[np.nan]], 1.0), ([[-np.inf]], 1.0), ([0.5], 1.0), ([[0.5]], np.inf)]
)
def test_costs_that_mean_nothing_are_refused(cost: list, limit: float) -> None:
    with pytest.raises(ValueError, match="costs must form a matrix"):
        assign(np.array(cost), limit)
