"""Where a classifier looks: its heat spread over a face, and painted on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

_OPACITY = 0.45  # of the colours on the face


def spread_heat(heat: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Spread heat, which the network gives for a few places, over the face.

    Args:
        heat: (h, w) how much each place says for fake, on the scale of calibrated logits.
        size: S, side of the face in pixels.

    Returns:
        (S, S) P(fake) by each place alone, in [0, 1]: above a half it speaks for fake.
    """
    fine = cv2.resize(np.asarray(heat, np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray((1 + np.tanh(fine / 2)) / 2, np.float32)  # the sigmoid, without overflow


def paint_heat(face: NDArray[np.uint8], warmth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lay colours over a face: from blue, which speaks for real, to red, which speaks for fake.

    Args:
        face: (S, S, 3) RGB.
        warmth: (S, S) in [0, 1], as ``spread_heat`` returns it.

    Returns:
        (S, S, 3) RGB.
    """
    levels = np.rint(warmth * 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.addWeighted(face, 1 - _OPACITY, colours, _OPACITY, 0), np.uint8)
