"""Made-up heads: the same every time, lit as they say, and solid."""

import torch

from deepfake_cli.models.illumination import to_linear
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
    shadow = light / (heads.albedo * heads.shading).clamp(min=1e-3)  # times exposure
    unlit = ((light > 0.02) & (light < 0.98) & (heads.albedo > 0.05)).all(1)
    for one, where in zip(shadow, unlit, strict=True):
        colours = one[:, where]
        assert (colours.max(0).values / colours.min(0).values).median() < 1.1  # a shadow has no colour
    for faces in (heads.faces, heads.relit):
        brightness = to_linear(displayed(faces)).mean((1, 2, 3))
        assert ((brightness > 0.15) & (brightness < 0.25)).all()
    assert (displayed(heads.faces) - displayed(heads.relit)).abs().mean() > 0.02
