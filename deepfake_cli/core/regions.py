"""Name the part of a face where a map of what was changed glows most.

Left and right are as seen in the picture: the left eye is the one on the left of the viewer.
"""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from .forgeries import OUTLINE, place_outline

Region = Literal[
    "background",
    "forehead",
    "border",
    "left cheek",
    "right cheek",
    "chin",
    "left eye",
    "right eye",
    "nose",
    "mouth",
]
REGIONS: tuple[Region, ...] = get_args(Region)

# Real faces glow a little too. Of DFDC's split `choose`, the brightest region of three in four fakes is above
# this under the embedded generator, that of one in four real faces. Below it there is nothing to point at.
FAINT = 0.1
# Share of the map that must be seen of a region: the mean of a few pixels at its edge says nothing.
_LEAST = 0.002


def brightest_region(
    painted: NDArray[np.float32], points: NDArray[np.floating], least: float = FAINT
) -> Region | None:
    """Name the region of a face whose mean in a map is highest.

    Every pixel belongs to one region: forehead (above the brows), eyes (with their brows), nose, mouth,
    cheeks, chin, border (the ring along the outline of the face, where a pasted face ends), background.

    Args:
        painted: (M, M, 3) map in [0, 1], 0 for unchanged; or (M, M) heat, above 0 for fake.
        points: (5, 2) eyes, nose and corners of the mouth in pixels of the map.
        least: Mean that a region must reach.

    Returns:
        Its name; None where no region's mean reaches ``least``, or the points show no face in the map.
    """
    labels = _draw(painted.shape[:2], points)
    grey = painted.mean(axis=-1) if painted.ndim == 3 else painted
    sizes = np.bincount(labels.ravel(), minlength=len(REGIONS))
    sums = np.bincount(labels.ravel(), grey.ravel(), len(REGIONS))
    seen = sizes >= _LEAST * labels.size
    means = np.where(seen, sums / np.maximum(sizes, 1), -np.inf)
    best = int(means.argmax())
    return REGIONS[best] if seen[1:].any() and means[best] >= least else None


def _draw(shape: tuple[int, ...], points: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Draw where the regions lie, (M, M) numbers of ``REGIONS``; a later one covers those before."""
    labels = np.zeros(shape, np.uint8)
    ends = np.cumsum([len(polygon) for polygon in _POLYGONS.values()])[:-1]
    placed = place_outline(points, np.concatenate(list(_POLYGONS.values())))
    for region, polygon in zip(_POLYGONS, np.split(placed, ends), strict=True):
        cv2.fillPoly(labels, [np.round(polygon).astype(np.int32)], REGIONS.index(region))
    return labels


def _scaled(scale: float) -> NDArray[np.float64]:
    centre = OUTLINE.mean(axis=0)
    return np.asarray((OUTLINE - centre) * scale + centre, np.float64)


# Drawn by hand on the 112 px canvas of the standard points, as their outline is. The order is that of
# painting: the cheeks are the halves of what lies within the ring, and the rest is painted over them.
_INSIDE = _scaled(0.96)
_POLYGONS: dict[Region, NDArray[np.float64]] = {
    "forehead": np.array([(24.0, 40), (25, 24), (33, 12), (45, 7), (67, 7), (79, 12), (87, 24), (88, 40)]),
    "border": _scaled(1.13),
    "left cheek": np.concatenate([_INSIDE[13:], _INSIDE[:6]]),
    "right cheek": _INSIDE[5:14],
    "chin": np.array([(39.0, 95), (43.5, 102.5), (56, 107), (68.5, 102.5), (73, 95)]),
    "left eye": np.array([(26.0, 47), (32, 39), (46, 36), (56, 37), (56, 55), (47, 60), (32, 60), (26, 56)]),
    "right eye": np.array([(86.0, 47), (80, 39), (66, 36), (56, 37), (56, 55), (65, 60), (80, 60), (86, 56)]),
    "nose": np.array([(52.0, 46), (60, 46), (62, 62), (67, 72), (65, 79), (47, 79), (45, 72), (50, 62)]),
    "mouth": np.array([(37.0, 92), (46, 84), (56, 82), (66, 84), (75, 92), (67, 98), (56, 99), (45, 98)]),
}
