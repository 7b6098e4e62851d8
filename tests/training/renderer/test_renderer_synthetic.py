"""Made-up heads: the same every time, lit as they say, and solid."""

import torch

from deepfake_cli.models.illumination import shade, solve_lighting, to_linear
from deepfake_cli.training.renderer.learner import displayed
from deepfake_cli.training.renderer.synthetic import render_heads


def test_heads_are_the_same_every_time() -> None:
    one, other = render_heads(3, 32, 5), render_heads(3, 32, 5)
    assert torch.equal(one.faces, other.faces)
    assert torch.equal(one.relit, other.relit)
    assert not torch.equal(one.faces, render_heads(3, 32, 6).faces)


def test_heads_are_what_they_say() -> None:
    heads = render_heads(6, 64, 0)
    assert heads.faces.shape == heads.relit.shape == (6, 64, 64, 3)
    torch.testing.assert_close(heads.normals.norm(dim=1), torch.ones(6, 64, 64))
    assert heads.normals[:, 2].min() > 0
    assert 0.5 < heads.known.mean() < 0.95
    assert 0 < heads.albedo.min() <= heads.albedo.max() < 1
    across, up = (heads.normals[:, axis : axis + 1] * heads.known for axis in (0, 1))
    assert (across[..., 56:].sum() > 10) & (across[..., :8].sum() < -10)  # the right looks right
    assert (up[..., :8, :].sum() > 10) & (up[..., 56:, :].sum() < -10)  # the top looks up


def test_pictures_are_paint_times_light() -> None:
    heads = render_heads(6, 64, 0)
    light = to_linear(displayed(heads.faces))
    seen = ((light > 0.02) & (light < 0.98)).all(1, keepdim=True)
    albedo, all_of_it = heads.albedo * seen, torch.ones_like(heads.known)
    shading = shade(heads.normals, solve_lighting(light * seen, albedo, heads.normals, all_of_it))
    missed = ((light - albedo * shading).abs() * seen).mean((1, 2, 3))
    assert (missed < 0.002).sum() >= 2  # about half of them are without a shadow
    for faces in (heads.faces, heads.relit):
        brightness = to_linear(displayed(faces)).mean((1, 2, 3))
        assert ((brightness > 0.15) & (brightness < 0.25)).all()
    assert (displayed(heads.faces) - displayed(heads.relit)).abs().mean() > 0.02
