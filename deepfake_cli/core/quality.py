"""Judge how well a face can be seen."""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .appearance import thin

_GOOD_SIDE = 120.0  # pixels; a larger face shows a classifier of 160-224 px little more
_SIDE = 64  # pixels that every face is brought to before its sharpness is measured
_HALF_SHARP = 0.05  # Laplacian's variance over the face's own, where sharpness is one half
_NOSE_HEIGHT = 0.55  # of the way from the eyes to the mouth, in a face that looks straight ahead


def quality(frame: NDArray[np.uint8], box: ArrayLike, points: ArrayLike, probability: float) -> float:
    """Judge one face.

    Args:
        frame: (H, W, 3) picture.
        box: (x0, y0, x1, y1) of the face in pixels of the frame; may reach outside it.
        points: (5, 2) eyes, nose and corners of the mouth in pixels, the left ones of the picture first.
        probability: The detector's, in [0, 1].

    Returns:
        0 (useless) to 1: the probability times the geometric mean of size, sharpness, frontality and how much
        of the box lies within the frame.
    """
    x0, y0, x1, y1 = (float(v) for v in np.asarray(box, dtype=np.float64))
    height, width = frame.shape[:2]
    area = max(x1 - x0, 0.0) * max(y1 - y0, 0.0)
    inside = max(min(x1, width) - max(x0, 0), 0.0) * max(min(y1, height) - max(y0, 0), 0.0)
    if area == 0 or inside == 0:
        return 0.0
    size = min(np.sqrt(area) / _GOOD_SIDE, 1.0)
    parts = (size, sharpness(frame, (x0, y0, x1, y1)), frontality(points), inside / area)
    return float(np.clip(probability * np.prod(parts) ** (1 / len(parts)), 0.0, 1.0))


def sharpness(frame: NDArray[np.uint8], box: tuple[float, float, float, float]) -> float:
    """Measure the fine detail of a face whatever its size, light and contrast.

    The variance of the Laplacian (Pech-Pacheco et al. 2000) of the face at 64 px, over the variance of its
    grey values.

    Returns:
        0 (smooth) to 1; sharp faces lie above 0.8, and blur with a sigma of 3 % of the face halves that.
    """
    face = thin(frame, box, 2 * _SIDE)
    if not face.size:
        return 0.0
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    shrinks = min(grey.shape) >= _SIDE
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    grey = cv2.resize(grey, (_SIDE, _SIDE), interpolation=interpolation).astype(np.float32)
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).var()) / max(float(grey.var()), 1.0)
    return detail / (detail + _HALF_SHARP)


def frontality(points: ArrayLike) -> float:
    """Tell from the five points how straight a face looks at the camera; tilting it sideways costs nothing.

    The nose of a straight face lies halfway between the eyes and a little more than halfway down to the
    mouth.

    Args:
        points: (5, 2) as for ``quality``.

    Returns:
        0 (profile, or points that make no face) to 1.
    """
    left, right, nose, mouth_left, mouth_right = np.asarray(points, dtype=np.float64)
    across, down = right - left, (mouth_left + mouth_right - left - right) / 2
    spread = float(across @ across)
    upright = np.array([-across[1], across[0]])  # at a right angle to the eyes' line, downwards
    fall = float(down @ upright)
    if spread <= 0 or fall <= 0:
        return 0.0
    yaw = abs(float((nose - left) @ across) / spread - 0.5) / 0.5
    pitch = abs(float((nose - (left + right) / 2) @ upright) / fall - _NOSE_HEIGHT) / _NOSE_HEIGHT
    return max(1 - yaw, 0.0) * max(1 - pitch, 0.0)
