"""Tell whether two pictures show the same face at the same place, and whether anything was changed in it.

A pair of a fake and its original teaches something only if it is aligned (else the map shows the shift, not
the forgery) and only if the face was changed at all (many fakes leave some frames or people as they were).
Forgeries change the face and leave what lies around it; compression changes both a little. Both questions
are asked of mid-sized detail of the luma, which neither light nor compression alters much, on pictures
scaled to one size, so that the answers do not depend on theirs.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_Plane = NDArray[np.float32]

_SIDE = 256  # pictures are compared at this width and height
_FINE, _COARSE = 1.5, 8.0  # sigmas that detail lies between
_REACH = 16  # farthest shift that is tried
_NEIGHBOURHOOD = 8.0  # sigma of the window in which detail is compared within the face
_GRAIN = 4.0  # detail of less than this mean square is grain, which compression replaces
_TIE = 1e-3  # by how much a shift must fit better than none
_PLAIN = 0.5  # root mean square of detail below which there is nothing to go by


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures are, around the face and in it.

    Attributes:
        shift: How far the second lies beside the first, by what is around the face; a share of their side,
            in [0, 0.09].
        around: Correlation of detail around the face as the pictures lie, in [-1, 1].
        inside: The least that detail is alike anywhere in the face, in [-1, 1]; 1 for equal pictures.
    """

    shift: float
    around: float
    inside: float


def likeness(real: Picture, fake: Picture) -> Likeness:
    """Compare two pictures that a face fills: cut at its box, or with a margin.

    What is outside the ellipse that touches the sides counts as around the face, and what is inside a
    slightly smaller one as in it. Where there is nothing but plain colour around the face, the whole pictures
    are compared instead.

    Args:
        real: (H, W, 3) picture, RGB.
        fake: Another one; the sizes may differ, they are then compared at one.
    """
    one, two = _detail(real), _detail(fake)
    radius = _radius()
    shift, around = _placement(one, two, radius > 1)
    both = _near(one * one + two * two) + _GRAIN
    alike = (2 * _near(one * two) + _GRAIN) / both
    return Likeness(shift, around, float(np.clip(alike[radius < 0.9].min(), -1, 1)))


def _placement(one: _Plane, two: _Plane, region: NDArray[np.bool_]) -> tuple[float, float]:
    """Find the shift at which a region fits best, and how well it fits unshifted."""
    inner = slice(_REACH, _SIDE - _REACH), slice(_REACH, _SIDE - _REACH)  # what can be shifted about
    mask, here, template = region[inner], one[inner], np.ascontiguousarray(two[inner])
    if min(_strength(here, mask), _strength(template, mask)) < _PLAIN:
        mask = np.ones_like(mask)
    strengths = _strength(here, mask), _strength(template, mask)
    if min(strengths) < _PLAIN:
        # Two plain pictures fit anyhow; a plain one and another have nothing in common.
        return 0.0, float(max(strengths) < _PLAIN)
    weights = np.ascontiguousarray(mask, np.float32)
    fits = cv2.matchTemplate(one, template, cv2.TM_CCOEFF_NORMED, mask=weights)
    fits = np.nan_to_num(fits, nan=-1, posinf=-1, neginf=-1).clip(-1, 1)  # where a region is all plain
    unshifted = float(fits[_REACH, _REACH])
    if fits.max() - unshifted < _TIE:  # repeating patterns fit at many places
        return 0.0, unshifted
    down, right = divmod(int(fits.argmax()), fits.shape[1])
    return float(np.hypot(down - _REACH, right - _REACH)) / _SIDE, unshifted


def _detail(picture: Picture) -> _Plane:
    """Keep what is larger than grain and smaller than shading, (side, side)."""
    grey = cv2.cvtColor(cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    values = grey.astype(np.float32)
    band = cv2.GaussianBlur(values, (0, 0), _FINE) - cv2.GaussianBlur(values, (0, 0), _COARSE)
    return np.asarray(band, np.float32)


def _near(values: _Plane) -> _Plane:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _NEIGHBOURHOOD), np.float32)


def _strength(detail: _Plane, region: NDArray[np.bool_]) -> float:
    return float(np.sqrt(np.mean(detail[region] ** 2)))


def _radius() -> _Plane:
    """Distance from the centre, 1 on the ellipse that touches the sides."""
    axis = (np.arange(_SIDE, dtype=np.float32) + 0.5) / (_SIDE / 2) - 1
    return np.asarray(np.hypot(axis[:, None], axis[None, :]), np.float32)
