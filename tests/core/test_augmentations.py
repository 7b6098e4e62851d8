from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.core import augmentations as change

Image = np.ndarray
SAME_SIZE: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "gaussian": lambda image, rng: change.gaussian(image, 0.01, rng),
    "speckle": lambda image, rng: change.speckle(image, 0.01, rng),
    "salt": lambda image, rng: change.salt(image, 0.05, rng),
    "pepper": lambda image, rng: change.pepper(image, 0.05, rng),
    "salt and pepper": lambda image, rng: change.salt_and_pepper(image, 0.05, rng),
    "poisson": lambda image, rng: change.poisson(image, 256, rng),
    "local variance": lambda image, rng: change.local_variance(
        image, change.variance_map(*image.shape[:2], 0.01, rng), rng
    ),
    "blur": lambda image, rng: change.blur(image, 8),
    "contrast": lambda image, rng: change.contrast(image, 20),
    "brightness": lambda image, rng: change.brightness(image, -20),
    "rotate": lambda image, rng: change.rotate(image, 15),
    "flip": lambda image, rng: change.flip(image),
}
GREY = np.full((200, 300, 3), 128, np.uint8)


def noise_of(image: Image, plain: Image = GREY) -> np.ndarray:
    return (image.astype(float) - plain) / 255


@pytest.mark.parametrize("name", SAME_SIZE)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_same_seed_same_picture_of_the_same_size(name: str, height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = image.copy()
    first, second = (SAME_SIZE[name](image, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert np.array_equal(image, before)  # the input is left alone


@pytest.mark.parametrize("name", SAME_SIZE)
def test_every_kind_changes_the_picture(name: str, portrait: Image) -> None:
    assert np.abs(SAME_SIZE[name](portrait, np.random.default_rng(0)).astype(int) - portrait).mean() > 0.5


def test_noise_has_the_variance_asked_for() -> None:
    rng = np.random.default_rng(0)
    assert noise_of(change.gaussian(GREY, 0.01, rng)).var() == pytest.approx(0.01, rel=0.05)
    # Of a factor of variance 0.01 on a value of 128 / 255; of Poisson, the mean is the variance.
    assert noise_of(change.speckle(GREY, 0.01, rng)).var() == pytest.approx(0.01 * (128 / 255) ** 2, rel=0.05)
    assert noise_of(change.poisson(GREY, 256, rng)).var() == pytest.approx(128 / 255 / 256, rel=0.1)


@pytest.mark.parametrize("noise", [change.gaussian, change.speckle, change.poisson])
def test_noise_keeps_the_mean(noise: Callable[..., Image]) -> None:
    strength = 256 if noise is change.poisson else 0.01
    assert abs(noise_of(noise(GREY, strength, np.random.default_rng(0))).mean()) < 0.002


def test_local_variance_differs_from_place_to_place() -> None:
    variances = np.zeros((200, 300), np.float32)
    variances[:, 150:] = 0.02
    noise = noise_of(change.local_variance(GREY, variances, np.random.default_rng(0)))
    assert not noise[:, :150].any()
    assert noise[:, 150:].var() == pytest.approx(0.02, rel=0.05)
    drawn = change.variance_map(200, 300, 0.01, np.random.default_rng(0))
    assert 0 <= drawn.min() < 0.005
    assert 0.015 < drawn.max() <= 0.02


def test_salt_and_pepper_hit_the_share_asked_for_and_whole_pixels() -> None:
    rng = np.random.default_rng(0)
    for noise, white, black in (
        (change.salt, 0.05, 0),
        (change.pepper, 0, 0.05),
        (change.salt_and_pepper, 0.025, 0.025),
    ):
        image = noise(GREY, 0.05, rng)
        assert (image == 255).all(-1).mean() == pytest.approx(white, abs=0.004)
        assert (image == 0).all(-1).mean() == pytest.approx(black, abs=0.004)
        assert set(np.unique(image)) <= {0, 128, 255}


def test_contrast_turns_about_mid_grey() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    for amount, slope in ((-20, 0.7311), (0, 1.0), (20, 1.3664)):
        image = change.contrast(ramp, amount)[0, :, 0].astype(float)
        assert image[127] == 127
        assert (image[147] - image[107]) / 40 == pytest.approx(slope, abs=0.02)
    assert np.unique(change.contrast(ramp, -127)).tolist() == [127]


def test_brightness_moves_one_end() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    brighter, darker = change.brightness(ramp, 20)[0, :, 0], change.brightness(ramp, -20)[0, :, 0]
    assert (brighter[0], brighter[255]) == (20, 255)
    assert (darker[0], darker[255]) == (0, 235)
    assert np.array_equal(change.brightness(ramp, 0), ramp)


def test_blur_takes_means_over_even_squares_too() -> None:
    image = np.zeros((21, 21, 3), np.uint8)
    image[10, 10] = 255
    blurred = change.blur(image, 8)
    assert (blurred > 0).all(-1).sum() == 64
    assert blurred.max() == round(255 / 64)


def test_rotation_is_counter_clockwise_about_the_middle() -> None:
    image = np.zeros((101, 101, 3), np.uint8)
    image[50, 90] = image[50, 50] = 255
    turned = change.rotate(image, 90)
    assert turned[10, 50].min() == 255
    assert turned[50, 50].min() == 255
    assert not change.rotate(np.full((100, 100, 3), 255, np.uint8), 15)[0, 0].any()  # black corners


def test_rescaling_turns_the_size_for_upright_pictures() -> None:
    assert change.rescale(np.zeros((360, 640, 3), np.uint8), 800, 600).shape == (600, 800, 3)
    assert change.rescale(np.zeros((640, 360, 3), np.uint8), 800, 600).shape == (800, 600, 3)
    assert change.rescale(np.zeros((2160, 3840, 3), np.uint8), 1280, 720).shape == (720, 1280, 3)


def test_flipping_twice_changes_nothing(portrait: Image) -> None:
    assert np.array_equal(change.flip(portrait), portrait[:, ::-1])
    assert np.array_equal(change.flip(change.flip(portrait)), portrait)
