"""Make forgeries out of real faces, for training without a single real fake.

Self-blending after Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022: two
differently changed views of one face are blended inside a deformed, face-shaped mask. What remains is what
every face swap leaves behind: a border, and statistics that differ inside and outside of it.
"""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from . import perturbations as perturb

Picture = NDArray[np.uint8]
_T = TypeVar("_T", bound=np.generic)

# Five points (eyes, nose, corners of the mouth) of a frontal face on a 112 px canvas, and the outline (jaw
# and brows) and inner region (eyes to mouth) of a face drawn around them by hand.
STANDARD_POINTS = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)])
OUTLINE = np.array(
    [(24, 46), (24, 60), (27, 76), (33, 92), (43, 104), (56, 109), (69, 104), (79, 92)]
    + [(85, 76), (88, 60), (88, 46), (79, 37), (67, 34), (56, 36), (45, 34), (33, 37)],
    dtype=np.float64,
)
_INNER = np.array(
    [
        (26, 50),
        (30, 66),
        (34, 88),
        (43, 99),
        (56, 102),
        (69, 99),
        (78, 88),
        (82, 66),
        (86, 50),
        (72, 43),
        (40, 43),
    ],
    dtype=np.float64,
)
_MOUTH = np.array(
    [(36, 80), (34, 94), (43, 105), (56, 109), (69, 105), (78, 94), (76, 80), (56, 74)], dtype=np.float64
)


def face_mask(
    shape: tuple[int, int], points: NDArray[np.floating], outline: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Draw a region of a face where its five points say it lies.

    Args:
        shape: (H, W) of the mask.
        points: (5, 2) eyes, nose and corners of the mouth in pixels.
        outline: (K, 2) polygon on the 112 px canvas of the standard points.

    Returns:
        (H, W) mask of 0 and 1.
    """
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(place_outline(points, outline)).astype(np.int32)], 1)
    return mask.astype(np.float32)


def place_outline(points: NDArray[np.floating], outline: NDArray[np.floating]) -> NDArray[np.float64]:
    """Bring (K, 2) places on the 112 px canvas to where (5, 2) points in a picture say that they lie."""
    design = np.hstack([STANDARD_POINTS, np.ones((5, 1))])
    transform, *_ = np.linalg.lstsq(design, np.asarray(points, np.float64), rcond=None)
    return np.asarray(np.hstack([outline, np.ones((len(outline), 1))]) @ transform, np.float64)


def self_blend(
    image: Picture, points: NDArray[np.floating], rng: np.random.Generator
) -> tuple[Picture, Picture, NDArray[np.float32]]:
    """Forge a face out of itself.

    Args:
        image: (H, W, 3) picture of one face.
        points: (5, 2) its points in pixels.
        rng: Source of every random choice.

    Returns:
        The real view and the forged one, both (H, W, 3) and aligned to the pixel, and the (H, W) blending
        mask in [0, 1]. Outside the mask the two are equal.
    """
    source, target = image, image
    if rng.random() < 0.5:
        source = _change(source, rng)
    else:
        target = _change(target, rng)
    mask = _deformed_mask(image.shape[:2], points, rng)
    source = _displace(source, rng)
    blended = source * mask[..., None] + target * (1 - mask[..., None])
    return target, np.round(blended).astype(np.uint8), mask


def _change(image: Picture, rng: np.random.Generator) -> Picture:
    """Change colour and sharpness a little, as another camera or a generator would."""
    if rng.random() < 0.7:
        image = perturb.shift_channels(image, rng.uniform(-20, 20, 3))
    if rng.random() < 0.6:
        image = perturb.colour(image, hue=rng.uniform(-12, 12), saturation=rng.uniform(0.75, 1.25))
    if rng.random() < 0.6:
        image = perturb.tone(
            image, rng.uniform(0.88, 1.12), rng.uniform(-0.08, 0.08), rng.uniform(0.85, 1.18)
        )
    kind = rng.random()
    if kind < 0.35:
        image = perturb.rescale(
            image, rng.uniform(0.3, 0.8), int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        )
    elif kind < 0.55:
        image = perturb.sharpen(image, rng.uniform(0.3, 1.2))
    elif kind < 0.7:
        image = perturb.blur(image, int(rng.choice([3, 5, 7])))
    elif kind < 0.8:
        image = perturb.jpeg(image, int(rng.integers(30, 80)))
    return image


def _deformed_mask(
    shape: tuple[int, int], points: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a face region, bend it, soften its border and choose how much of the source shows."""
    outline = (OUTLINE, _INNER, _MOUTH)[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    centre = outline.mean(axis=0)
    scale = rng.uniform(0.8, 1.1, 2)
    jitter = rng.uniform(-2.5, 2.5, outline.shape)
    mask = face_mask(shape, points, (outline - centre) * scale + centre + jitter)
    size = float(np.hypot(*(np.asarray(points[1]) - np.asarray(points[0]))))  # distance of the eyes
    mask = _bend(mask, size * 0.12, rng)
    kernel = round(size * rng.uniform(0.05, 0.45)) * 2 + 1
    mask = cv2.GaussianBlur(mask, (kernel, kernel), 0).astype(np.float32)
    if (
        rng.random() < 0.5
    ):  # pull the soft border inwards, so that the edge is no longer centred on the outline
        mask = np.clip(mask * 2 - 1, 0, 1)
    strength = float(rng.choice([0.35, 0.6, 0.8, 1.0], p=[0.1, 0.15, 0.25, 0.5]))
    return np.asarray(mask * strength, np.float32)


def _displace(image: Picture, rng: np.random.Generator) -> Picture:
    """Move, scale and bend a face by a few per cent: the landmarks of two faces never match exactly."""
    height, width = image.shape[:2]
    scale = rng.uniform(0.96, 1.04)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-2, 2), scale)
    matrix = matrix + np.array([[0, 0, width], [0, 0, height]]) * rng.uniform(-0.025, 0.025, (2, 1))
    moved = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    if rng.random() < 0.5:
        moved = _bend(moved, width * 0.012, rng)
    return np.asarray(moved, np.uint8)


def _bend(image: NDArray[_T], amplitude: float, rng: np.random.Generator) -> NDArray[_T]:
    """Bend a picture by a smooth random field of at most about ``amplitude`` pixels."""
    height, width = image.shape[:2]
    grid = rng.uniform(-amplitude, amplitude, (2, 4, 4)).astype(np.float32)
    dx, dy = (cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) for field in grid)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(image, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)  # type: ignore[arg-type, return-value]
