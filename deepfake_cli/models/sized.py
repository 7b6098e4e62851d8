"""Faces and maps at the size that a network takes them."""

from torch import Tensor
from torch.nn.functional import interpolate


def sized(pictures: Tensor, side: int) -> Tensor:
    """Scale (N, C, S, S) to (N, C, side, side), bilinearly; those of that size stay as they are."""
    if pictures.shape[-1] == side:
        return pictures
    return interpolate(pictures, (side, side), mode="bilinear", align_corners=False)
