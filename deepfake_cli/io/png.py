"""Store pictures without loss."""

import cv2
import numpy as np
from numpy.typing import NDArray


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture, (H, W, 3) RGB or (H, W) grey; the same picture gives the same bytes."""
    stored = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return bytes(cv2.imencode(".png", stored)[1])
