"""Heads that are made up, of which everything is known: what a renderer finds on them can be judged.

A head is a height field: half an ellipsoid with a nose, brows, eye sockets, cheeks, lips and a chin as smooth
bumps, leaning a little. Its paint is a skin tone with blotches, lips, eyes, brows and hair. It is rendered
under two lightings, some with the edge of a soft shadow, as bright on average under both.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_cli.models.illumination import shade, to_display

from .relighting import draw_lightings

Array = NDArray[np.float64]

_BRIGHT = 0.22  # mean of a picture, linear: what a camera exposes for
_STEEP = 0.15  # least height of the unit ellipsoid at which its slope still counts: its edge has none
# Bumps in the unit of half a picture: middle (x, y), widths, height; those beside the middle come in pairs.
_BUMPS = (
    ((0.0, -0.08), (0.10, 0.20), 0.22),  # nose
    ((0.0, -0.20), (0.12, 0.08), 0.10),  # its tip
    ((0.26, 0.30), (0.24, 0.07), 0.06),  # brows
    ((0.26, 0.16), (0.14, 0.08), -0.08),  # eye sockets
    ((0.36, -0.12), (0.16, 0.14), 0.05),  # cheeks
    ((0.0, -0.44), (0.20, 0.06), 0.06),  # lips
    ((0.0, -0.70), (0.18, 0.12), 0.06),  # chin
)
_SKINS = ((0.09, 0.045, 0.03), (0.65, 0.42, 0.32))  # the darkest and the lightest, linear


@dataclass(frozen=True)
class Heads:
    """Rendered heads.

    Attributes:
        faces: (N, S, S, 3) uint8.
        relit: The same under other lightings.
        albedo: (N, 3, S, S) linear, in [0, 1].
        normals: (N, 3, S, S) unit.
        known: (N, 1, S, S) 1 on the head, 0 behind it.
    """

    faces: Tensor
    relit: Tensor
    albedo: Tensor
    normals: Tensor
    known: Tensor


def render_heads(count: int, size: int, seed: int) -> Heads:
    """Make heads up and render them.

    Args:
        count: N.
        size: S, pixels.
        seed: Starts every random draw.
    """
    rng = np.random.default_rng(seed)
    drawn = [_draw_head(size, rng) for _ in range(count)]
    normals, albedo, shadow, known = (
        torch.from_numpy(np.stack(parts).astype(np.float32)) for parts in zip(*drawn, strict=True)
    )
    first, second = (shade(normals, draw_lightings(count, rng)).clamp(min=0) for _ in range(2))
    faces, relit = (_photograph(albedo * shading * shadow) for shading in (first, second))
    return Heads(faces, relit, albedo, normals, known)


def _photograph(light: Tensor) -> Tensor:
    exposed = light * (_BRIGHT / light.mean((1, 2, 3), keepdim=True))
    display = to_display(exposed.clamp(0, 1))
    return (display * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _draw_head(size: int, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Draw normals (3, S, S), albedo (3, S, S), shadow (1, S, S) and where the head is, (1, S, S)."""
    line = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(line - rng.uniform(-0.06, 0.06), -line - rng.uniform(-0.06, 0.06))
    lean = rng.uniform(-0.25, 0.25)
    x, y = x * np.cos(lean) + y * np.sin(lean), y * np.cos(lean) - x * np.sin(lean)
    wide, high = rng.uniform(0.72, 0.95), rng.uniform(0.9, 1.1)
    known = (x / wide) ** 2 + (y / high) ** 2 < 0.98
    turn = rng.uniform(-0.25, 0.25)  # how far the features are off the middle
    slopes = _slopes(x, y, (wide, high, rng.uniform(0.6, 0.9)), turn, rng) * known
    slopes = _turned(slopes, lean)
    normals = np.stack((-slopes[0], -slopes[1], np.ones_like(x)))
    normals /= np.linalg.norm(normals, axis=0)
    wall = rng.uniform(0.05, 0.6) * rng.uniform(0.7, 1.3, 3)
    albedo = np.where(known, _paint(x - turn, y, rng), wall[:, None, None])
    return normals, albedo, _shadow(x, y, rng), known[None]


