"""Turn faces into what networks that look at them take."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Normaliser:
    """Makes the input of a network out of faces: ``(x / 255 - mean) / std``.

    Args:
        size: S, side of a face in pixels.
        mean: Red, green and blue subtracted from pixels on a scale of 0 to 1.
        std: Red, green and blue that pixels are divided by afterwards.
    """

    def __init__(self, size: int, mean: ArrayLike, std: ArrayLike) -> None:
        self._size = size
        # As one multiplication and one addition
        self._scale = np.asarray(1 / (255 * np.asarray(std, np.float64)), np.float32).reshape(3, 1, 1)
        self._shift = np.asarray(-np.asarray(mean) / np.asarray(std), np.float32).reshape(3, 1, 1)

    def __call__(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (N, S, S, 3) RGB faces into (N, 3, S, S) planes.

        Raises:
            ValueError: The faces are of another type or shape.
        """
        side = self._size
        if faces.dtype != np.uint8 or faces.shape[1:] != (side, side, 3):
            raise ValueError(f"faces must be uint8 (N, {side}, {side}, 3), not {faces.dtype} {faces.shape}")
        planes = np.empty((len(faces), 3, side, side), np.float32)
        np.multiply(faces.transpose(0, 3, 1, 2), self._scale, out=planes)
        planes += self._shift
        return planes
