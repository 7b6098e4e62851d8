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
    # timm keeps the blocks behind the deepest level in encoders of its EfficientNet family; others, which it
    # takes apart itself, have no such part.
    container, _, last = deepest.partition(".")
    if last.isdecimal() and hasattr(encoder, container):
        blocks = encoder.get_submodule(container)
        setattr(encoder, container, blocks[: int(last) + 1])
    return encoder


def build_halving_encoder(architecture: str, depth: int) -> Any:
    """Build an encoder as ``build_encoder`` does, for what joins its levels with others twice as large.

    Raises:
        RuntimeError: timm has no such encoder, or its levels do not halve the resolution one by one.
    """
    encoder = build_encoder(architecture, depth)
    strides: list[int] = encoder.feature_info.reduction()
    if strides != [2**level for level in range(1, depth + 1)]:
        raise RuntimeError(f"the levels of {architecture} divide the resolution by {strides}")
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
