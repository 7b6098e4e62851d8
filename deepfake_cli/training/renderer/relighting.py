"""Lightings drawn at random, and pictures of faces under other ones."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_cli.models.illumination import basis, shade

_DIRECTIONS = 500  # spread over the sphere, by which lightings are fitted
_LEAST = 0.1  # shading that a relit place is taken to have had
_MOST = 4.0  # times that a place may get brighter or darker


def draw_lightings(count: int, rng: np.random.Generator) -> Tensor:
    """Draw lightings as rooms and days have them: light from everywhere, and one to three lamps.

    The light is white but for a tint, and 1 on average over what faces the viewer. A lamp's light on a
    surface is ``max(0, cosine)``, which nine spherical harmonics give to within a few percent (Ramamoorthi
    and Hanrahan, "An efficient representation for irradiance environment maps", SIGGRAPH 2001).

    Args:
        count: N.
        rng: Source of every random choice.

    Returns:
        (N, 9, 3) float32.
    """
    return torch.stack([_draw_lighting(rng) for _ in range(count)])


def relight(images: Tensor, normals: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Show faces as if their light had changed by as much as from one lighting to another.

    Args:
        images: (N, 3, S, S) linear, in [0, 1].
        normals: (N, 3, S, S) unit.
        before: (N, 9, 3) lighting.
        after: (N, 9, 3) lighting.

    Returns:
        (N, 3, S, S) linear, in [0, 1], as bright on average as the pictures were, but for what is cut at 1.
    """
    old, new = (shade(normals, lighting).clamp(min=_LEAST) for lighting in (before, after))
    relit = images * (new / old).clamp(1 / _MOST, _MOST)
    brightness = [light.mean((1, 2, 3), keepdim=True).clamp(min=1e-4) for light in (images, relit)]
    return (relit * (brightness[0] / brightness[1])).clamp(max=1)


def _draw_lighting(rng: np.random.Generator) -> Tensor:
    directions, solve = _fit()
    light = rng.uniform(0.3, 0.8) * _tint(rng) * np.ones((_DIRECTIONS, 1))
    for _ in range(rng.integers(1, 4)):
        towards = rng.normal(size=3) + (0, 0.4, 0.7)  # mostly from above and from before the face
        cosine = directions @ (towards / np.linalg.norm(towards))
        light += rng.uniform(0.3, 1.2) * _tint(rng) * np.maximum(cosine, 0)[:, None]
    light /= light[directions[:, 2] > 0].mean()
    return torch.from_numpy((solve @ light).astype(np.float32))


def _tint(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.exp(rng.normal(scale=0.08, size=3))


@cache
def _fit() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spread directions over the sphere, and make what fits nine coefficients to light that falls there.

    Returns:
        (K, 3) unit vectors on a Fibonacci spiral, and (9, K).
    """
    steps = np.arange(_DIRECTIONS) + 0.5
    height = 1 - 2 * steps / _DIRECTIONS
    angle = np.pi * (1 + 5**0.5) * steps
    around = np.sqrt(1 - height**2)
    directions = np.column_stack((np.cos(angle) * around, height, np.sin(angle) * around))
    functions = basis(torch.from_numpy(directions.T.copy())[None, :, :, None])  # (1, 9, K, 1)
    return directions, np.linalg.pinv(functions[0, :, :, 0].numpy().T)
