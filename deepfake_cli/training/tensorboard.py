"""What TensorBoard shows of a run."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_EVERY = 20  # steps between points of the curves of single steps


class TensorBoard:
    """Writes what TensorBoard shows.

    Args:
        folder: Where; made with the first entry, which only the first of several processes makes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def step(self, number: int, values: Mapping[str, float]) -> None:
        """Note values of a step, of every twentieth."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # What an interrupted run noted beyond its last checkpoint is taken back.
            self._writer = SummaryWriter(str(self._folder), purge_step=number)
        if number % _EVERY == 0:
            for name, value in values.items():
                self._writer.add_scalar(name, value, number)

    def epoch(
        self, steps: int, values: Mapping[str, float], pictures: Mapping[str, NDArray[np.uint8]] | None = None
    ) -> None:
        """Note values, and pictures (H, W, 3), of an epoch that ended after so many steps."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, steps)
        for name, picture in (pictures or {}).items():
            self._writer.add_image(name, picture, steps, dataformats="HWC")
        self._writer.flush()
