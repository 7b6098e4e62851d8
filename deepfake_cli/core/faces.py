"""Cut faces out of frames, the same way for training and for scanning."""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray


def cut_face(frame: NDArray[np.uint8], box: ArrayLike, size: int, margin: float = 1.0) -> NDArray[np.uint8]:
    """Cut the square around a box and resize it.

    The square is centred on the box and its side is ``margin`` times the longer side of the box, so a face is
    never distorted. Where it leaves the frame, the frame's border pixels are repeated.

    Args:
        frame: (H, W, 3) picture.
        box: (x0, y0, x1, y1) in pixels of the frame; may reach outside it.
        size: Side of the result in pixels.
        margin: Side of the square relative to the longer side of the box.

    Returns:
        (size, size, 3) face; area interpolation when shrinking, linear when enlarging.
    """
    left, top, side = _square(box, margin)
    height, width = frame.shape[:2]
    face = frame[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    over = (max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0))
    if face.size == 0:  # the square misses the frame altogether: nothing to repeat
        return np.zeros((size, size, 3), np.uint8)
    if any(over):
        face = np.asarray(cv2.copyMakeBorder(face, *over, borderType=cv2.BORDER_REPLICATE), np.uint8)
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(face, (size, size), interpolation=interpolation), dtype=np.uint8)


def cut_points(points: ArrayLike, box: ArrayLike, size: int, margin: float = 1.0) -> NDArray[np.float64]:
    """Tell where points of a frame lie in the face that ``cut_face`` cuts out of it.

    Args:
        points: (N, 2) in pixels of the frame.
        box: (x0, y0, x1, y1) in pixels of the frame.
        size: Side of the cut in pixels.
        margin: Side of the square relative to the longer side of the box.

    Returns:
        (N, 2) in pixels of the cut; outside of it where they lie outside the square.
    """
    left, top, side = _square(box, margin)
    return (np.asarray(points, np.float64) - (left, top)) * (size / side)


def _square(box: ArrayLike, margin: float) -> tuple[int, int, int]:
    """Place the square around a box in a frame: left, top and side, in pixels."""
    x0, y0, x1, y1 = (float(v) for v in np.asarray(box, dtype=np.float64))
    side = max(round(max(x1 - x0, y1 - y0) * margin), 1)
    return round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2), side


def fit_face(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize a picture that is a face as a whole to the square, whatever its aspect.

    Args:
        picture: (H, W, 3).
        size: Side of the result in pixels.

    Returns:
        (size, size, 3) face; area interpolation when shrinking, linear when enlarging.
    """
    interpolation = cv2.INTER_AREA if max(picture.shape[:2]) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size, size), interpolation=interpolation), dtype=np.uint8)
