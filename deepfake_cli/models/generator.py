"""MRI-GAN's generator: from a face it paints how the face differs from its unseen original.

The U-Net of pix2pix (Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
2017) as MRI-GAN sets it (Prajapati and Pollett, arXiv 2203.00108). Names of the layers are those of the
published checkpoints.
"""

import torch
from torch import Tensor, nn

from .encoder_generator import EncoderUNet

UNET = "unet"
_WIDEST = 8  # channels grow to this multiple of the width
_SLOPE = 0.2  # of LeakyReLU below zero


def build_generator(architecture: str, *, width: int, depth: int, dropout: float) -> nn.Module:
    """Build an untrained generator.

    Args:
        architecture: ``unet``, or the timm name of an encoder that stands in for its contracting half.
        width: Channels at half resolution; the paper has 64.
        depth: How often the resolution is halved; sides of faces are multiples of ``2 ** depth``.
        dropout: In the inner levels of ``unet``; an encoder's own are kept as timm sets them.

    Returns:
        A module that maps faces (N, 3, S, S) in [-1, 1] to maps (N, 3, S, S) in [-1, 1], where -1 is alike.
    """
    if architecture == UNET:
        return UNet(width, depth, dropout)
    return EncoderUNet(architecture, width, depth)


class UNet(nn.Module):
    """Down ``depth`` times by strided convolutions, and up again with a skip from every level.

    Args:
        width: Channels after the first level; they double from level to level, up to 8 times the width.
        depth: Number of levels; 8 in the paper, which takes 256 px to 1 px.
        dropout: After the inner levels, from the fourth inwards.
    """

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        channels = [width * min(2**level, _WIDEST) for level in range(depth)]
        before = 3
        for level, after in enumerate(channels):
            # Neither the first level is normalised nor the innermost, which may be a single pixel.
            normalised = 0 < level < depth - 1
            dropped = dropout if level >= 3 else 0.0
            self.add_module(f"down{level + 1}", Down(before, after, normalised, dropped))
            before = after
        for step, after in enumerate(reversed(channels[:-1]), start=1):
            dropped = dropout if depth - 1 - step >= 3 else 0.0
            self.add_module(f"up{step}", Up(before, after, dropped))
            before = 2 * after  # with the skip
        self.depth = depth
        self.final = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.ZeroPad2d((1, 0, 1, 0)),  # a kernel of 4 needs 3 pixels around, one more before than behind
            nn.Conv2d(before, 3, 4, padding=1),
            nn.Tanh(),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, 3, S, S) in [-1, 1] to (N, 3, S, S) in [-1, 1]."""
        x, skips = faces, []
        for level in range(1, self.depth + 1):
            x = self.get_submodule(f"down{level}")(x)  # (N, C, S / 2^level, S / 2^level)
            skips.append(x)
        skips.pop()
        for step in range(1, self.depth):
            x = torch.cat((self.get_submodule(f"up{step}")(x), skips.pop()), 1)
        painted: Tensor = self.final(x)
        return painted


class Down(nn.Module):
    """Halve the resolution."""

    def __init__(self, before: int, after: int, normalised: bool, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)]
        if normalised:
            layers.append(nn.InstanceNorm2d(after))
        layers.append(nn.LeakyReLU(_SLOPE))
        if dropout:
            layers.append(nn.Dropout(dropout))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, B, H, W) to (N, A, H / 2, W / 2)."""
        halved: Tensor = self.model(x)
        return halved


class Up(nn.Module):
    """Double the resolution."""

    def __init__(self, before: int, after: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
            nn.InstanceNorm2d(after),
            nn.ReLU(inplace=True),
        ]
        if dropout:
            layers.append(nn.Dropout(dropout))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, B, H, W) to (N, A, 2 H, 2 W)."""
        doubled: Tensor = self.model(x)
        return doubled


def begin_gan(module: nn.Module) -> None:
    """Start the convolutions from N(0, 0.02), as pix2pix does; biases keep torch's own start."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, std=0.02)


class Painter(nn.Module):
    """A generator ready for use: maps come out in [0, 1], where 0 is alike."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, faces: Tensor) -> Tensor:
        """Map faces (N, 3, S, S) in [-1, 1] to maps (N, 3, S, S) in [0, 1]."""
        painted: Tensor = (self.generator(faces) + 1) / 2
        return painted
