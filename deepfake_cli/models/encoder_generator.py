"""A generator whose contracting half is a classifier's encoder: it can start from trained features."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ._torchvision import import_torchvision

_DARK = -1.5  # half of all true maps are black: an untrained network begins near them


class EncoderUNet(nn.Module):
    """A U-Net around a timm encoder: what the encoder sees at every level is a skip.

    Args:
        architecture: The encoder's timm name.
        width: Channels at half resolution on the way up; they double with every level further in, up to
            ``4 * width``.
        depth: How often the resolution is halved; deeper levels of the encoder are left out.
    """

    def __init__(self, architecture: str, width: int, depth: int) -> None:
        super().__init__()
        import_torchvision()
        import timm

        encoder: Any = timm.create_model(
            architecture, pretrained=False, features_only=True, out_indices=tuple(range(depth))
        )
        _drop_unused(encoder, depth)
        self.encoder: nn.Module = encoder
        skips: list[int] = encoder.feature_info.channels()
        before, ups = skips[-1], []
        for level in reversed(range(depth - 1)):
            after = width * min(2**level, 4)
            ups.append(_Up(before + skips[level], after))
            before = after
        self.ups = nn.ModuleList(ups)
        last = nn.Conv2d(before, 3, 3, padding=1)
        nn.init.constant_(last.bias, _DARK)  # type: ignore[arg-type]
        self.final = nn.Sequential(last, nn.Tanh())

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, 3, S, S) in [-1, 1] to (N, 3, S, S) in [-1, 1]."""
        *skips, x = self.encoder(faces)  # (N, C, S / 2, S / 2) ... (N, C, S / 2^depth, S / 2^depth)
        for up in self.ups:
            x = up(_doubled(x), skips.pop())
        painted: Tensor = self.final(_doubled(x))
        return painted


class _Up(nn.Module):
    """Join what comes from within with the skip of the level."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
        )

    def forward(self, inner: Tensor, skip: Tensor) -> Tensor:
        joined: Tensor = self.model(torch.cat((inner, skip), 1))
        return joined


def _drop_unused(encoder: Any, depth: int) -> None:
    """Drop the blocks behind the deepest level, which timm keeps in encoders of its EfficientNet family."""
    container, _, last = encoder.feature_info.info[depth - 1]["module"].partition(".")
    if last.isdecimal():
        blocks = encoder.get_submodule(container)
        setattr(encoder, container, blocks[: int(last) + 1])


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="nearest")
