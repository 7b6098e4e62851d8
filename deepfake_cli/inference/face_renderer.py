"""Take faces apart into albedo, normals, shading, shadow and lighting, with a trained renderer."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.core.face_parts import MODALITIES, FaceParts, parts_of_each
from deepfake_cli.errors import ModelError
from deepfake_cli.io.model_folder import RendererFolder

from .normalise import Normaliser
from .session import describe, open_session

INPUT = "faces"
BATCH = 8  # faces that pass the network at once, to bound memory
_SLACK = 1e-3  # beyond [0, 1] that rounding may lead; more is no share of light


class Renderer:
    """A network that says what faces are made of, as ``docs/renderer.md`` describes.

    Args:
        onnx: Path of the network: ``faces`` (N, 3, S, S) float32 RGB to ``albedo``, ``normals`` and
            ``shading`` (N, 3, S, S), ``shadow`` (N, 1, S, S) and ``lighting`` (N, 9, 3), float32.
        size: S, side of a face and of its maps in pixels.
        mean: Red, green and blue subtracted from pixels on a scale of 0 to 1.
        std: Red, green and blue that pixels are divided by afterwards.
        threads: How many threads one call may use.

    Raises:
        ModelError: The network cannot be loaded, or has other inputs and outputs.
    """

    def __init__(self, onnx: Path, *, size: int, mean: ArrayLike, std: ArrayLike, threads: int = 1) -> None:
        self._session = open_session(onnx, threads)
        self._normalise = Normaliser(size, mean, std)
        self._check(onnx, size)

    @classmethod
    def of(cls, folder: RendererFolder, threads: int = 1) -> Self:
        """Load the network of a renderer's folder.

        Args:
            folder: Its files.
            threads: How many threads one call may use.

        Raises:
            ModelError: It cannot be loaded, or does not fit its `config.json`.
        """
        how = folder.config.input
        return cls(folder.onnx, size=how.size, mean=how.mean, std=how.std, threads=threads)

    def take_apart(self, faces: NDArray[np.uint8]) -> list[FaceParts]:
        """Say what each face is made of.

        Args:
            faces: (N, S, S, 3) RGB; N may be 0.

        Returns:
            N parts, in order.

        Raises:
            ModelError: The network answers with something that no face is made of.
        """
        found: list[FaceParts] = []
        for start in range(0, len(faces), BATCH):
            planes = self._normalise(faces[start : start + BATCH])
            outputs = dict(zip(MODALITIES, self._session.run(list(MODALITIES), {INPUT: planes}), strict=True))
            for name in ("albedo", "shadow"):
                # A comparison with what is not a number is false, too.
                if not (outputs[name].min() >= -_SLACK and outputs[name].max() <= 1 + _SLACK):
                    raise ModelError(f"the renderer answers with {name} beyond 0 to 1")
                outputs[name] = outputs[name].clip(0, 1)
            for name in ("normals", "shading", "lighting"):
                if not np.isfinite(outputs[name]).all():
                    raise ModelError(f"the renderer answers with {name} that is no number")
            found += parts_of_each(**outputs)
        return found

    def _check(self, onnx: Path, size: int) -> None:
        wanted = (
            f"{INPUT} (N, 3, {size}, {size}) float to "
            + "".join(f"{name} (N, 3, {size}, {size}) float, " for name in MODALITIES[:3])
            + f"shadow (N, 1, {size}, {size}) float, lighting (N, 9, 3) float"
        )
        found = f"{describe(self._session.get_inputs())} to {describe(self._session.get_outputs())}"
        if found != wanted:
            raise ModelError(
                f"{onnx} does not fit its config.json: it maps {found}, not {wanted}",
                "export it again, with the batch as its only free dimension",
            )
