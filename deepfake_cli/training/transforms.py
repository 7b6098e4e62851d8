"""What a face goes through before the network sees it while training."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.core import perturbations as perturb
from deepfake_cli.core.faces import cut_face
from deepfake_cli.io.h264 import through_h264

Picture = NDArray[np.uint8]


def damage(image: Picture, rng: np.random.Generator) -> Picture:
    """Change light and colour, then sharpness, scale, noise and compression, each sometimes.

    The order is the world's: the camera's light and colour, then blur, scaling and compression at the
    resolution of the picture; the cut that a detector's uncertain box gives comes after.

    Args:
        image: (H, W, 3) picture around a face.
        rng: Source of every random choice; the same state damages two pictures alike.
    """
    if rng.random() < 0.5:
        image = perturb.tone(image, rng.uniform(0.5, 1.25), rng.uniform(-0.12, 0.12), rng.uniform(0.75, 1.35))
    if rng.random() < 0.3:
        image = perturb.colour(image, hue=rng.uniform(-15, 15), saturation=rng.uniform(0.2, 1.4))
    if rng.random() < 0.05:
        image = perturb.grey(image)
    if rng.random() < 0.7:
        for degrade in _degradations(rng):
            image = degrade(image)
    return image


def cut_loosely(
    image: Picture, box: ArrayLike, size: int, margin: float, rng: np.random.Generator
) -> Picture:
    """Cut a face by a box as uncertain as a detector's, mirrored half of the time; (size, size, 3)."""
    face = cut_face(image, _jitter(box, rng), size, margin)
    return np.ascontiguousarray(face[:, ::-1]) if rng.random() < 0.5 else face


def _degradations(rng: np.random.Generator) -> list[Callable[[Picture], Picture]]:
    """Choose some kinds of damage in random order, compression mostly last as in a published video."""
    chosen: list[Callable[[Picture], Picture]] = []
    if rng.random() < 0.35:
        factor, how = (
            rng.uniform(0.2, 0.95),
            int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC], p=[0.1, 0.5, 0.4])),
        )
        chosen.append(lambda image: perturb.rescale(image, factor, how))
    if rng.random() < 0.2:
        kernel = int(rng.choice([3, 5, 7, 11, 15], p=[0.3, 0.25, 0.2, 0.15, 0.1]))
        chosen.append(lambda image: perturb.blur(image, kernel))
    elif rng.random() < 0.1:
        amount = rng.uniform(0.3, 1.0)
        chosen.append(lambda image: perturb.sharpen(image, amount))
    if rng.random() < 0.2:
        variance, grain = 10 ** rng.uniform(-4.3, -1.7), int(rng.integers(2**32))
        chosen.append(lambda image: perturb.noise(image, variance, np.random.default_rng(grain)))
    if rng.random() < 0.1:
        count, place = int(rng.integers(4, 65)), int(rng.integers(2**32))
        chosen.append(lambda image: perturb.cover(image, count, np.random.default_rng(place)))
    rng.shuffle(chosen)
    codec = rng.random()
    quality, crf = int(rng.integers(12, 96)), int(rng.integers(18, 43))
    if codec < 0.3:
        chosen.append(lambda image: perturb.jpeg(image, quality))
    elif codec < 0.45:
        chosen.append(lambda image: perturb.video_intra(image, quality))
    elif codec < 0.75:
        chosen.append(lambda image: through_h264(image, crf))
    return chosen


def _jitter(box: ArrayLike, rng: np.random.Generator) -> NDArray[np.float64]:
    """Move a box by up to 4 % and scale it by 0.84 to 1.16 about its centre."""
    x0, y0, x1, y1 = (float(v) for v in np.asarray(box))
    width, height = x1 - x0, y1 - y0
    x, y = (x0 + x1) / 2 + rng.uniform(-0.04, 0.04) * width, (y0 + y1) / 2 + rng.uniform(-0.04, 0.04) * height
    scale = rng.uniform(0.84, 1.16) / 2
    return np.array([x - width * scale, y - height * scale, x + width * scale, y + height * scale])