def _slopes(
    x: Array, y: Array, radii: tuple[float, float, float], turn: float, rng: np.random.Generator
) -> Array:
    """Compute the slopes of the height field along x and y, (2, S, S)."""
    wide, high, deep = radii
    height = np.sqrt(np.maximum(1 - (x / wide) ** 2 - (y / high) ** 2, _STEEP**2))
    slopes = np.stack((-deep * x / (wide**2 * height), -deep * y / (high**2 * height)))
    for (right, up), (width, length), size in _BUMPS:
        tall = size * rng.uniform(0.6, 1.4)
        for side in {right, -right}:
            across, along = (x - side - turn) / width, (y - up) / length
            bump = tall * np.exp(-(across**2 + along**2) / 2)
            slopes -= np.stack((bump * across / width, bump * along / length))
    return slopes


def _turned(slopes: Array, angle: float) -> Array:
    """Turn slopes from the axes of a leaning head to those of the picture."""
    right, up = slopes
    return np.stack((right * np.cos(angle) - up * np.sin(angle), right * np.sin(angle) + up * np.cos(angle)))


def _paint(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Paint the skin and what is on it, (3, S, S)."""
    share = rng.uniform()
    skin = np.exp((1 - share) * np.log(_SKINS[0]) + share * np.log(_SKINS[1])) * rng.uniform(0.9, 1.1, 3)
    hair, lips, iris = rng.uniform(0.02, 0.3) * np.array((1.2, 1, 0.8)), skin * (1.1, 0.6, 0.6), (0.05,) * 3
    paint = skin[:, None, None] * np.ones_like(x)
    for _ in range(6):  # blotches
        inside = _spot(x, y, rng.uniform(-0.8, 0.8, 2), rng.uniform(0.04, 0.3, 2))
        paint = _over(paint, skin * rng.uniform(0.7, 1.25) * rng.uniform(0.92, 1.08, 3), inside)
    paint = _over(paint, lips, _spot(x, y, (0, -0.44), (0.24, 0.08)))
    for side in (-0.26, 0.26):
        paint = _over(paint, np.full(3, 0.7), _spot(x, y, (side, 0.16), (0.12, 0.05)))
        paint = _over(paint, np.array(iris), _spot(x, y, (side, 0.16), (0.045, 0.045)))
        paint = _over(paint, hair, _spot(x, y, (side, 0.31), (0.17, 0.035)))
    return np.clip(_over(paint, hair, y > rng.uniform(0.55, 0.75) - 0.3 * x**2), 0.01, 0.95)


def _spot(
    x: Array, y: Array, middle: tuple[float, float] | Array, radii: tuple[float, float] | Array
) -> Array:
    """Tell how far pixels are inside an ellipse with a soft edge, 0 to 1."""
    away = ((x - middle[0]) / radii[0]) ** 2 + ((y - middle[1]) / radii[1]) ** 2
    return np.asarray(1 / (1 + np.exp(np.clip(8 * (away - 1), -30, 30))))


def _over(paint: Array, colour: Array, inside: Array | NDArray[np.bool_]) -> Array:
    return np.asarray(paint * (1 - inside) + colour[:, None, None] * inside)


def _shadow(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Cast the shadow of something straight over a part of the picture, half of the time; (1, S, S)."""
    angle, place, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.7), rng.uniform(0.02, 0.1)
    depth = rng.uniform(0.2, 0.7) * (rng.random() < 0.5)
    beyond = (x * np.cos(angle) + y * np.sin(angle) - place) / soft
    return np.asarray(1 - depth / (1 + np.exp(-np.clip(beyond, -30, 30))))[None]
