"""What faces go through: of the right shape, and the same for the same state."""

from typing import get_args

import numpy as np
import pytest

from deepfake_cli.settings import TreatmentKind
from deepfake_cli.training.treatments import treat

KINDS = get_args(TreatmentKind)
BOX = (150.0, 50.0, 300.0, 210.0)


def treated(kind: TreatmentKind, picture: np.ndarray, seed: int) -> np.ndarray:
    return treat(kind, picture, BOX, 96, 1.1, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_state_treats_alike(kind: TreatmentKind, portrait: np.ndarray) -> None:
    before = portrait.copy()
    face = treated(kind, portrait, 3)
    assert face.shape == (96, 96, 3)
    assert face.dtype == np.uint8
    assert face.flags.c_contiguous
    assert np.array_equal(face, treated(kind, portrait, 3))
    assert np.array_equal(portrait, before)


@pytest.mark.parametrize("kind", KINDS)
def test_treatments_change_faces_and_keep_them_faces(kind: TreatmentKind, portrait: np.ndarray) -> None:
    plain = treated("none", portrait, 0)
    faces = [treated(kind, portrait, seed) for seed in range(24)]
    different = {face.tobytes() for face in faces}
    assert len(different) == {"none": 1, "mirror": 2}.get(kind, len(different))
    assert len(different) > (12 if kind not in ("none", "mirror", "mri-gan-simple") else 0)
    mean = np.mean([face.mean((0, 1)) for face in faces], axis=0)
    assert np.abs(mean - plain.mean((0, 1))).max() < 40


def test_simple_augmentation_erases_some_and_leaves_the_others(portrait: np.ndarray) -> None:
    plain = treated("none", portrait, 0)
    untouched = sum(np.array_equal(plain, treated("mri-gan-simple", portrait, seed)) for seed in range(60))
    assert untouched / 60 == pytest.approx(0.7, abs=0.15)


def test_drawing_leaves_the_global_generator_alone(portrait: np.ndarray) -> None:
    import torch

    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    treated("dessa", portrait, 0)
    assert torch.equal(torch.rand(3), expected)
