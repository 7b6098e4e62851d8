"""Perceptual losses between maps, from piq by name.

Half of all true maps are black, and there most measures of piq have no finite gradient: roots of variances
and of gradient magnitudes that are 0. So all but the structural similarities see maps that are laid over a
faint fixed texture, and of pictures that are equal nothing is asked: their loss is 0. What has no gradient
on black as it is and would take many times the network's own time (VIF, DSS, FSIM, VSI, IW-SSIM) is not
offered, nor is MDSI: descending it from black ends in what is not a number.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from deepfake_cli.models._torchvision import import_torchvision

Perceptual = Literal["ssim", "ms-ssim", "gmsd", "ms-gmsd", "haarpsi"]
PERCEPTUALS: tuple[Perceptual, ...] = get_args(Perceptual)

_EQUAL = 1e-6  # largest difference of maps that count as equal
_TEXTURE = 0.1  # of white, the most that the texture adds
_ROOT = 1e-8  # keeps the slope of a root finite


def perceptual_loss(name: Perceptual, maps: Tensor, truth: Tensor) -> Tensor:
    """Tell how unlike two batches of maps are.

    Args:
        name: ``ssim`` is the paper's ``sqrt(1 - SSIM)``, Gaussian window of 11 and sigma 1.5; ``ms-ssim`` and
            ``haarpsi`` are 1 - similarity; ``gmsd`` and ``ms-gmsd`` are deviations, 0 for equal maps.
        maps: (N, 3, H, W) in [0, 1].
        truth: The same.

    Returns:
        (N,) 0 for equal maps, at most about 1; NaN where a map is.
    """
    if maps.isnan().any():  # which piq takes for a mistake of the caller's
        return maps.float().mean((1, 2, 3))
    return _LOSSES[name](maps.float(), truth.float())


def _ssim(maps: Tensor, truth: Tensor) -> Tensor:
    similarity: Tensor = _piq().ssim(maps, truth, data_range=1.0, reduction="none", downsample=False)
    return torch.sqrt(1 - similarity + _ROOT) - math.sqrt(_ROOT)


def _ms_ssim(maps: Tensor, truth: Tensor) -> Tensor:
    """Take the paper's window of 11, or the largest whose coarsest of five scales fits the maps."""
    largest = (min(maps.shape[-2:]) - 1) // 16 + 1
    kernel = min(11, largest - 1 + largest % 2)
    similarity: Tensor = _piq().multi_scale_ssim(
        maps, truth, data_range=1.0, reduction="none", kernel_size=kernel
    )
    return 1 - similarity


def _textured(name: str, similar: bool, maps: Tensor, truth: Tensor) -> Tensor:
    losses = maps.new_zeros(len(maps))
    differ = (maps - truth).abs().amax((1, 2, 3)) > _EQUAL
    if not differ.any():
        return losses + 0 * maps.sum((1, 2, 3))  # still a part of the graph
    texture = _texture(maps.shape[-2], maps.shape[-1]).to(maps.device)
    one, two = (texture + (1 - _TEXTURE) * x[differ] for x in (maps, truth))
    values: Tensor = getattr(_piq(), name)(one, two, data_range=1.0, reduction="none")
    return losses.index_put((differ,), 1 - values if similar else values)


_LOSSES: dict[Perceptual, Callable[[Tensor, Tensor], Tensor]] = {
    "ssim": _ssim,
    "ms-ssim": _ms_ssim,
    "gmsd": partial(_textured, "gmsd", False),
    "ms-gmsd": partial(_textured, "multi_scale_gmsd", False),
    "haarpsi": partial(_textured, "haarpsi", True),
}


@cache
def _texture(height: int, width: int) -> Tensor:
    """Draw the same faint noise every time: (1, 3, H, W)."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)) * _TEXTURE


def _piq() -> Any:
    import_torchvision()
    import piq

    return piq
