"""Every augmentation that a plan may hold: its parameters, checked, and what it does to a frame.

One class a kind; the fields are the keys of an entry in ``plan.json``. What is random in a frame comes from
the entry's seed and the frame's number or time alone: no matter in which order or process frames are made.
"""

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, TypeAdapter, model_validator

from deepfake_cli.core import augmentations as change
from deepfake_cli.settings import (
    BlurKernel,
    BrightnessAmount,
    ContrastAmount,
    Degrees,
    FrameSize,
    NoiseKind,
    Photons,
    Portion,
)

from .augment_distractions import (
    RollingShape,
    RollingText,
    SpontaneousShape,
    SpontaneousText,
    StaticShape,
    StaticText,
)
from .augment_entry import Entry, Picture, Seed

_STRENGTH: dict[NoiseKind, str] = {
    "gaussian": "variance",
    "speckle": "variance",
    "local-variance": "variance",
    "salt": "amount",
    "pepper": "amount",
    "salt-and-pepper": "amount",
    "poisson": "peak",
}


class Rotation(Entry):
    """Turn counter-clockwise."""

    kind: Literal["rotation"]
    degrees: Degrees

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Turn a frame."""
        return change.rotate(image, self.degrees)


class Flip(Entry):
    """Mirror left to right."""

    kind: Literal["flip"]

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Mirror a frame."""
        return change.flip(image)


class Rescale(Entry):
    """Bring to another size."""

    kind: Literal["rescale"]
    size: FrameSize

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Resize a frame."""
        width, height = map(int, self.size.split("x"))
        return change.rescale(image, width, height)


class Contrast(Entry):
    """Spread values about mid-grey, or draw them together."""

    kind: Literal["contrast"]
    amount: ContrastAmount

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Change a frame's contrast."""
        return change.contrast(image, self.amount)


class Brightness(Entry):
    """Raise black or lower white."""

    kind: Literal["brightness"]
    amount: BrightnessAmount

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Change a frame's brightness."""
        return change.brightness(image, self.amount)


class Blur(Entry):
    """Take means over squares."""

    kind: Literal["blur"]
    kernel: BlurKernel

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Blur a frame."""
        return change.blur(image, self.kernel)


class Noise(Entry):
    """Add noise, other noise in every frame; which strength it takes depends on the noise."""

    kind: Literal["noise"]
    noise: NoiseKind
    variance: Portion | None = None
    amount: Portion | None = None
    peak: Photons | None = None
    seed: Seed

    @model_validator(mode="after")
    def _strength_fits(self) -> Self:
        wanted = _STRENGTH[self.noise]
        given = {name for name in ("variance", "amount", "peak") if getattr(self, name) is not None}
        if given != {wanted}:
            raise ValueError(f"{self.noise} noise takes {wanted}, and no other strength")
        return self

    @property
    def strength(self) -> float:
        """Variance, amount or peak."""
        return float(getattr(self, _STRENGTH[self.noise]))

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Make a frame noisy."""
        rng = np.random.default_rng([self.seed, frame])
        if self.noise == "local-variance":  # where it is how strong stays the same throughout
            where = np.random.default_rng(self.seed)
            variances = change.variance_map(image.shape[0], image.shape[1], self.strength, where)
            return change.local_variance(image, variances, rng)
        functions = {
            "gaussian": change.gaussian,
            "speckle": change.speckle,
            "salt": change.salt,
            "pepper": change.pepper,
            "salt-and-pepper": change.salt_and_pepper,
            "poisson": change.poisson,
        }
        return functions[self.noise](image, self.strength, rng)


Augmentation = Annotated[
    Rotation
    | Flip
    | Rescale
    | Contrast
    | Brightness
    | Blur
    | Noise
    | StaticText
    | RollingText
    | SpontaneousText
    | StaticShape
    | RollingShape
    | SpontaneousShape,
    Field(discriminator="kind"),
]


Entries = tuple[Augmentation, ...]
ENTRY: TypeAdapter[Augmentation] = TypeAdapter(Augmentation)


def to_json(entry: Augmentation) -> dict[str, Any]:
    """Turn an entry into what stands in ``plan.json``: its kind first."""
    values = entry.model_dump(mode="json", exclude_none=True)
    return {"kind": values.pop("kind"), **values}


class Chain:
    """The augmentations of one video, one after the other; what ``rewrite_video`` takes.

    Args:
        entries: In the order in which they are applied.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def __call__(self, image: Picture, frame: int, time: float) -> Picture:
        """Change a frame, given its number and its time in seconds."""
        for entry in self._entries:
            image = entry.apply(image, frame, time)
        return image
