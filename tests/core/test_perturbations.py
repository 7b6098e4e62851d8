"""Damage to pictures is of the stated kind and strength, and never to the input."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from deepfake_cli.core import perturbations as perturb

Picture = np.ndarray
DAMAGE: dict[str, Callable[[Picture], Picture]] = {
    "jpeg": lambda image: perturb.jpeg(image, 40),
    "video_intra": lambda image: perturb.video_intra(image, 40),
    "rescale": lambda image: perturb.rescale(image, 0.5),
    "blur": lambda image: perturb.blur(image, 5),
    "sharpen": lambda image: perturb.sharpen(image, 0.8),
    "noise": lambda image: perturb.noise(image, 0.002, np.random.default_rng(0)),
    "tone": lambda image: perturb.tone(image, 1.2, 0.05, 1.1),
    "colour": lambda image: perturb.colour(image, 20, 1.3),
    "shift_channels": lambda image: perturb.shift_channels(image, np.array([10.0, -5.0, 3.0])),
    "grey": perturb.grey,
    "saturate": lambda image: perturb.saturate(image, 0.2),
    "cover": lambda image: perturb.cover(image, 16, np.random.default_rng(0)),
}


@pytest.fixture
def face(portrait: Picture) -> Picture:
    return np.ascontiguousarray(portrait[60:205, 160:291])  # odd on both sides


def distance(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(int) - b).mean())


def sharpness(image: Picture) -> float:
    return float(cv2.Laplacian(image, cv2.CV_64F).var())


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_keeps_size_and_input(kind: str, face: Picture) -> None:
    before = face.copy()
    damaged = DAMAGE[kind](face)
    assert damaged.shape == face.shape
    assert damaged.dtype == np.uint8
    assert np.array_equal(face, before)
    assert 0 < distance(damaged, face) < 40


@pytest.mark.parametrize("codec", [perturb.jpeg, perturb.video_intra])
def test_lower_quality_loses_more(codec: Callable[[Picture, int], Picture], face: Picture) -> None:
    losses = [distance(codec(face, quality), face) for quality in (95, 60, 25)]
    assert losses == sorted(losses)


def test_blur_and_scaling_soften_and_sharpening_sharpens(face: Picture) -> None:
    assert sharpness(perturb.blur(face, 7)) < sharpness(perturb.blur(face, 3)) < sharpness(face)
    assert sharpness(perturb.rescale(face, 0.3)) < sharpness(perturb.rescale(face, 0.8)) < sharpness(face)
    assert sharpness(perturb.sharpen(face, 1)) > sharpness(face)


def test_noise_has_the_stated_variance() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = perturb.noise(grey, 0.004, np.random.default_rng(1)) / 255
    assert noisy.var() == pytest.approx(0.004, rel=0.05)


def test_nothing_changes_by_nothing(face: Picture) -> None:
    assert np.array_equal(perturb.tone(face, 1, 0, 1), face)
    assert distance(perturb.colour(face, 0, 1), face) < 1.5  # hue is kept in steps of two degrees
    assert np.ptp(perturb.grey(face), axis=2).max() == 0


def test_without_saturation_a_picture_is_grey_and_with_all_of_it_the_same(face: Picture) -> None:
    assert distance(perturb.saturate(face, 0), perturb.grey(face)) < 0.01
    assert np.array_equal(perturb.saturate(face, 1), face)


def test_blocks_cover_what_they_lie_on_and_nothing_else(face: Picture) -> None:
    covered = perturb.cover(face, 10, np.random.default_rng(1))
    changed = (covered != face).any(axis=2)
    assert (covered[changed] == 128).all()
    assert 64 <= changed.sum() <= 640
    assert perturb.cover(face[:5, :6], 1, np.random.default_rng(2)).shape == (5, 6, 3)
