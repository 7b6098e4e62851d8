"""Dissimilarity maps: against reference implementations, and what every map promises."""

from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.color import deltaE_cie76, rgb2lab
from skimage.metrics import structural_similarity

from deepfake_cli.core.mri import METRICS, dissimilarity
from deepfake_cli.core.perturbations import blur, jpeg, noise, shift_channels
from deepfake_cli.settings import MapKind

pictures = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))


@pytest.fixture(scope="module")
def face(portrait: np.ndarray) -> np.ndarray:
    return cv2.resize(portrait[40:220, 140:320], (256, 256), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def changed(face: np.ndarray) -> np.ndarray:
    damaged = noise(blur(shift_channels(face, np.array([12.0, -7, 3])), 5), 4e-4, np.random.default_rng(0))
    return np.where((np.arange(256) < 150)[None, :, None], damaged, face)


def reference_ssim(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Make the paper's MRI with the library that its authors used."""
    _, similar = structural_similarity(
        one, two, full=True, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2
    )
    return np.clip(1 - similar, 0, 1)


def test_the_profile_offers_what_there_is() -> None:
    assert get_args(MapKind) == METRICS


def test_ssim_is_that_of_the_paper(face: np.ndarray, changed: np.ndarray) -> None:
    for one, two in ((face, changed), (face, 255 - face), (face, jpeg(face, 60)), (face, face * 0)):
        assert np.abs(dissimilarity(one, two, "ssim") - reference_ssim(one, two)).max() < 1e-6


@settings(max_examples=50, deadline=None)
@given(data=st.data(), shape=array_shapes(min_dims=2, max_dims=2, min_side=11, max_side=50))
def test_ssim_is_that_of_the_paper_for_any_picture(data: st.DataObject, shape: tuple[int, int]) -> None:
    one, two = (data.draw(arrays(np.uint8, (*shape, 3))) for _ in range(2))
    assert np.abs(dissimilarity(one, two, "ssim") - reference_ssim(one, two)).max() < 1e-6


def test_multiple_scales_see_coarse_changes_that_one_misses(face: np.ndarray) -> None:
    shade = 40 * np.sin(np.linspace(0, np.pi, 256))[:, None, None]  # slow: a window of 11 px hardly sees it
    shaded = np.clip(face * 0.7 + shade, 0, 255).astype(np.uint8)
    grain = noise(face, 2e-4, np.random.default_rng(0))
    coarse, fine = (
        dissimilarity(face, other, "ms-ssim").mean() / dissimilarity(face, other, "ssim").mean()
        for other in (shaded, grain)
    )
    assert coarse > 2 * fine


def test_gradients_are_those_of_gmsd(face: np.ndarray, changed: np.ndarray) -> None:
    """At the centres of the 2 x 2 means the enlarged map is a known blend of the paper's."""
    maps = []
    for picture in (face, changed):
        grey = picture @ np.array([0.299, 0.587, 0.114])
        small = np.rint(grey).reshape(128, 2, 128, 2).mean(axis=(1, 3))
        maps.append(np.hypot(*(ndimage.prewitt(small, axis, mode="reflect") / 3 for axis in (0, 1))))
    one, two = maps
    expected = 1 - (2 * one * two + 170) / (one**2 + two**2 + 170)
    found = dissimilarity(face, changed, "gms")[..., 0]
    enlarged = cv2.resize(expected, (256, 256), interpolation=cv2.INTER_LINEAR)
    assert np.abs(found - enlarged).max() < 0.02  # grey values are rounded differently here and there
    assert np.abs(found - enlarged).mean() < 1e-3


def test_colours_are_compared_in_lab(face: np.ndarray, changed: np.ndarray) -> None:
    expected = deltaE_cie76(rgb2lab(face), rgb2lab(changed)) / 100
    found = dissimilarity(face, changed, "colour")
    assert np.abs(found - expected[..., None]).max() < 0.01
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert dissimilarity(black, white, "colour") == pytest.approx(1, abs=1e-3)


def test_absolute_differences_are_fractions_of_white() -> None:
    one, two = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), (51, 0, 255), np.uint8)
    assert dissimilarity(one, two, "absolute")[0, 0] == pytest.approx([0.2, 0, 1])


@pytest.mark.parametrize("metric", METRICS)
def test_maps_show_where_it_was_changed(metric: str, face: np.ndarray, changed: np.ndarray) -> None:
    found = dissimilarity(face, changed, metric)  # type: ignore[arg-type]
    assert metric == "ms-ssim" or not found[:, 160:].any()  # the coarsest scale of that one sees far
    assert found[:, :140].mean() > 5 * found[:, 170:].mean()


@pytest.mark.parametrize("metric", METRICS)
def test_equal_pictures_have_a_black_map(metric: str, face: np.ndarray) -> None:
    assert not dissimilarity(face, face.copy(), metric).any()  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), one=pictures, metric=st.sampled_from(METRICS))
def test_maps_keep_their_promises(data: st.DataObject, one: np.ndarray, metric: str) -> None:
    two = data.draw(arrays(np.uint8, one.shape))
    before = one.copy(), two.copy()
    found = dissimilarity(one, two, metric)  # type: ignore[arg-type]
    assert found.shape == one.shape
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.array_equal(found, dissimilarity(two, one, metric))  # type: ignore[arg-type]
    assert not dissimilarity(one, one, metric).any()  # type: ignore[arg-type]
    assert np.array_equal(one, before[0])
    assert np.array_equal(two, before[1])


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 8), (8, 8, 4), (0, 8, 3)])
def test_only_pictures_of_one_size_are_compared(shape: tuple[int, ...]) -> None:
    other = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="not two RGB pictures"):
        dissimilarity(np.zeros((8, 8, 3), np.uint8) if shape == (8, 9, 3) else other, other, "ssim")
