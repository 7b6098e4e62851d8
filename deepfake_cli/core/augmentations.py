"""The seven ways in which MRI-GAN's authors change training videos: noise, blur, tone, turns, sizes.

After Prajapati & Pollett, arXiv 2203.00108. Every function takes an (H, W, 3) uint8 RGB picture, leaves it
untouched and returns one of the same size; only ``rescale`` returns another size. Same arguments and same
generator state, same picture.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .perturbations import noise as gaussian

__all__ = [
    "blur",
    "brightness",
    "contrast",
    "flip",
    "gaussian",
    "local_variance",
    "pepper",
    "poisson",
    "rescale",
    "rotate",
    "salt",
    "salt_and_pepper",
    "speckle",
    "variance_map",
]

Picture = NDArray[np.uint8]

_PATCHES = 4  # of a variance map, along each side


def speckle(image: Picture, variance: float, rng: np.random.Generator) -> Picture:
    """Multiply each value by 1 plus Gaussian noise of ``variance``: bright places get grainy, black does not.

    The variance is on the scale where white is 1.
    """
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(variance**0.5)
    return _uint8(image * (1 + grain))


def salt(image: Picture, amount: float, rng: np.random.Generator) -> Picture:
    """Turn a share of the pixels, ``amount`` in 0..1, white."""
    return _spotted(image, _spots(image, rng) < amount, 255)


def pepper(image: Picture, amount: float, rng: np.random.Generator) -> Picture:
    """Turn a share of the pixels, ``amount`` in 0..1, black."""
    return _spotted(image, _spots(image, rng) < amount, 0)


def salt_and_pepper(image: Picture, amount: float, rng: np.random.Generator) -> Picture:
    """Turn a share of the pixels, ``amount`` in 0..1, white or black, half of them each."""
    draw = _spots(image, rng)
    return _spotted(_spotted(image, draw < amount / 2, 255), draw >= 1 - amount / 2, 0)


def poisson(image: Picture, peak: float, rng: np.random.Generator) -> Picture:
    """Count photons: a value v gets Poisson(v / 255 * peak) of them. The lower the peak, the more noise."""
    return _uint8(rng.poisson(image * (peak / 255)).astype(np.float32) * np.float32(255 / peak))


def variance_map(height: int, width: int, mean: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw how noisy each place is, for ``local_variance``.

    Returns:
        (height, width) variances between 0 and twice ``mean`` that change smoothly from place to place.
    """
    coarse = rng.uniform(0, 2 * mean, (_PATCHES, _PATCHES)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def local_variance(image: Picture, variances: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """Add Gaussian noise whose variance differs from pixel to pixel.

    Args:
        image: The picture.
        variances: (H, W), on the scale where white is 1.
        rng: Of the noise.
    """
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    return _uint8(image + grain * (255 * np.sqrt(variances))[..., None])


def blur(image: Picture, kernel: int) -> Picture:
    """Take the mean over a square of ``kernel`` pixels a side, odd or even (a box blur)."""
    return _uint8(cv2.blur(image, (kernel, kernel)))


def contrast(image: Picture, amount: float) -> Picture:
    """Spread values about mid-grey, 127, or draw them together.

    Args:
        image: The picture.
        amount: On a scale from -127 (all grey) to 127. The slope is
            ``131 (amount + 127) / (127 (131 - amount))``: 0.73 at -20, 1.00 at 0, 1.37 at 20.
    """
    slope = 131 * (amount + 127) / (127 * (131 - amount))
    return _mapped(image, slope, 127 * (1 - slope))


def brightness(image: Picture, amount: float) -> Picture:
    """Lift black towards white, which stays, or lower white towards black, which stays.

    Args:
        image: The picture.
        amount: Of 255 levels: what black becomes if positive, what white loses if negative.
    """
    return _mapped(image, 1 - abs(amount) / 255, max(amount, 0))


def rotate(image: Picture, degrees: float) -> Picture:
    """Turn counter-clockwise about the middle; the corners that come into view are black."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return _uint8(cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR))


def flip(image: Picture) -> Picture:
    """Mirror left to right."""
    return np.ascontiguousarray(image[:, ::-1])


def rescale(image: Picture, width: int, height: int) -> Picture:
    """Bring to a size, whatever that does to the aspect, by area if that shrinks it.

    An upright picture gets the size upright: 800 x 600 becomes 600 x 800.
    """
    if (image.shape[0] > image.shape[1]) != (height > width):
        width, height = height, width
    shrinks = width * height < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return _uint8(cv2.resize(image, (width, height), interpolation=interpolation))


def _spots(image: Picture, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.random(image.shape[:2], dtype=np.float32)


def _spotted(image: Picture, where: NDArray[np.bool_], value: int) -> Picture:
    changed = image.copy()
    changed[where] = value
    return changed


def _mapped(image: Picture, slope: float, offset: float) -> Picture:
    table = _uint8(np.arange(256, dtype=np.float32) * slope + offset)
    return _uint8(cv2.LUT(image, table))


def _uint8(image: NDArray[Any]) -> Picture:
    """Round what was computed in float, and keep it within 0..255."""
    if image.dtype != np.uint8:
        image = np.clip(np.rint(image), 0, 255)
    return image.astype(np.uint8, copy=False)
