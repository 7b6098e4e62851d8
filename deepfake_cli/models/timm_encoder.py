"""Encoders of timm that end early, and the levels that lead from them back to full resolution."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ._torchvision import import_torchvision


def build_encoder(architecture: str, depth: int) -> Any:
    """Build an untrained encoder without the levels behind the deepest one that is asked for.

    Args:
        architecture: Its timm name.
        depth: Levels, each of which halves the resolution; a few architectures begin with a quarter.

    Returns:
        A module that maps (N, 3, S, S) to a list of features, (N, C, S / 2, S / 2) to (N, C, S / 2^depth,
        S / 2^depth); its ``feature_info.channels()`` are their C.

    Raises:
        RuntimeError: timm knows no such model, or cannot take it apart into so many levels.
    """
    import_torchvision()
    import timm

    try:
        encoder: Any = timm.create_model(
            architecture, pretrained=False, features_only=True, out_indices=tuple(range(depth))
        )
        deepest: str = encoder.feature_info.info[depth - 1]["module"]
    except (AssertionError, IndexError) as error:
        raise RuntimeError(f"{architecture} has no {depth} levels") from error
    # timm keeps the blocks behind the deepest level in encoders of its EfficientNet family.
    container, _, last = deepest.partition(".")
    if last.isdecimal():
        blocks = encoder.get_submodule(container)
        setattr(encoder, container, blocks[: int(last) + 1])
    return encoder


class Up(nn.Module):
    """Join what comes from within with the skip of the level."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
        )

    def forward(self, inner: Tensor, skip: Tensor) -> Tensor:
        """Map (N, B, H, W) and (N, C, H, W), together as many channels as ``before``, to (N, A, H, W)."""
        joined: Tensor = self.model(torch.cat((inner, skip), 1))
        return joined


def doubled(x: Tensor) -> Tensor:
    """Repeat every pixel: (N, C, H, W) to (N, C, 2 H, 2 W)."""
    return interpolate(x, scale_factor=2.0, mode="nearest")
