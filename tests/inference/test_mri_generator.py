from pathlib import Path

import numpy as np
import pytest
from generators import contrast, contrast_onnx
from hub_models import brightness_onnx

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.mri_generator import BATCH, MriGenerator

HALF = [0.5, 0.5, 0.5]


def generator(tmp_path: Path, network: bytes, size: int = 64) -> MriGenerator:
    (tmp_path / "model.onnx").write_bytes(network)
    return MriGenerator(tmp_path / "model.onnx", size=size, mean=HALF, std=HALF)


def random_faces(count: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, BATCH, 2 * BATCH + 3])
def test_maps_are_what_the_network_paints_of_normalised_faces(tmp_path: Path, count: int) -> None:
    faces = random_faces(count)
    maps = generator(tmp_path, contrast_onnx()).paint(faces)
    assert (maps.shape, maps.dtype) == (faces.shape, np.float32)
    np.testing.assert_allclose(maps, contrast(faces), atol=1e-5)
    assert maps.min() >= 0
    assert maps.max() <= 1


def test_channels_and_places_stay_where_they_are(tmp_path: Path) -> None:
    face = np.zeros((1, 64, 64, 3), np.uint8)
    face[0, 3, 60, 2] = 255
    (map_,) = generator(tmp_path, contrast_onnx()).paint(face)
    assert np.argwhere(map_ > 0.5).tolist() == [[3, 60, 2]]


def test_no_faces_give_no_maps(tmp_path: Path) -> None:
    maps = generator(tmp_path, contrast_onnx()).paint(np.empty((0, 64, 64, 3), np.uint8))
    assert (maps.shape, maps.dtype) == ((0, 64, 64, 3), np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_faces_of_another_shape_or_type_are_refused(tmp_path: Path, dtype: type) -> None:
    shape = (1, 32, 32, 3) if dtype is np.uint8 else (1, 64, 64, 3)
    with pytest.raises(ValueError, match="uint8"):
        generator(tmp_path, contrast_onnx()).paint(np.zeros(shape, dtype))


@pytest.mark.parametrize(
    "network", [contrast_onnx(32), brightness_onnx(64), brightness_onnx(64, shape=[1, 3, 64, 64])]
)
def test_a_network_that_does_not_fit_its_config_is_refused(tmp_path: Path, network: bytes) -> None:
    with pytest.raises(ModelError, match=r"does not fit its config\.json"):
        generator(tmp_path, network)


@pytest.mark.parametrize("gain", [float("nan"), 40.0, -40.0])
def test_a_network_that_paints_no_map_is_an_error(tmp_path: Path, gain: float) -> None:
    with pytest.raises(ModelError, match="no map"):
        generator(tmp_path, contrast_onnx(gain=gain, clip=False)).paint(random_faces(1))
