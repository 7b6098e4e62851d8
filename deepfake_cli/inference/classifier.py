"""Score faces with a trained classifier."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.errors import ModelError

from .session import open_session

INPUT, OUTPUT = "faces", "logits"
# Larger batches are not faster on a CPU, they only take memory: 3.3 ms a face from 1 to 8, 4.1 at 32.
BATCH = 8


class Classifier:
    """A network that tells how likely a face is fake.

    Args:
        onnx: Path of the network: input ``faces`` (N, 3, S, S) float32 RGB, output ``logits`` (N,) float32.
        size: S, side of a face in pixels.
        mean: Red, green and blue subtracted from pixels on a scale of 0 to 1.
        std: Red, green and blue that pixels are divided by afterwards.
        temperature: Logits are divided by it before they become probabilities; above 0.
        threads: How many threads one call may use.

    Raises:
        ModelError: The network cannot be loaded, or has other inputs and outputs.
    """

    def __init__(
        self,
        onnx: Path,
        *,
        size: int,
        mean: ArrayLike,
        std: ArrayLike,
        temperature: float = 1.0,
        threads: int = 1,
    ) -> None:
        self._session = open_session(onnx, threads)
        self._shape = (3, size, size)
        # (x / 255 - mean) / std as one multiplication and one addition
        self._scale = np.asarray(1 / (255 * np.asarray(std, np.float64)), np.float32).reshape(3, 1, 1)
        self._shift = np.asarray(-np.asarray(mean) / np.asarray(std), np.float32).reshape(3, 1, 1)
        self._temperature = temperature
        self._check(onnx)

    def score(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tell how likely each face is fake.

        Args:
            faces: (N, S, S, 3) RGB; N may be 0.

        Returns:
            (N,) calibrated P(fake) in [0, 1].

        Raises:
            ModelError: The network answers with something that is not a number.
        """
        x = self.logits(faces).astype(np.float64) / self._temperature
        return ((1 + np.tanh(x / 2)) / 2).astype(np.float32)  # the sigmoid, without overflow

    def logits(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network: (N, S, S, 3) RGB faces in, (N,) logits out, above 0 for fake.

        Raises:
            ModelError: The network answers with something that is not a number.
        """
        if faces.dtype != np.uint8 or faces.shape[1:] != (*self._shape[1:], 3):
            raise ValueError(
                f"faces must be uint8 (N, {self._shape[1]}, {self._shape[1]}, 3), not {faces.shape}"
            )
        batches = [self._run(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
        logits = np.concatenate([np.empty(0, np.float32), *batches])
        if not np.isfinite(logits).all():
            raise ModelError("the classifier answers with something that is not a number")
        return logits

    def preprocess(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (N, S, S, 3) RGB faces into the (N, 3, S, S) input of the network."""
        planes = np.empty((len(faces), *self._shape), np.float32)
        np.multiply(faces.transpose(0, 3, 1, 2), self._scale, out=planes)
        planes += self._shift
        return planes

    def _run(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        (logits,) = self._session.run([OUTPUT], {INPUT: self.preprocess(faces)})
        return np.asarray(logits, dtype=np.float32).reshape(len(faces))

    def _check(self, onnx: Path) -> None:
        wanted = f"{INPUT} (N, 3, {self._shape[1]}, {self._shape[1]}) float to {OUTPUT} (N) float"
        found = f"{_describe(self._session.get_inputs())} to {_describe(self._session.get_outputs())}"
        if found != wanted:
            raise ModelError(
                f"{onnx} does not fit its config.json: it maps {found}, not {wanted}",
                "export it again, with the batch as its only free dimension",
            )


def _describe(nodes: list[Any]) -> str:
    # A dimension is a number, or a name (or nothing) where it is free.
    return ", ".join(
        f"{node.name} ({', '.join(str(d) if isinstance(d, int) else 'N' for d in node.shape)}) "
        f"{node.type.removeprefix('tensor(').removesuffix(')')}"
        for node in nodes
    )
