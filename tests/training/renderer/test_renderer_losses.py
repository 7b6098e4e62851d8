"""What a renderer learns by: every loss is 0 where it should be, and prefers the right explanation."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from deepfake_cli.models.illumination import shade
from deepfake_cli.training.renderer import losses as by
from deepfake_cli.training.renderer.relighting import draw_lightings, relight

MIRRORED = torch.tensor([1, 1, 1, -1, -1, 1, 1, -1, 1.0]).reshape(9, 1)  # x is in L11, L2-2 and L21


def bumpy(count: int = 2, size: int = 16) -> Tensor:
    torch.manual_seed(0)
    slopes = torch.nn.functional.interpolate(torch.randn(count, 2, 4, 4), size=size, mode="bilinear")
    return normalize(torch.cat((slopes, torch.ones(count, 1, size, size)), 1))


def lightings(count: int = 2, seed: int = 0) -> Tensor:
    return draw_lightings(count, np.random.default_rng(seed))


def test_what_rebuilds_the_picture_costs_nothing() -> None:
    albedo, shading, shadow = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8)
    image = albedo * shading * shadow
    assert by.reconstruction_loss(albedo, shading, shadow, image) == 0
    assert by.reconstruction_loss(albedo, shading, shadow, 2 * image) > 0.3
    dark = by.reconstruction_loss(albedo / 4, shading, shadow, image / 2)
    torch.testing.assert_close(dark, by.reconstruction_loss(albedo / 2, shading, shadow, image))


def test_an_edge_of_brightness_alone_is_no_paint() -> None:
    left = torch.tensor([0.6, 0.4, 0.2]).reshape(1, 3, 1, 1).expand(1, 3, 16, 8)
    darker = torch.cat((left, left / 2), 3)
    redder = torch.cat((left, left * torch.tensor([1.0, 0.4, 0.2]).reshape(1, 3, 1, 1)), 3)
    assert by.albedo_smoothness(darker, darker) > 4 * by.albedo_smoothness(redder, redder)
    assert by.albedo_smoothness(torch.full_like(darker, 0.5), darker) == 0


def test_light_is_smooth_and_shadows_are_few() -> None:
    ramp = torch.linspace(0.5, 1.5, 16).expand(1, 3, 16, 16)
    lit = torch.ones(1, 1, 16, 16)
    assert by.light_smoothness(ramp, lit) < 1e-6
    assert by.light_smoothness(ramp + 0.2 * torch.rand(1, 3, 16, 16), lit) > 0.05
    half = torch.cat((lit[..., :8], 0.4 * lit[..., 8:]), 3)
    assert 0.03 < by.light_smoothness(ramp, half) < by.light_smoothness(ramp, lit * torch.rand(1, 1, 16, 16))


def test_light_is_white_and_one_on_average() -> None:
    ramp = torch.linspace(0.5, 1.5, 16).expand(2, 3, 16, 16)
    assert by.white_loss(ramp) < 1e-6
    assert by.white_loss(ramp * 2) > 0.5
    assert by.white_loss(ramp * torch.tensor([1.3, 1, 0.7]).reshape(1, 3, 1, 1)) > 0.03


def test_only_known_normals_teach() -> None:
    normals = bumpy()
    known = torch.zeros(2, 1, 16, 16)
    known[..., :8] = 1
    other = normals.clone()
    other[..., 8:] = torch.tensor([1.0, 0, 0]).reshape(3, 1, 1)
    assert by.normals_loss(other, normals, known) < 1e-6
    assert by.normals_loss(other, normals, 1 - known) > 0.1
    assert by.normals_loss(other, normals, torch.zeros_like(known)) == 0


def test_a_mirror_turns_normals_and_light() -> None:
    normals, lighting = bumpy(), lightings()
    mirrored = by.mirror_normals(normals)
    torch.testing.assert_close(shade(mirrored, lighting * MIRRORED), by.mirror(shade(normals, lighting)))
    assert by.mirrored_loss(normals, lighting, mirrored, lighting * MIRRORED) < 1e-6
    assert by.mirrored_loss(normals, lighting, by.mirror(normals), lighting * MIRRORED) > 0.01
    assert by.mirrored_loss(normals, lighting, mirrored, lighting) > 0.01


def test_lightings_are_whitish_positive_and_repeatable() -> None:
    drawn = lightings(50)
    assert torch.equal(drawn, lightings(50))
    angles = torch.linspace(0, 2 * torch.pi, 60)
    front = torch.stack((0.6 * angles.cos(), 0.6 * angles.sin(), torch.full_like(angles, 0.8)))
    light = shade(front[None, :, :, None].expand(50, 3, 60, 1), drawn)
    assert light.min() > 0
    assert 0.7 < light.mean() < 1.4
    tint = light.mean((2, 3))
    assert ((tint.max(1).values / tint.min(1).values) < 2).all()
    assert light.std(2).mean() > 0.1


def test_a_face_relit_keeps_its_paint() -> None:
    normals, before, after = bumpy(), lightings(), lightings(seed=1)
    albedo = torch.rand(2, 3, 16, 16) * 0.2
    image = albedo * shade(normals, before)
    torch.testing.assert_close(relight(image, normals, before, before), image)
    relit = relight(image, normals, before, after)
    paint = relit / shade(normals, after)
    ratio = paint / albedo
    torch.testing.assert_close(ratio, ratio.mean((1, 2, 3), keepdim=True).expand_as(ratio), rtol=1e-3, atol=0)
    torch.testing.assert_close(relit.mean((1, 2, 3)), image.mean((1, 2, 3)))
    assert (relit - image).abs().mean() > 0.01 * image.mean()
    assert relight(image * 5, normals, before, after).max() <= 1
