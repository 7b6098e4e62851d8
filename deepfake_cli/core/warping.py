"""Make forgeries that show what warping a generated face into a frame leaves behind.

After Li and Lyu, "Exposing DeepFake Videos By Detecting Face Warping Artifacts", CVPRW 2019: a generator
makes faces of one small size in one pose; warped to the size and pose of the frame they are less sharp than
what surrounds them. The same treatment of a real face needs no generator.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import perturbations as perturb
from .align import similarity
from .forgeries import OUTLINE, STANDARD_POINTS, face_mask

Picture = NDArray[np.uint8]
Mask = NDArray[np.float32]
Range = tuple[float, float]

_CANVAS = 112  # side of the square that the standard points and the outline are drawn on
_KERNEL = 5  # of the Gaussian blur, in pixels


def warp_rectangle(
    image: Picture, box: ArrayLike, factors: Range, rng: np.random.Generator
) -> tuple[Picture, Mask]:
    """Resize the box of a face, blur it, resize it back and paste it: the way of KAIST's code.

    Args:
        image: (H, W, 3) picture of a face.
        box: (4,) x0, y0, x1, y1 of the face in pixels; what is outside the picture is left out.
        factors: Least and greatest factor that the box is resized by.
        rng: Source of every random choice.

    Returns:
        The forged picture, and the (H, W) mask of 0 and 1; the picture is as it was where the mask is 0.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.round(np.asarray(box, np.float64)).astype(int)
    inside = slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width))
    factor = rng.uniform(*factors)
    forged, mask = image.copy(), np.zeros((height, width), np.float32)
    face = image[inside]
    if face.size:
        size = max(round(face.shape[1] * factor), 1), max(round(face.shape[0] * factor), 1)
        other = perturb.blur(np.asarray(cv2.resize(face, size), np.uint8), _KERNEL)
        forged[inside] = cv2.resize(other, face.shape[1::-1])
        mask[inside] = 1
    return forged, mask


def warp_hull(
    image: Picture, points: NDArray[np.floating], sizes: Range, jitter: float, rng: np.random.Generator
) -> tuple[Picture, Mask]:
    """Bring a face to the standard pose at another size, blur it, and warp it back within its convex hull.

    The way of the paper, with the hull drawn around the five points instead of 68. Colour is changed in the
    hull alone, as that of a generated face differs from its surroundings.

    Args:
        image: (H, W, 3) picture of a face.
        points: (5, 2) eyes, nose and corners of the mouth in pixels.
        sizes: Least and greatest size of the face in the standard pose, relative to its size in the picture.
        jitter: How much contrast, brightness, saturation and sharpness may change, 0 or more; 0.1 is 10 %.
        rng: Source of every random choice.

    Returns:
        The forged picture, and the (H, W) blending mask in [0, 1]; the picture is as it was where the mask
        is 0.
    """
    places = np.asarray(points, np.float64)
    posed, back = _standard_pose(image, places, rng.uniform(*sizes))
    posed = _jittered(perturb.blur(posed, _KERNEL), jitter, rng)
    size = image.shape[1], image.shape[0]
    warped = cv2.warpAffine(posed, back, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = _hull_mask(image.shape[:2], places, rng)
    forged = warped * mask[..., None] + image * (1 - mask[..., None])
    return np.round(forged).astype(np.uint8), mask


def _standard_pose(
    image: Picture, points: NDArray[np.float64], size: float
) -> tuple[Picture, NDArray[np.float64]]:
    """Turn and scale a face upright onto a square canvas.

    Returns:
        The canvas, and the (2, 3) map from its pixels to those of the picture.
    """
    pose = similarity(STANDARD_POINTS, points)  # from the unit canvas of 112 px
    scale = max(float(np.hypot(*pose[:, 0])) * size, 8 / _CANVAS)  # canvas pixels for a unit
    back = pose @ np.diag([1 / scale, 1 / scale, 1])
    shrink = min(size, 1.0)
    # Shrinking by means first, as mere sampling would alias.
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    there = back.copy()
    for axis, ratio in enumerate((small.shape[1] / image.shape[1], small.shape[0] / image.shape[0])):
        there[axis] *= ratio
        there[axis, 2] += 0.5 * ratio - 0.5  # the centre of the first pixel is at 0
    side = max(round(_CANVAS * scale), 8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    posed = cv2.warpAffine(small, there, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(posed, np.uint8), back


def _jittered(image: Picture, amount: float, rng: np.random.Generator) -> Picture:
    """Change contrast, brightness, saturation and sharpness by up to ``amount``."""
    contrast, saturation = 1 + rng.uniform(-amount, amount, 2)
    image = perturb.tone(image, contrast, rng.uniform(-amount, amount) / 2)
    image = perturb.colour(image, hue=0, saturation=saturation)
    return perturb.sharpen(image, rng.uniform(0, amount))


def _hull_mask(shape: tuple[int, int], points: NDArray[np.float64], rng: np.random.Generator) -> Mask:
    """Draw the convex hull of a face, a little larger or smaller each time, with a softened border."""
    centre = OUTLINE.mean(axis=0)
    outline = (OUTLINE - centre) * rng.uniform(0.85, 1.05, 2) + centre
    hull = cv2.convexHull(outline.astype(np.float32))[:, 0].astype(np.float64)
    mask = face_mask(shape, points, hull)
    eyes = float(np.hypot(*(points[1] - points[0])))
    kernel = round(eyes * rng.uniform(0.02, 0.12)) * 2 + 1
    soft = cv2.GaussianBlur(mask, (kernel, kernel), 0)
    return np.clip(soft, 0, 1).astype(np.float32)  # rounding may lead beyond 1
