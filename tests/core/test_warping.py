"""Warped faces: less sharp inside the mask, untouched outside."""

from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.core.forge import KINDS, Strength, forge
from deepfake_cli.core.warping import warp_hull, warp_rectangle
from deepfake_cli.settings import ForgeryKind

POINTS = np.array([(205.0, 112.0), (246.0, 108.0), (228.0, 132.0), (212.0, 152.0), (248.0, 149.0)]) - (100, 0)
BOX = (77, 65, 175, 200)
STRENGTH = Strength((0.7, 1.5), (0.5, 1.5), 0.1)


@pytest.fixture(scope="module")
def face(portrait: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(portrait[:256, 100:356])


def sharpness(image: np.ndarray, where: np.ndarray) -> float:
    """Mean square of the finest detail."""
    detail = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F)
    return float((detail[where] ** 2).mean())


def test_the_profile_offers_what_there_is() -> None:
    assert get_args(ForgeryKind) == KINDS


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_rectangle_is_softened(seed: int, face: np.ndarray) -> None:
    fake, mask = warp_rectangle(face, BOX, (0.7, 1.5), np.random.default_rng(seed))
    assert set(np.unique(mask)) == {0, 1}
    rows, columns = np.nonzero(mask)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == BOX
    assert np.array_equal(fake[mask == 0], face[mask == 0])
    assert sharpness(fake, mask == 1) < 0.6 * sharpness(face, mask == 1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), jitter=st.sampled_from([0.0, 0.1, 0.3]))
def test_a_hull_is_softened_in_place(seed: int, jitter: float, face: np.ndarray) -> None:
    before = face.copy()
    fake, mask = warp_hull(face, POINTS, (0.5, 1.5), jitter, np.random.default_rng(seed))
    assert np.array_equal(face, before)
    assert mask.min() == 0
    assert 0.95 < mask.max() <= 1
    for x, y in POINTS:
        assert mask[round(y), round(x)] > 0.5
    assert np.array_equal(fake[mask == 0], face[mask == 0])
    if not jitter:
        assert sharpness(fake, mask > 0.99) < sharpness(face, mask > 0.99)
        # It comes back where it was: coarse detail stays.
        one, two = (cv2.GaussianBlur(picture.astype(float), (0, 0), 4) for picture in (face, fake))
        assert np.abs(one - two).max() < 25


def test_a_hull_of_the_same_size_without_jitter_is_only_blurred(face: np.ndarray) -> None:
    fake, mask = warp_hull(face, POINTS, (1.0, 1.0), 0.0, np.random.default_rng(0))
    expected = cv2.GaussianBlur(face, (5, 5), 0)
    assert np.abs(fake.astype(float) - expected)[mask > 0.99].mean() < 2


def test_a_turned_face_is_turned_back(face: np.ndarray) -> None:
    turned = np.ascontiguousarray(np.rot90(face))
    points = np.stack([POINTS[:, 1], 255 - POINTS[:, 0]], axis=1)
    straight, _ = warp_hull(face, POINTS, (0.6, 0.6), 0.0, np.random.default_rng(5))
    fake, mask = warp_hull(turned, points, (0.6, 0.6), 0.0, np.random.default_rng(5))
    assert np.abs(np.rot90(fake, -1).astype(float) - straight).mean() < 0.5
    assert mask.max() > 0.95


def test_the_smaller_the_softer(face: np.ndarray) -> None:
    softness = []
    for size in (0.3, 0.6, 1.2):
        fake, mask = warp_hull(face, POINTS, (size, size), 0.0, np.random.default_rng(0))
        softness.append(sharpness(fake, mask > 0.99))
    assert softness == sorted(softness)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_forges_the_same(kind: str, face: np.ndarray) -> None:
    made = [
        forge(kind, face, BOX, POINTS, STRENGTH, np.random.default_rng(3))  # type: ignore[arg-type]
        for _ in range(2)
    ]
    assert made[0] is not None
    assert made[1] is not None
    for name in ("real", "fake", "mask"):
        assert np.array_equal(getattr(made[0], name), getattr(made[1], name))


def test_without_points_only_the_box_can_be_warped(face: np.ndarray) -> None:
    made = [forge(kind, face, BOX, None, STRENGTH, np.random.default_rng(0)) for kind in KINDS]
    assert [one is not None for one in made] == [kind == "warp-rectangle" for kind in KINDS]


places = st.lists(st.floats(-300, 500, width=32), min_size=10, max_size=10)


@settings(max_examples=60, deadline=None)
@given(
    places=places,
    box=st.tuples(*[st.floats(-300, 500, width=32)] * 4),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    seed=st.integers(0, 99),
    kind=st.sampled_from(KINDS),
)
def test_whatever_the_detector_says_the_promises_hold(
    places: list[float], box: tuple[float, ...], size: tuple[int, int], seed: int, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    made = forge(kind, image, box, np.reshape(places, (5, 2)), STRENGTH, rng)  # type: ignore[arg-type]
    if made is None:
        return
    assert made.real.shape == made.fake.shape == image.shape
    assert made.mask.shape == size
    assert made.mask.min() >= 0
    assert made.mask.max() <= 1 + 1e-6
    assert np.array_equal(made.real[made.mask == 0], made.fake[made.mask == 0])
    assert not np.array_equal(made.real, made.fake)
