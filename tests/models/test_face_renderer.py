"""The inverse renderer: what it gives, whatever goes in, and that all of it can learn."""

import pytest
import torch
from torch import nn

from deepfake_cli.models.encoder_generator import EncoderUNet
from deepfake_cli.models.face_renderer import FaceRenderer, Rendered


@pytest.mark.parametrize(("width", "depth", "size"), [(4, 3, 32), (2, 2, 48)])
def test_faces_are_taken_apart_within_the_ranges_promised(width: int, depth: int, size: int) -> None:
    torch.manual_seed(0)
    renderer = FaceRenderer("test_efficientnet", width, depth)
    with torch.no_grad():
        for layer in (renderer.final, renderer.lamp):
            layer.weight.mul_(200)  # far from its tame beginning
    with torch.inference_mode():
        found = renderer(torch.rand(2, 3, size, size) * 2 - 1)
    assert isinstance(found, Rendered)
    assert found._fields == ("albedo", "normals", "shading", "shadow", "lighting")
    assert found.albedo.shape == found.normals.shape == found.shading.shape == (2, 3, size, size)
    assert found.shadow.shape == (2, 1, size, size)
    assert found.lighting.shape == (2, 9, 3)
    assert 0 <= float(found.albedo.min()) <= float(found.albedo.max()) <= 1
    assert 0 < float(found.shadow.min()) <= float(found.shadow.max()) <= 1
    assert float(found.shading.min()) > 0
    assert float(found.normals[:, 2].min()) > 0
    torch.testing.assert_close(found.normals.norm(dim=1), torch.ones(2, size, size))


def test_it_begins_with_even_white_light_on_a_flat_grey_face() -> None:
    torch.manual_seed(0)
    found = FaceRenderer("test_efficientnet", 4, 3).eval()(torch.rand(2, 3, 32, 32))
    assert (found.shading - 1).abs().max() < 0.3
    assert found.normals[:, 2].min() > 0.9
    assert found.shadow.min() > 0.9
    assert (found.albedo - 0.18).abs().max() < 0.1


def test_every_weight_learns() -> None:
    renderer = FaceRenderer("test_efficientnet", 4, 3)
    found = renderer(torch.rand(2, 3, 32, 32) * 2 - 1)
    (found.albedo * found.shading * found.shadow).sum().backward()
    assert [name for name, p in renderer.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ("architecture", "depth", "reason"),
    [
        ("test_efficientnet", 9, "has no 9 levels"),
        ("test_convnext", 2, r"divide the resolution by \[4, 8\]"),
        ("test_vit", 2, r"divide the resolution by \[16, 16\]"),
    ],
)
@pytest.mark.parametrize("network", [FaceRenderer, EncoderUNet])
def test_an_encoder_whose_levels_do_not_halve_is_refused(
    network: type[nn.Module], architecture: str, depth: int, reason: str
) -> None:
    with pytest.raises(RuntimeError, match=reason):
        network(architecture, 4, depth)
