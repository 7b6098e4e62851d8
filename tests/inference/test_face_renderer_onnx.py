"""Taking faces apart in ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest
from generators import contrast_onnx
from renderers import EVEN, renderer_onnx, write_renderer

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.face_renderer import BATCH, Renderer
from deepfake_cli.io.model_folder import load_renderer_folder

HALF = [0.5, 0.5, 0.5]


def random_faces(count: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 3])
def test_parts_are_those_of_their_face(tmp_path: Path, count: int) -> None:
    renderer = Renderer.of(load_renderer_folder(write_renderer(tmp_path / "flat", shading=0.7)))
    faces = random_faces(count)
    parts = renderer.take_apart(faces)
    assert len(parts) == count
    for face, one in zip(faces, parts, strict=True):
        np.testing.assert_allclose(one.albedo, face / 255, atol=1e-5)
        np.testing.assert_allclose(one.shadow, face.mean(2) / 255, atol=1e-5)
        np.testing.assert_allclose(one.lighting[0], face.mean((0, 1)) / 255 * EVEN, atol=1e-4)
        assert np.all(one.normals == [0, 0, 1])
        assert np.all(one.shading == np.float32(0.7))
        assert {part.dtype for part in (one.albedo, one.shadow, one.lighting)} == {np.dtype(np.float32)}
        assert one.lighting.shape == (9, 3)


@pytest.mark.parametrize("network", [renderer_onnx(32), contrast_onnx(64)])
def test_a_network_that_does_not_fit_its_config_is_refused(tmp_path: Path, network: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(network)
    with pytest.raises(ModelError, match=r"does not fit its config\.json"):
        Renderer(tmp_path / "model.onnx", size=64, mean=HALF, std=HALF)


@pytest.mark.parametrize(
    ("shading", "paint", "what"),
    [(1.0, 3.0, "albedo beyond"), (1.0, float("nan"), "albedo beyond"), (float("inf"), 0.5, "shading that")],
)
def test_answers_that_no_face_is_made_of_are_an_error(
    tmp_path: Path, shading: float, paint: float, what: str
) -> None:
    renderer = Renderer.of(load_renderer_folder(write_renderer(tmp_path / "odd", 64, shading, paint)))
    with pytest.raises(ModelError, match=what):
        renderer.take_apart(random_faces(1))
