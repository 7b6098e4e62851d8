"""Perceptual losses where maps are black, as half of all true ones are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepfake_cli.training.gan.perceptual import PERCEPTUALS, Perceptual, perceptual_loss

SIDE = 64
BLACK = torch.zeros(2, 3, SIDE, SIDE)
NOISE = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
SPOT = BLACK.clone()
SPOT[..., 20:40, 20:40] = 0.4


def slope(name: Perceptual, maps: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    maps = maps.clone().requires_grad_(True)
    losses = perceptual_loss(name, maps, truth)
    (gradient,) = torch.autograd.grad(losses.sum(), maps)
    return losses.detach(), gradient


@pytest.mark.parametrize("name", PERCEPTUALS)
def test_black_for_black_is_right_and_has_a_finite_slope(name: Perceptual) -> None:
    for maps in (BLACK, SPOT, NOISE):
        losses, gradient = slope(name, maps, maps.clone())
        assert losses.abs().max() < 1e-4
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", PERCEPTUALS)
@pytest.mark.parametrize(
    "shown", [SPOT, NOISE, BLACK + 0.01, BLACK + 1], ids=["spot", "noise", "faint", "white"]
)
def test_black_has_a_slope_towards_anything_and_back(name: Perceptual, shown: Tensor) -> None:
    for maps, truth in ((BLACK, shown), (shown, BLACK)):
        losses, gradient = slope(name, maps, truth)
        assert (losses > 0).all()
        assert torch.isfinite(losses).all()
        assert torch.isfinite(gradient).all()
        assert (gradient.abs().amax((1, 2, 3)) > 0).all()


@pytest.mark.parametrize("name", PERCEPTUALS)
def test_descending_leads_from_black_to_the_spot(name: Perceptual) -> None:
    """What the slope is for: following it, a map comes to look like the true one."""
    maps = (BLACK + 0.05).requires_grad_(True)
    optimizer = torch.optim.Adam([maps], 0.02)
    before = perceptual_loss(name, maps.detach(), SPOT).mean().item()
    for _ in range(40):
        optimizer.zero_grad()
        perceptual_loss(name, maps.clamp(0, 1), SPOT).sum().backward()
        optimizer.step()
    assert perceptual_loss(name, maps.detach().clamp(0, 1), SPOT).mean().item() < 0.7 * before


@pytest.mark.parametrize("name", PERCEPTUALS)
def test_samples_do_not_touch_each_other(name: Perceptual) -> None:
    maps, truth = torch.cat((SPOT, NOISE)), torch.cat((BLACK, SPOT))
    together = perceptual_loss(name, maps, truth)
    alone = torch.cat([perceptual_loss(name, maps[i : i + 1], truth[i : i + 1]) for i in range(4)])
    assert together.tolist() == pytest.approx(alone.tolist(), abs=1e-5)


def test_the_papers_loss_is_the_root_of_dissimilarity() -> None:
    from deepfake_cli.models._torchvision import import_torchvision

    import_torchvision()
    import piq

    expected = (1 - piq.ssim(SPOT, NOISE, data_range=1.0, reduction="none", downsample=False)).sqrt()
    assert perceptual_loss("ssim", SPOT, NOISE).tolist() == pytest.approx(expected.tolist(), abs=2e-4)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(PERCEPTUALS),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([32, 33, 80, 128]),
    st.integers(0, 1000),
)
def test_no_map_gives_anything_but_numbers(
    name: Perceptual, low: float, high: float, side: int, seed: int
) -> None:
    if name in ("ms-ssim", "ms-gmsd") and side < 64:
        side = 64  # five scales need room
    noise = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(seed))
    maps, truth = low + (1 - low) * noise[:1] * high, (noise[1:] > 0.99).float() * high
    losses, gradient = slope(name, maps, truth)
    assert torch.isfinite(losses).all()
    assert torch.isfinite(gradient).all()
