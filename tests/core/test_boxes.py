"""Overlaps, squares and suppression agree with their plain definitions."""

import numpy as np
import pytest

from deepfake_cli.core.boxes import iou, nms, square


def crowd(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make boxes that overlap a lot, on whole pixels so that ties at a threshold happen, and their scores."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 60, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(8, 40, (count, 2))], axis=1).astype(np.float32)
    return boxes, rng.permutation(count).astype(np.float32)


def slow_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float, mode: str) -> list[int]:
    """Suppress one by one, as the definition says."""
    kept: list[int] = []
    pixel = 1 if mode == "min" else 0
    for i in np.argsort(-scores):
        for j in kept:
            size = np.minimum(boxes[i, 2:], boxes[j, 2:]) - np.maximum(boxes[i, :2], boxes[j, :2]) + pixel
            shared = np.float32(max(size[0], 0) * max(size[1], 0))
            one, two = (np.prod(boxes[k, 2:] - boxes[k, :2] + pixel) for k in (i, j))
            if shared / (min(one, two) if mode == "min" else one + two - shared) > threshold:
                break
        else:
            kept.append(int(i))
    return kept


def test_iou_of_every_pair() -> None:
    found = iou([[0, 0, 10, 10], [20, 20, 30, 30]], [[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10]])
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, [[1, 1 / 3, 0], [0, 0, 0]], rtol=1e-6)


def test_iou_of_nothing_and_of_empty_boxes() -> None:
    assert iou(np.zeros((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou([[3, 3, 3, 3]], [[3, 3, 3, 3]]).tolist() == [[0]]


def test_square_keeps_the_centre_and_takes_the_longer_side() -> None:
    assert square([10, 20, 30, 60]).tolist() == [0, 20, 40, 60]
    assert square([[10, 20, 30, 60]], margin=1.5).tolist() == [[-10, 10, 50, 70]]


@pytest.mark.parametrize("mode", ["union", "min"])
@pytest.mark.parametrize("count", [1, 40, 300])  # 300: several rounds of the blockwise suppression
@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_nms_is_the_slow_one(mode: str, count: int, threshold: float) -> None:
    boxes, scores = crowd(count)
    assert nms(boxes, scores, threshold, mode).tolist() == slow_nms(boxes, scores, threshold, mode)


def test_nms_keeps_an_overlap_of_exactly_the_threshold() -> None:
    boxes = [[0, 0, 30, 10], [10, 0, 40, 10]]  # share 20 of 40
    assert nms(boxes, [1, 0.5], 0.5).tolist() == [0, 1]
    assert nms(boxes, [1, 0.5], 0.499).tolist() == [0]


def test_nms_prefers_the_first_or_the_last_of_equals() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9]]
    assert nms(boxes, [1, 1], 0.5).tolist() == [0]
    assert nms(boxes, [1, 1], 0.5, "min").tolist() == [1]


def test_nms_of_nothing_and_of_empty_boxes() -> None:
    assert nms(np.zeros((0, 4)), [], 0.5).tolist() == []
    assert nms([[5, 5, 5, 5], [5, 5, 5, 5]], [1, 0.5], 0.5).tolist() == [0, 1]
