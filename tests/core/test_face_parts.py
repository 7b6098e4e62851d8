"""Parts of faces as pictures to look at."""

import numpy as np
import torch

from deepfake_cli.core.face_parts import (
    MODALITIES,
    FaceParts,
    draw_parts,
    light_sphere,
    parts_of_each,
    to_display,
)
from deepfake_cli.models import illumination


def batch(count: int = 2, size: int = 16) -> list[np.ndarray]:
    """Random outputs of a renderer, in the shapes of its ONNX."""
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(count, 3, size, size))
    return [
        part.astype(np.float32)
        for part in (
            rng.uniform(0, 1, (count, 3, size, size)),
            normals / np.linalg.norm(normals, axis=1, keepdims=True),
            rng.uniform(0, 3, (count, 3, size, size)),
            rng.uniform(0, 1, (count, 1, size, size)),
            rng.normal(size=(count, 9, 3)),
        )
    ]


def even(size: int = 8, light: float = 1.0) -> FaceParts:
    """A flat white face in even light."""
    ones = np.ones((size, size, 3), np.float32)
    lighting = np.zeros((9, 3), np.float32)
    lighting[0] = light / 0.886227
    towards = np.broadcast_to(np.float32([0, 0, 1]), ones.shape)
    return FaceParts(ones, towards, light * ones, ones[..., 0], lighting)


def test_a_batch_becomes_the_parts_of_each_face() -> None:
    outputs = batch(3)
    faces = parts_of_each(*outputs)
    assert len(faces) == 3
    for i, face in enumerate(faces):
        assert np.array_equal(face.albedo, outputs[0][i].transpose(1, 2, 0))
        assert np.array_equal(face.normals[2, 5], outputs[1][i, :, 2, 5])
        assert np.array_equal(face.shading[2, 5], outputs[2][i, :, 2, 5])
        assert np.array_equal(face.shadow, outputs[3][i, 0])
        assert np.array_equal(face.lighting, outputs[4][i])
    assert parts_of_each(*batch(0)) == []


def test_every_part_is_a_picture_in_the_order_of_its_name() -> None:
    face = parts_of_each(*batch())[0]
    for side, expected in ((None, 16), (16, 16), (40, 40), (7, 7)):
        pictures = draw_parts(face, side)
        assert tuple(pictures) == MODALITIES
        assert {(picture.shape, picture.dtype) for picture in pictures.values()} == {
            ((expected, expected, 3), np.dtype(np.uint8))
        }


def test_what_the_values_look_like() -> None:
    pictures = draw_parts(even())
    assert np.all(pictures["albedo"] == 255)
    assert np.all(pictures["normals"] == [128, 128, 255])
    assert np.all(pictures["shading"] == round(255 * 0.5 ** (1 / 2.2)))
    assert np.all(pictures["shadow"] == 255)
    middle = pictures["lighting"][3:5, 3:5].astype(int)
    assert np.all(abs(middle - 255 * 0.5 ** (1 / 2.2)) <= 1)
    assert np.all(pictures["lighting"][0, 0] == 0)
    assert np.all(draw_parts(even(light=5))["shading"] == 255)


def test_the_sphere_and_the_gamma_are_those_of_training() -> None:
    steps = (torch.arange(33) + 0.5) * (2 / 33) - 1
    y, x = torch.meshgrid(-steps, steps, indexing="ij")
    depth = 1 - x * x - y * y
    normals = torch.stack((x, y, depth.clamp(min=0).sqrt()))[None]
    for lighting in batch()[4]:
        sphere = illumination.shade(normals, torch.from_numpy(lighting)[None])[0].clamp(min=0) * (depth > 0)
        np.testing.assert_allclose(light_sphere(lighting, 33), sphere.permute(1, 2, 0), atol=1e-5)
    light = np.linspace(0, 1, 100, dtype=np.float32)
    shown = illumination.to_display(torch.from_numpy(light)).numpy()
    np.testing.assert_allclose(to_display(light), shown, atol=1e-4)


def test_light_from_the_right_and_from_above_is_seen_there() -> None:
    lighting = np.zeros((9, 3), np.float32)
    lighting[0], lighting[3] = 0.5, 0.4
    sphere = light_sphere(lighting, 64)
    assert sphere[:, 48:60].mean() > 2 * sphere[:, 4:16].mean()
    lighting[3], lighting[1] = 0, 0.4
    sphere = light_sphere(lighting, 64)
    assert sphere[:32].mean() > 2 * sphere[32:].mean()
