"""The six distractions that a plan may hold: their parameters, checked, and what they do to a frame."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from deepfake_cli.core import distractions as draw
from deepfake_cli.settings import Colour, Portion, Speed

from .augment_entry import Entry, Picture, Seed

Place = Annotated[float, Field(ge=0, le=1)]
SlotSeconds = Annotated[float, Field(gt=0, le=3600)]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")]


class _Text(Entry):
    text: Text
    height: Portion
    colour: Colour
    x: Place
    y: Place

    def write(self, image: Picture, place: tuple[float, float]) -> Picture:
        """Write the text over a frame."""
        return draw.draw_text(image, self.text, place, self.height, self.colour)


class StaticText(_Text):
    """Write something over the video."""

    kind: Literal["static-text"]

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Write over a frame."""
        return self.write(image, (self.x, self.y))


class RollingText(_Text):
    """Let something written roll through the video."""

    kind: Literal["rolling-text"]
    direction: draw.Direction
    speed: Speed

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Write over a frame."""
        return self.write(image, draw.rolled((self.x, self.y), self.direction, self.speed, time))


class _Shape(Entry):
    shape: draw.ShapeName
    size: Portion
    colour: Colour
    x: Place
    y: Place

    def paint(self, image: Picture, place: tuple[float, float]) -> Picture:
        """Draw the shape over a frame."""
        return draw.draw_shape(image, self.shape, place, self.size, self.colour)


class StaticShape(_Shape):
    """Draw a shape over the video."""

    kind: Literal["static-shape"]

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Draw over a frame."""
        return self.paint(image, (self.x, self.y))


class RollingShape(_Shape):
    """Let a shape roll through the video."""

    kind: Literal["rolling-shape"]
    direction: draw.Direction
    speed: Speed

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Draw over a frame."""
        return self.paint(image, draw.rolled((self.x, self.y), self.direction, self.speed, time))


class _Spontaneous(Entry):
    rate: Portion
    slot: SlotSeconds
    colours: Annotated[list[Colour], Field(min_length=1)]
    seed: Seed

    def appears(self, time: float) -> np.random.Generator | None:
        """Return what draws how it looks, if there is something to be seen at a time."""
        return draw.appearance(self.seed, self.rate, self.slot, time)


class SpontaneousText(_Spontaneous):
    """Write something now and then, each time something else somewhere else."""

    kind: Literal["spontaneous-text"]
    heights: Annotated[list[Portion], Field(min_length=2, max_length=2)]

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Write over a frame, or not."""
        rng = self.appears(time)
        if rng is None:
            return image
        place, text = draw.random_place(rng), draw.random_text(rng)
        height = float(rng.uniform(min(self.heights), max(self.heights)))
        colour = self.colours[rng.integers(len(self.colours))]
        return draw.draw_text(image, text, place, height, colour)


class SpontaneousShape(_Spontaneous):
    """Draw a shape now and then, each time another one somewhere else."""

    kind: Literal["spontaneous-shape"]
    sizes: Annotated[list[Portion], Field(min_length=1)]

    def apply(self, image: Picture, frame: int, time: float) -> Picture:
        """Draw over a frame, or not."""
        rng = self.appears(time)
        if rng is None:
            return image
        place = draw.random_place(rng)
        shape: draw.ShapeName = "circle" if rng.random() < 0.5 else "rectangle"
        size, colour = (
            self.sizes[rng.integers(len(self.sizes))],
            self.colours[rng.integers(len(self.colours))],
        )
        return draw.draw_shape(image, shape, place, size, colour)
