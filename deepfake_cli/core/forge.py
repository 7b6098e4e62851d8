"""Forge a real face in one of several ways, for training on the fly as for pictures on disk."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .forgeries import self_blend
from .warping import Range, warp_hull, warp_rectangle

Picture = NDArray[np.uint8]
Kind = Literal["self-blend", "warp-rectangle", "warp-hull"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Strength:
    """How strongly faces are warped; see ``warp_rectangle`` and ``warp_hull``."""

    rectangle: Range
    hull: Range
    jitter: float


@dataclass(frozen=True)
class Forgery:
    """A forged face, and the real one that it is aligned with to the pixel.

    Attributes:
        real: (H, W, 3); the picture that was forged, or, self-blended, perhaps a changed view of it.
        fake: (H, W, 3); equal to the real one where the mask is 0.
        mask: (H, W) in [0, 1].
    """

    real: Picture
    fake: Picture
    mask: NDArray[np.float32]


def forge(
    kind: Kind,
    image: Picture,
    box: ArrayLike,
    points: NDArray[np.floating] | None,
    strength: Strength,
    rng: np.random.Generator,
) -> Forgery | None:
    """Forge a face.

    Args:
        kind: In which way.
        image: (H, W, 3) picture of a real face.
        box: (4,) x0, y0, x1, y1 of the face in pixels.
        points: (5, 2) eyes, nose and corners of the mouth in pixels; all kinds but ``warp-rectangle`` need
            them.
        strength: How strongly.
        rng: Source of every random choice.

    Returns:
        The forgery; None where the points are missing, or where nothing came of it, as in a plain picture.
    """
    real, mask = image, np.zeros(image.shape[:2], np.float32)
    if kind == "warp-rectangle":
        fake, mask = warp_rectangle(image, box, strength.rectangle, rng)
    elif points is None:
        return None
    elif kind == "warp-hull":
        fake, mask = warp_hull(image, points, strength.hull, strength.jitter, rng)
    else:
        real, fake, mask = self_blend(image, points, rng)
    return None if np.array_equal(real, fake) else Forgery(real, fake, mask)
