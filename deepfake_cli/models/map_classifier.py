"""Classifiers that look at the map that a generator paints of a face, alone or beside the face."""

import torch
from torch import Tensor, nn

from .sized import sized

Triple = tuple[float, float, float]


class MapClassifier(nn.Module):
    """A generator that is learned already, and a classifier that sees what it paints.

    Args:
        painter: Maps faces (N, 3, P, P) in [-1, 1] to maps (N, 3, P, P) in [0, 1]; never trained here.
        network: Maps (N, C, S, S) to logits (N,); C is 3, or 6 if it sees the face before the map.
        painted: P, side of the faces that the painter takes, in pixels.
        seen: S, side of what the network sees, in pixels; with the face the side of the faces themselves.
        mean: Red, green and blue that are subtracted from maps in [0, 1] for the network.
        std: Red, green and blue that they are divided by afterwards.
        with_face: Whether the network sees the face too.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        painter: nn.Module,
        network: nn.Module,
        *,
        painted: int,
        seen: int,
        mean: Triple,
        std: Triple,
        with_face: bool,
    ) -> None:
        super().__init__()
        self.painter = painter.requires_grad_(False)
        self.network = network
        self.painted, self.seen, self.with_face = painted, seen, with_face
        self.register_buffer("mean", torch.tensor(mean).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(3, 1, 1), persistent=False)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Map faces (N, 3, S, S) in [-1, 1] to logits (N,), above 0 for fake, and maps (N, 3, P, P)."""
        maps = self.painter(sized(faces, self.painted))
        seen = (sized(maps, self.seen) - self.mean) / self.std
        return self.network(torch.cat((faces, seen), 1) if self.with_face else seen), maps

    def train(self, mode: bool = True) -> "MapClassifier":
        """Switch the network between learning and judging; the painter only ever paints."""
        super().train(mode)
        self.painter.eval()
        return self
