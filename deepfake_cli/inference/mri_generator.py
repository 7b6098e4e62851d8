"""Paint maps of what was changed in a face, with a trained generator."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.errors import ModelError

from .normalise import Normaliser
from .session import describe, open_session

INPUT, OUTPUT = "faces", "maps"
BATCH = 8  # faces that pass the network at once, to bound memory
_SLACK = 1e-3  # beyond [0, 1] that rounding may lead; more is not a map


class MriGenerator:
    """A network that paints how a face differs from its unseen original.

    Prajapati and Pollett, "MRI-GAN: A Generalized Approach to Detect DeepFakes using Perceptual Image
    Assessment", 2022.

    Args:
        onnx: Path of the network: ``faces`` (N, 3, S, S) float32 RGB to ``maps`` (N, 3, S, S) float32.
        size: S, side of a face and of its map in pixels.
        mean: Red, green and blue subtracted from pixels on a scale of 0 to 1.
        std: Red, green and blue that pixels are divided by afterwards.
        threads: How many threads one call may use.

    Raises:
        ModelError: The network cannot be loaded, or has other inputs and outputs.
    """

    def __init__(self, onnx: Path, *, size: int, mean: ArrayLike, std: ArrayLike, threads: int = 1) -> None:
        self._session = open_session(onnx, threads)
        self._normalise = Normaliser(size, mean, std)
        self._size = size
        self._check(onnx)

    def paint(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Paint the map of each face.

        Args:
            faces: (N, S, S, 3) RGB; N may be 0.

        Returns:
            (N, S, S, 3) in [0, 1]; 0 is unchanged.

        Raises:
            ModelError: The network answers with something that is no map.
        """
        maps = np.empty((len(faces), self._size, self._size, 3), np.float32)
        for start in range(0, len(faces), BATCH):
            planes = self._normalise(faces[start : start + BATCH])
            (painted,) = self._session.run([OUTPUT], {INPUT: planes})
            # A comparison with what is not a number is false, too.
            if not (painted.min() >= -_SLACK and painted.max() <= 1 + _SLACK):
                raise ModelError("the generator answers with something that is no map: values beyond 0 to 1")
            maps[start : start + BATCH] = painted.transpose(0, 2, 3, 1)
        return maps.clip(0, 1)

    def _check(self, onnx: Path) -> None:
        shape = f"(N, 3, {self._size}, {self._size}) float"
        wanted = f"{INPUT} {shape} to {OUTPUT} {shape}"
        found = f"{describe(self._session.get_inputs())} to {describe(self._session.get_outputs())}"
        if found != wanted:
            raise ModelError(
                f"{onnx} does not fit its config.json: it maps {found}, not {wanted}",
                "export it again, with the batch as its only free dimension",
            )
