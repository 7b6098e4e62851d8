"""Pairs of faces: aligned or not, changed or not."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepfake_cli.core.likeness import likeness
from deepfake_cli.core.perturbations import jpeg, tone, video_intra
from deepfake_cli.core.warping import warp_hull
from deepfake_cli.profile import load_profile

POINTS = np.array([(205.0, 112.0), (246.0, 108.0), (228.0, 132.0), (212.0, 152.0), (248.0, 149.0)])
LEFT, TOP = 160, 55  # of the face's crop in the portrait
LIMITS = load_profile().mri


def crop(portrait: np.ndarray, right: float = 0, down: float = 0, scale: float = 1) -> np.ndarray:
    """Cut the face, 256 x 256, shifted in pixels of the result."""
    zoom = 2 * scale
    matrix = np.array([[zoom, 0, 128 - zoom * 224 + right], [0, zoom, 128 - zoom * 119 + down]], np.float64)
    return np.asarray(cv2.warpAffine(portrait, matrix, (256, 256)), np.uint8)


@pytest.fixture(scope="module")
def fake(portrait: np.ndarray) -> np.ndarray:
    """The face of `crop`, forged."""
    return warp_hull(
        crop(portrait), (POINTS - (224, 119)) * 2 + 128, (0.3, 0.3), 0.2, np.random.default_rng(0)
    )[0]


def test_a_forged_face_is_aligned_and_changed(portrait: np.ndarray, fake: np.ndarray) -> None:
    found = likeness(crop(portrait), fake)
    assert found.shift == 0
    assert found.around > 0.95
    assert found.inside < LIMITS.inside


@pytest.mark.parametrize("degrees", range(0, 360, 45))
@pytest.mark.parametrize("pixels", [4, 6, 10])
def test_a_shift_is_found_and_measured(
    portrait: np.ndarray, fake: np.ndarray, pixels: int, degrees: int
) -> None:
    right, down = pixels * np.cos(np.radians(degrees)), pixels * np.sin(np.radians(degrees))
    found = likeness(crop(portrait, right, down), fake)
    assert found.shift * 256 == pytest.approx(pixels, abs=1)
    assert found.shift > LIMITS.shift


def test_another_scale_is_no_alignment(portrait: np.ndarray, fake: np.ndarray) -> None:
    for scale in (0.9, 1.1):
        found = likeness(crop(portrait, scale=scale), fake)
        assert found.shift > LIMITS.shift or found.around < LIMITS.around


def test_other_pictures_have_nothing_in_common(portrait: np.ndarray, fake: np.ndarray) -> None:
    for other in (np.ascontiguousarray(crop(portrait)[:, ::-1]), np.ascontiguousarray(portrait[256:, 256:])):
        found = likeness(other, fake)
        assert found.shift > LIMITS.shift or found.around < LIMITS.around


def test_compression_and_light_change_nothing(portrait: np.ndarray) -> None:
    face = crop(portrait)
    for other in (jpeg(face, 50), video_intra(face, 50), tone(face, 1.05, 0.03), face):
        found = likeness(face, other)
        assert found.shift == 0
        assert found.around > 0.9
        assert found.inside > LIMITS.inside


def test_sizes_may_differ(portrait: np.ndarray, fake: np.ndarray) -> None:
    small = cv2.resize(fake, (120, 130), interpolation=cv2.INTER_AREA)
    one, other = likeness(crop(portrait), fake), likeness(crop(portrait), small)
    assert other.shift <= LIMITS.shift
    assert other.around == pytest.approx(one.around, abs=0.1)


def test_before_a_plain_wall_the_whole_pictures_count(portrait: np.ndarray) -> None:
    inside = np.hypot(*(np.mgrid[:256, :256] - 127.5)) < 100
    wall = np.full((256, 256, 3), 190, np.uint8)
    here, there = (np.where(inside[..., None], crop(portrait, right), wall) for right in (0, 9))
    assert likeness(here, here).around == pytest.approx(1, abs=1e-5)
    assert likeness(here, there).around < likeness(here, here).around - 0.2
    assert likeness(wall, wall - 30).around == 1
    assert likeness(wall, here).around == 0


@settings(max_examples=40, deadline=None)
@given(data=st.data(), height=st.integers(1, 30), width=st.integers(1, 30))
def test_any_two_pictures_can_be_compared(data: st.DataObject, height: int, width: int) -> None:
    one, two = (data.draw(arrays(np.uint8, (height, width, 3))) for _ in range(2))
    found, same = likeness(one, two), likeness(one, one)
    assert 0 <= found.shift < 0.09
    assert -1 <= found.around <= 1
    assert -1 <= found.inside <= 1
    assert same.shift == 0
    assert same.around == pytest.approx(1, abs=1e-3)
    assert same.inside == pytest.approx(1, abs=1e-5)
