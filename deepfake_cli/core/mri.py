"""Maps of where and how much two aligned pictures of a face differ: what MRI-GAN calls the MRI of a fake.

Prajapati and Pollett, "MRI-GAN: A Generalized Approach to Detect DeepFakes using Perceptual Image
Assessment", arXiv 2203.00108, take the structural similarity of a fake and its original; the others are for
comparison.
Every map of a picture with itself is exactly 0, and no map depends on which of the two comes first.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]
Plane = NDArray[np.float64]  # (H, W)
Metric = Literal["ssim", "ms-ssim", "gms", "absolute", "colour"]
METRICS: tuple[Metric, ...] = get_args(Metric)

_SIGMA = 1.5  # of the Gaussian window, in pixels
_RADIUS = 5  # where the window ends: 3.5 sigma
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # keep divisions steady where a picture is flat or dark
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents of MS-SSIM, from fine to coarse
_GMS_C = 170.0  # the same for gradient magnitudes, as GMSD's authors chose it for values up to 255
_LUMA = np.array([[0.299, 0.587, 0.114]])
_LAB_RANGE = 100.0  # difference of black and white


def dissimilarity(real: Picture, fake: Picture, metric: Metric) -> Map:
    """Draw where two aligned pictures differ.

    Args:
        real: (H, W, 3) picture, RGB.
        fake: The other one, of the same shape.
        metric: What is compared: ``ssim``, ``ms-ssim``, ``gms``, ``absolute`` or ``colour``.

    Returns:
        (H, W, 3) in [0, 1], 0 where they are alike. The channels of ``gms`` and ``colour`` are equal.

    Raises:
        ValueError: The shapes differ, or are not those of pictures.
    """
    if real.shape != fake.shape or real.ndim != 3 or real.shape[2] != 3 or not real.size:
        raise ValueError(f"not two RGB pictures of one size: {real.shape} and {fake.shape}")
    return _MAPS[metric](real, fake)


def _ssim(one: Plane, two: Plane) -> Plane:
    """Structural similarity of one channel.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, as
    MRI-GAN sets it: Gaussian window of sigma 1.5, population covariance.
    """
    luminance, structure = _similarities(one, two)
    return luminance * structure


def _ms_ssim(one: Plane, two: Plane) -> Plane:
    """Structural similarity of one channel over five scales, fused at full resolution.

    Wang et al., "Multiscale structural similarity for image quality assessment", Asilomar 2003, multiplies
    means over the picture. Here the maps are multiplied: contrast and structure of every scale and luminance
    of the coarsest, enlarged linearly and raised to the exponents of the paper. Scales on which a side is
    shorter than the window are left out, and the remaining exponents made to add up to 1 again.
    """
    size = one.shape[1], one.shape[0]
    count = sum(min(size) // 2**scale > 2 * _RADIUS for scale in range(len(_SCALES))) or 1
    exponents = np.array(_SCALES[:count]) / sum(_SCALES[:count])
    fused = np.ones(one.shape)
    for scale, exponent in enumerate(exponents):
        if scale:
            one, two = _halved(one), _halved(two)
        luminance, structure = _similarities(one, two)
        part = luminance * np.clip(structure, 0, 1) if scale == count - 1 else np.clip(structure, 0, 1)
        # The difference from 1 is enlarged, as interpolated ones need not be ones to the last bit.
        fused *= (1 - cv2.resize(1 - part, size, interpolation=cv2.INTER_LINEAR)) ** exponent
    return fused


def _gms(real: Picture, fake: Picture) -> Map:
    """Dissimilarity of gradient magnitudes in luma, at half resolution and enlarged linearly.

    Xue et al., "Gradient Magnitude Similarity Deviation", IEEE TIP 2014: Prewitt gradients of 2 x 2 means.
    """
    one, two = (
        _gradient(_halved(cv2.transform(picture, _LUMA).astype(np.float64))) for picture in (real, fake)
    )
    difference = 1 - (2 * one * two + _GMS_C) / (one**2 + two**2 + _GMS_C)
    enlarged = cv2.resize(difference, real.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return _three(np.clip(enlarged, 0, 1))


def _absolute(real: Picture, fake: Picture) -> Map:
    """Absolute difference of each channel, as a fraction of white."""
    return np.asarray(cv2.absdiff(real, fake), np.float32) / np.float32(255)


def _colour(real: Picture, fake: Picture) -> Map:
    """Distance in CIE Lab (CIE 1976 delta E) as a fraction of that of black and white, at most 1."""
    one, two = (
        cv2.cvtColor(picture.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
        for picture in (real, fake)
    )
    return _three(np.clip(np.linalg.norm(one - two, axis=-1) / _LAB_RANGE, 0, 1))


def _by_channel(similarity: Callable[[Plane, Plane], Plane], real: Picture, fake: Picture) -> Map:
    """Compare channel by channel, whose planes fit a processor's cache, and turn similarity around."""
    found = np.empty(real.shape, np.float32)
    for channel in range(real.shape[2]):
        one, two = (np.ascontiguousarray(picture[..., channel], np.float64) for picture in (real, fake))
        found[..., channel] = np.clip(1 - similarity(one, two), 0, 1)
    return found


_MAPS: dict[Metric, Callable[[Picture, Picture], Map]] = {
    "ssim": partial(_by_channel, _ssim),
    "ms-ssim": partial(_by_channel, _ms_ssim),
    "gms": _gms,
    "absolute": _absolute,
    "colour": _colour,
}


def _similarities(one: Plane, two: Plane) -> tuple[Plane, Plane]:
    """Compare luminance, and contrast and structure: the two factors of SSIM."""
    mean_one, mean_two = _window(one), _window(two)
    squares = mean_one**2 + mean_two**2
    product = 2 * mean_one * mean_two
    luminance = (product + _C1) / (squares + _C1)
    variances = _window(one * one + two * two) - squares
    structure = (2 * _window(one * two) - product + _C2) / (variances + _C2)
    return luminance, structure


def _window(values: Plane) -> Plane:
    """Mean over the Gaussian window; the picture is mirrored at its border."""
    side = 2 * _RADIUS + 1
    return np.asarray(
        cv2.GaussianBlur(values, (side, side), _SIGMA, borderType=cv2.BORDER_REFLECT), np.float64
    )


def _halved(values: Plane) -> Plane:
    """Take means of 2 x 2; an odd last row or column is shared out."""
    height, width = values.shape[:2]
    size = max(width // 2, 1), max(height // 2, 1)
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float64)


def _gradient(values: Plane) -> Plane:
    """Magnitude of the Prewitt gradient."""
    ramp, flat = np.array([1.0, 0.0, -1.0]), np.full(3, 1 / 3)
    x = cv2.sepFilter2D(values, -1, ramp, flat, borderType=cv2.BORDER_REFLECT)
    y = cv2.sepFilter2D(values, -1, flat, ramp, borderType=cv2.BORDER_REFLECT)
    return np.hypot(x, y)


def _three(values: NDArray[np.floating]) -> Map:
    """Repeat (H, W) in three channels."""
    return np.repeat(values.astype(np.float32)[..., None], 3, axis=-1)
