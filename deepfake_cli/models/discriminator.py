"""PatchGAN: says of every patch whether the map beside a face is the true one or a painted one.

Isola et al., CVPR 2017, as MRI-GAN sets it; names of the layers are those of the published checkpoints.
"""

import torch
from torch import Tensor, nn

_WIDEST = 8  # channels grow to this multiple of the width
_SLOPE = 0.2  # of LeakyReLU below zero


class PatchDiscriminator(nn.Module):
    """Strided convolutions over a map and its face; every output pixel judges a patch.

    Args:
        width: Channels after the first block; 64 in the paper. They double from block to block.
        depth: Number of blocks; 4 in the paper, which takes 256 px to 16 x 16 patches.
    """

    def __init__(self, width: int, depth: int = 4) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 6
        for block in range(depth):
            after = width * min(2**block, _WIDEST)
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1))
            if block:
                layers.append(nn.InstanceNorm2d(after))
            layers.append(nn.LeakyReLU(_SLOPE, inplace=True))
            before = after
        layers += [nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(before, 1, 4, padding=1, bias=False)]
        self.model = nn.Sequential(*layers)

    def forward(self, maps: Tensor, faces: Tensor) -> Tensor:
        """Judge maps (N, 3, S, S) beside faces (N, 3, S, S): (N, 1, S / 2^depth, S / 2^depth), 1 for true."""
        judged: Tensor = self.model(torch.cat((maps, faces), 1))
        return judged
