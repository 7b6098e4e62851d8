"""Self-blended faces: forged inside the mask, untouched outside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.core.forgeries import face_mask, self_blend

POINTS = np.array([(205.0, 112.0), (246.0, 108.0), (228.0, 132.0), (212.0, 152.0), (248.0, 149.0)])


@pytest.fixture(scope="module")
def face(portrait: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(portrait[:256, 100:356])


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return POINTS - (100, 0)


def test_the_mask_lies_where_the_points_do(points: np.ndarray) -> None:
    square = np.array([(30.0, 40.0), (80.0, 40.0), (80.0, 105.0), (30.0, 105.0)])
    mask = face_mask((256, 256), points, square)
    assert set(np.unique(mask)) == {0, 1}
    for x, y in points:
        assert mask[round(y), round(x)] == 1
    rows, columns = np.nonzero(mask)
    assert abs(columns.mean() - points[:, 0].mean()) < 6
    assert abs(rows.mean() - points[:, 1].mean()) < 10


def test_the_same_seed_forges_the_same(face: np.ndarray, points: np.ndarray) -> None:
    first, second = (self_blend(face, points, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_outside_the_mask_nothing_is_forged(seed: int, face: np.ndarray, points: np.ndarray) -> None:
    before = face.copy()
    real, forged, mask = self_blend(face, points, np.random.default_rng(seed))
    assert real.shape == forged.shape == face.shape
    assert real.dtype == forged.dtype == np.uint8
    assert mask.shape == face.shape[:2]
    assert mask.min() >= 0
    assert 0.3 < mask.max() <= 1 + 1e-6
    outside = mask == 0
    assert outside.mean() > 0.3  # a face, not the picture
    assert np.array_equal(real[outside], forged[outside])
    assert not np.array_equal(real, forged)
    assert np.array_equal(face, before)
