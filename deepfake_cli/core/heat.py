"""Where a classifier looks: its heat spread over a face, and painted on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

_OPACITY = 0.45  # of the colours on the face
_FAINT = 1.0  # of the strongest place: weaker heat is not painted any stronger


def spread_heat(heat: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Spread heat, which the network gives for a few places, over the face.

    Args:
        heat: (h, w) how much each place says for fake, on the scale of calibrated logits.
        size: S, side of the face in pixels.

    Returns:
        (S, S) on the same scale: above 0 it speaks for fake, below for real.
    """
    fine = cv2.resize(np.asarray(heat, np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float32)


def paint_heat(face: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lay colours over a face: from blue, which speaks for real, over green to red, which speaks for fake.

    The strongest place of a face has the strongest colour, so that its own places can be told apart.

    Args:
        face: (S, S, 3) RGB.
        heat: (S, S), as ``spread_heat`` returns it.

    Returns:
        (S, S, 3) RGB.
    """
    strongest = max(float(np.abs(heat).max()), _FAINT)
    levels = np.rint((heat / strongest + 1) * 127.5).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.addWeighted(face, 1 - _OPACITY, colours, _OPACITY, 0), np.uint8)
