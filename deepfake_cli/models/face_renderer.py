"""An inverse renderer for faces: from a picture to albedo, normals, shading, shadow and lighting.

The five parts are those of InverseRenderNet++ (Yu and Smith, "Outdoor inverse rendering from a single image
using multiview self-supervision", TPAMI 2021), whose U-Net of 30 convolutions with three decoders is replaced
by a light encoder with one decoder, and whose least squares for the lighting by a layer on what the encoder
sees of the whole face.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from .illumination import basis, shade
from .timm_encoder import Up, build_halving_encoder, doubled

_LEAST = 0.02  # shading: a polynomial of second order falls below 0 where a face looks away from all light
# What an untrained network sees, before the sigmoid: a surface of 18 % grey, on which 95 % of light arrives.
_GREY, _LIT = -1.5, 3.0


class Rendered(NamedTuple):
    """What faces are made of.

    Attributes:
        albedo: (N, 3, S, S) share of light that is thrown back, red, green, blue, linear, in [0, 1].
        normals: (N, 3, S, S) unit, x to the right, y up, z towards the viewer and above 0.
        shading: (N, 3, S, S) light that falls on the surface, linear, above 0.
        shadow: (N, 1, S, S) share of it that arrives, in (0, 1].
        lighting: (N, 9, 3) spherical harmonics of the light, as in ``illumination``.
    """

    albedo: Tensor
    normals: Tensor
    shading: Tensor
    shadow: Tensor
    lighting: Tensor


OUTPUTS = Rendered._fields


class FaceRenderer(nn.Module):
    """A U-Net around a timm encoder; ``albedo * shading * shadow`` is the picture in linear light.

    Args:
        architecture: The encoder's timm name.
        width: Channels at half resolution on the way up, and at full; they double with every level further
            in, up to ``4 * width``.
        depth: How often the resolution is halved; deeper levels of the encoder are left out.

    Raises:
        RuntimeError: timm has no such encoder, or its levels do not halve the resolution one by one.
    """

    def __init__(self, architecture: str, width: int, depth: int) -> None:
        super().__init__()
        encoder = build_halving_encoder(architecture, depth)
        self.encoder: nn.Module = encoder
        skips: list[int] = [3, *encoder.feature_info.channels()]  # the picture itself is the outermost
        before, ups = skips.pop(), []
        self.lamp = nn.Linear(before, 27)
        for level in reversed(range(-1, depth - 1)):
            after = width * min(2 ** max(level, 0), 4)
            ups.append(Up(before + skips.pop(), after))
            before = after
        self.ups = nn.ModuleList(ups)
        self.final = nn.Conv2d(before, 6, 3, padding=1)  # albedo, x and y of normals, shadow
        self._begin()

    def forward(self, faces: Tensor) -> Rendered:
        """Take faces (N, 3, S, S) apart; they are normalised as the model's config says."""
        *skips, x = self.encoder(faces)  # (N, C, S / 2, S / 2) ... (N, C, S / 2^depth, S / 2^depth)
        lighting = self.lamp(x.mean((2, 3))).float().unflatten(1, (9, 3))
        for up in self.ups:
            x = up(doubled(x), skips.pop() if skips else faces)
        albedo, slopes, shadow = self.final(x).float().split((3, 2, 1), 1)
        normals = normalize(torch.cat((slopes, torch.ones_like(shadow)), 1))
        shading = shade(normals, lighting).clamp(min=_LEAST)
        return Rendered(albedo.sigmoid(), normals, shading, shadow.sigmoid(), lighting)

    def _begin(self) -> None:
        """Begin with even white light on a flat grey face."""
        even = basis(torch.tensor([0.0, 0.0, 1.0]).reshape(1, 3, 1, 1))[0, 0].item()
        for layer in (self.lamp, self.final):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.lamp.bias[:3] = 1 / even
            self.final.bias[:3] = _GREY  # type: ignore[index]
            self.final.bias[5] = _LIT  # type: ignore[index]
