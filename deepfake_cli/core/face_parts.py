"""What a picture of a face is made of, by an inverse renderer, and how to look at it.

Axes: x to the right, y up, z towards the viewer.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .modalities import MODALITIES as MODALITIES

Picture = NDArray[np.uint8]
_Plane = NDArray[np.float32]

_GAMMA = 2.2  # of displays, as InverseRenderNet takes it
_HALF_WHITE = 0.5  # shading of 1, the light on average, is shown at this linear brightness
# Equation 12 of Ramamoorthi and Hanrahan: spherical harmonics times what a cosine lobe leaves of them.
_C1, _C2, _C3, _C4, _C5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708


@dataclass(frozen=True, slots=True)
class FaceParts:
    """What one face is made of; ``albedo * shading * shadow`` is its picture in linear light.

    Attributes:
        albedo: (S, S, 3) float32 RGB, share of light that is thrown back, linear, in [0, 1].
        normals: (S, S, 3) float32, x, y and z of unit vectors.
        shading: (S, S, 3) float32 RGB, light that falls on the surface, linear, at least 0, about 1 on
            average.
        shadow: (S, S) float32, share of it that arrives, in [0, 1].
        lighting: (9, 3) float32, spherical harmonics of the light, each red, green, blue, in the order of
            ``light_sphere``.
    """

    albedo: NDArray[np.float32]
    normals: NDArray[np.float32]
    shading: NDArray[np.float32]
    shadow: NDArray[np.float32]
    lighting: NDArray[np.float32]


def parts_of_each(
    albedo: _Plane, normals: _Plane, shading: _Plane, shadow: _Plane, lighting: _Plane
) -> list[FaceParts]:
    """Divide what a network gives for several faces into that of each; nothing is copied.

    Args:
        albedo: (N, 3, S, S).
        normals: (N, 3, S, S).
        shading: (N, 3, S, S).
        shadow: (N, 1, S, S).
        lighting: (N, 9, 3).

    Returns:
        N parts, in order.
    """
    last = (part.transpose(0, 2, 3, 1) for part in (albedo, normals, shading))
    return [FaceParts(*one) for one in zip(*last, shadow[:, 0], lighting, strict=True)]


def draw_parts(parts: FaceParts, side: int | None = None) -> dict[str, Picture]:
    """Draw each part as a picture to look at.

    Albedo and shading are drawn with a gamma of 2.2 as displays show light, shading of 1 at half of white's
    linear brightness; normals as ``(n + 1) / 2``, x red, y green, z blue; shadow as grey, black where no
    light arrives; lighting as a white sphere in that light.

    Args:
        parts: Of one face.
        side: Of the pictures, in pixels; that of the parts by default.

    Returns:
        (side, side, 3) uint8 RGB by name, in the order of ``MODALITIES``.
    """
    size = parts.shadow.shape[0]
    shadow = np.repeat(parts.shadow[..., None], 3, axis=2)
    maps = (
        to_display(parts.albedo),
        (parts.normals + 1) / 2,
        to_display(parts.shading * _HALF_WHITE),
        shadow,
    )
    pictures = [_resized(_to_bytes(one), size if side is None else side) for one in maps]
    sphere = light_sphere(parts.lighting * np.float32(_HALF_WHITE), size if side is None else side)
    return dict(zip(MODALITIES, [*pictures, _to_bytes(to_display(sphere))], strict=True))


def to_display(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take linear light to what a display is given, by a gamma of 2.2; beyond [0, 1] it is clipped."""
    return np.asarray(linear.clip(0, 1) ** np.float32(1 / _GAMMA), np.float32)


def light_sphere(lighting: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Draw a white sphere in a light.

    Equation 13 of Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps",
    SIGGRAPH 2001, one term a coefficient: L00, L1-1 (y), L10 (z), L11 (x), L2-2 (xy), L2-1 (yz),
    L20 (3 z^2 - 1), L21 (xz), L22 (x^2 - y^2).

    Args:
        lighting: (9, 3) coefficients, each red, green, blue.
        side: Of the picture in pixels, which the sphere fills.

    Returns:
        (side, side, 3) linear light, at least 0; 0 around the sphere.
    """
    steps = ((np.arange(side) + 0.5) * (2 / side) - 1).astype(np.float32)
    y, x = np.meshgrid(-steps, steps, indexing="ij")
    depth = 1 - x * x - y * y  # z^2
    z = np.sqrt(depth.clip(0))
    terms = (
        np.full_like(x, _C4),
        2 * _C2 * y,
        2 * _C2 * z,
        2 * _C2 * x,
        2 * _C1 * x * y,
        2 * _C1 * y * z,
        _C3 * z * z - _C5,
        2 * _C1 * x * z,
        _C1 * (x * x - y * y),
    )
    light = np.stack(terms, axis=-1) @ lighting
    return np.asarray(light.clip(0) * (depth > 0)[..., None], np.float32)


def _to_bytes(shown: NDArray[Any]) -> Picture:
    return np.asarray(np.rint(shown.clip(0, 1) * 255), np.uint8)


def _resized(picture: Picture, side: int) -> Picture:
    size = picture.shape[0]
    if side == size:
        return picture
    interpolation = cv2.INTER_AREA if side < size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=interpolation), np.uint8)
