"""What all augmentations in a plan have in common."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Picture = NDArray[np.uint8]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Entry(BaseModel):
    """One augmentation: fixed once read, no unknown keys, numbers that are numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Change a frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            frame: Its number from 0.
            time: Seconds since the first frame.
        """
        raise NotImplementedError
