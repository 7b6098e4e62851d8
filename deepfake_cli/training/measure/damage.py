"""What happens to pictures on their way to a detector, each kind in five levels, the mildest first.

Levels of noise, scaling, saturation, contrast and blocks are those of Jiang et al., "DeeperForensics-1.0: A
Large-Scale Dataset for Real-World Face Forgery Detection", CVPR 2020.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core import perturbations as perturb
from deepfake_cli.io.h264 import through_h264

Picture = NDArray[np.uint8]  # (H, W, 3) RGB


@dataclass(frozen=True)
class Kind:
    """A kind of damage.

    Attributes:
        meaning: What is done, and what its levels are.
        levels: Five, the mildest first.
        apply: Takes a picture, a level and what draws come from; returns a picture of the same size.
    """

    meaning: str
    levels: tuple[float, ...]
    apply: Callable[[Picture, float, np.random.Generator], Picture]


KINDS = {
    "jpeg": Kind("JPEG, quality", (90, 70, 50, 30, 15), lambda p, v, _: perturb.jpeg(p, int(v))),
    "h264": Kind("H.264 key frame, CRF", (23, 28, 33, 38, 43), lambda p, v, _: through_h264(p, int(v))),
    "blur": Kind("Gaussian blur, kernel in px", (5, 7, 11, 15, 21), lambda p, v, _: perturb.blur(p, int(v))),
    "noise": Kind("Gaussian noise, variance", (0.001, 0.002, 0.005, 0.01, 0.05), perturb.noise),
    "scale": Kind("Scaled down and up, by", (2, 3, 4, 5, 6), lambda p, v, _: perturb.rescale(p, 1 / v)),
    "saturation": Kind("Saturation, of 1", (0.4, 0.3, 0.2, 0.1, 0.0), lambda p, v, _: perturb.saturate(p, v)),
    "contrast": Kind(
        "Contrast about mid-grey, of 1",
        (0.85, 0.725, 0.6, 0.475, 0.35),
        lambda p, v, _: perturb.tone(p, v, 0),
    ),
    "blocks": Kind(
        "Grey blocks of 8 x 8 px", (16, 32, 48, 64, 80), lambda p, v, rng: perturb.cover(p, int(v), rng)
    ),
}
