"""Arithmetic on boxes: (x0, y0, x1, y1) in pixels, origin at the top left."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float32]

_HEAD = 128  # boxes that suppression compares with each other at once; bounds its memory in crowds


def iou(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Compare every box of one set with every box of another.

    Args:
        a: (N, 4) boxes.
        b: (M, 4) boxes.

    Returns:
        (N, M) intersection over union, in [0, 1]; 0 where both boxes are empty.
    """
    one = np.asarray(a, dtype=np.float32).reshape(-1, 1, 4)
    two = np.asarray(b, dtype=np.float32).reshape(1, -1, 4)
    size = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])  # (N, M, 2)
    shared = np.clip(size, 0, None).prod(axis=-1)
    union = _area(one) + _area(two) - shared
    overlap: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def square(box: ArrayLike, margin: float = 1.0) -> FloatArray:
    """Make boxes square around their centres.

    Args:
        box: (..., 4) boxes.
        margin: Side of the square relative to the longer side of the box.

    Returns:
        (..., 4) squares; may reach outside the picture.
    """
    corners = np.asarray(box, dtype=np.float32)
    half = (corners[..., 2:] - corners[..., :2]).max(axis=-1, keepdims=True) * np.float32(margin / 2)
    centre = (corners[..., :2] + corners[..., 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def nms(
    boxes: ArrayLike, scores: ArrayLike, threshold: float, mode: Literal["union", "min"] = "union"
) -> NDArray[np.intp]:
    """Suppress boxes that overlap a better one.

    The two modes are those of the MTCNN cascade, to the bit. "union" divides the shared area by the union
    and of equal scores prefers the first. "min" divides by the smaller area, so that a box within another
    goes too, counts the last pixel as part of the box, and of equal scores prefers the last.

    Args:
        boxes: (N, 4).
        scores: (N,) higher is better.
        threshold: The greatest overlap that two kept boxes may have.
        mode: What the shared area is divided by.

    Returns:
        (K,) indices of the kept boxes, best first.
    """
    corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    values = np.asarray(scores, dtype=np.float32)
    rest = np.argsort(values)[::-1] if mode == "min" else np.argsort(-values, kind="stable")
    kept = []
    while len(rest):  # the best few among themselves, then the others against those of them that stay
        head, rest = rest[:_HEAD], rest[_HEAD:]
        clash = np.triu(_overlap(corners[head], corners[head], mode) > threshold, 1)
        stays = np.ones(len(head), dtype=bool)
        for i in np.flatnonzero(clash.any(axis=1)):
            if stays[i]:
                stays &= ~clash[i]
        head = head[stays]
        kept.append(head)
        if len(rest):
            rest = rest[~(_overlap(corners[head], corners[rest], mode) > threshold).any(axis=0)]
    return np.concatenate(kept) if kept else rest


def _overlap(a: FloatArray, b: FloatArray, mode: Literal["union", "min"]) -> FloatArray:
    """Divide shared areas as `nms` says, (N, 4) and (M, 4) -> (N, M); not a number for two empty boxes."""
    pixel = np.float32(mode == "min")
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.T[:, :, None], b.T[:, None]
    width = np.minimum(ax1, bx1) - np.maximum(ax0, bx0) + pixel
    height = np.minimum(ay1, by1) - np.maximum(ay0, by0) + pixel
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    one, two = (ax1 - ax0 + pixel) * (ay1 - ay0 + pixel), (bx1 - bx0 + pixel) * (by1 - by0 + pixel)
    whole = np.minimum(one, two) if mode == "min" else one + two - shared
    with np.errstate(invalid="ignore"):
        return np.asarray(shared / whole, dtype=np.float32)


def _area(boxes: FloatArray) -> FloatArray:
    """Multiply width and height, (..., 4) -> (...)."""
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]), dtype=np.float32)
