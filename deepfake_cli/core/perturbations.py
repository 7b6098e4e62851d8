"""What happens to pictures on their way through the world: compression, scaling, blur, noise, colour.

Every function takes and returns an (H, W, 3) uint8 RGB picture of the same size and leaves its input
untouched.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def jpeg(image: Picture, quality: int) -> Picture:
    """Compress as JPEG and decode again; ``quality`` in 1..100."""
    return _through_codec(image, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def video_intra(image: Picture, quality: int) -> Picture:
    """Compress as a video codec compresses a key frame and decode again; ``quality`` in 1..100.

    Lossy WebP is a VP8 key frame: predicted blocks, quantised residuals, chroma at half size and a deblocking
    filter, which is what JPEG lacks to look like a compressed video.
    """
    return _through_codec(image, ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality])


def rescale(image: Picture, factor: float, interpolation: int = cv2.INTER_LINEAR) -> Picture:
    """Shrink by ``factor`` in (0, 1] and enlarge to the old size with an OpenCV interpolation."""
    height, width = image.shape[:2]
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return _uint8(cv2.resize(small, (width, height), interpolation=interpolation))


def blur(image: Picture, kernel: int) -> Picture:
    """Blur with a Gaussian of odd ``kernel`` size in pixels; its sigma is OpenCV's for that size."""
    return _uint8(cv2.GaussianBlur(image, (kernel, kernel), 0))


def sharpen(image: Picture, amount: float) -> Picture:
    """Add ``amount`` times the difference to a blurred copy (unsharp mask)."""
    soft = cv2.GaussianBlur(image, (0, 0), 1.5)
    return _uint8(cv2.addWeighted(image, 1 + amount, soft, -amount, 0))


def noise(image: Picture, variance: float, rng: np.random.Generator) -> Picture:
    """Add Gaussian noise of ``variance`` on the scale where white is 1."""
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(255 * variance**0.5)
    return _uint8(np.clip(image + grain, 0, 255))


def tone(image: Picture, contrast: float, brightness: float, gamma: float = 1.0) -> Picture:
    """Map values through gamma, then contrast about mid-grey, then brightness (a fraction of white)."""
    values = (np.arange(256, dtype=np.float32) / 255) ** gamma
    table = np.clip((values - 0.5) * contrast + 0.5 + brightness, 0, 1) * 255
    return _uint8(cv2.LUT(image, _uint8(table)))


def colour(image: Picture, hue: float, saturation: float) -> Picture:
    """Turn the hue by ``hue`` degrees and scale the saturation."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(np.int16)
    hsv[..., 0] = (hsv[..., 0] + round(hue / 2)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 255)
    return _uint8(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))


def shift_channels(image: Picture, shifts: NDArray[np.float64]) -> Picture:
    """Add one value of the 0..255 scale to each channel; ``shifts`` is (3,)."""
    return _uint8(np.clip(image + shifts.astype(np.float32), 0, 255))


def grey(image: Picture) -> Picture:
    """Take the colour out."""
    return _uint8(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))


def saturate(image: Picture, factor: float) -> Picture:
    """Scale the colour about the grey of equal luma; ``factor`` 0 is ``grey``, 1 changes nothing."""
    return _uint8(cv2.addWeighted(image, factor, grey(image), 1 - factor, 0))


def cover(image: Picture, count: int, rng: np.random.Generator, side: int = 8) -> Picture:
    """Cover places drawn at random with ``count`` mid-grey blocks of ``side`` pixels; they may overlap."""
    covered = image.copy()
    height, width = image.shape[:2]
    tops = rng.integers(max(height - side, 0) + 1, size=count)
    lefts = rng.integers(max(width - side, 0) + 1, size=count)
    for top, left in zip(tops.tolist(), lefts.tolist(), strict=True):
        covered[top : top + side, left : left + side] = 128
    return covered


def _through_codec(image: Picture, extension: str, options: list[int]) -> Picture:
    _, data = cv2.imencode(extension, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None  # it was encoded a line above
    return _uint8(decoded)


def _uint8(image: NDArray[Any]) -> Picture:
    """Round what was computed in float; cutting off would darken."""
    if image.dtype != np.uint8:
        image = np.rint(image)
    return image.astype(np.uint8, copy=False)
