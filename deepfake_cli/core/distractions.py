"""Text and shapes laid over a video: static, rolling through it, or appearing now and then.

After Prajapati & Pollett, arXiv 2203.00108. Where something is follows from the time in the video alone, so
that videos of one scene stay aligned, whatever their frame rate, and frames can be drawn in any order.
Places are shares of the frame's width and height, from its top left corner.
"""

import string
from math import floor
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Direction = Literal["left", "right", "up", "down"]
ShapeName = Literal["circle", "rectangle"]

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}
_STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 20.3  # height of a capital letter of OpenCV 5 at scale 1; pixels
_LETTERS = string.ascii_letters + string.digits


def draw_text(image: Picture, text: str, place: tuple[float, float], height: float, colour: str) -> Picture:
    """Write text over a copy of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        text: What to write; ASCII.
        place: Of its middle.
        height: Of a capital letter, as a share of the frame's height.
        colour: A key of ``COLOURS``.
    """
    rows, columns = image.shape[:2]
    tall = height * rows
    scale, thickness = tall / _CAPITAL, max(round(tall / 10), 1)
    (width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    corner = (round(place[0] * columns - width / 2), round(place[1] * rows + tall / 2))
    drawn = cv2.putText(image.copy(), text, corner, _FONT, scale, COLOURS[colour], thickness, cv2.LINE_AA)
    return np.asarray(drawn, dtype=np.uint8)


def draw_shape(
    image: Picture, shape: ShapeName, place: tuple[float, float], size: float, colour: str
) -> Picture:
    """Draw a filled shape over a copy of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        shape: A circle or a rectangle.
        place: Of its middle.
        size: A circle's radius as a share of the frame's width; a rectangle's width and height as shares of
            the frame's.
        colour: A key of ``COLOURS``.
    """
    rows, columns = image.shape[:2]
    drawn = image.copy()
    x, y = place[0] * columns, place[1] * rows
    if shape == "circle":
        cv2.circle(drawn, (round(x), round(y)), max(round(size * columns), 1), COLOURS[colour], -1)
    else:
        first = round(x - size * columns / 2), round(y - size * rows / 2)
        last = round(x + size * columns / 2) - 1, round(y + size * rows / 2) - 1  # which is drawn too
        cv2.rectangle(drawn, first, last, COLOURS[colour], -1)
    return drawn


def rolled(
    place: tuple[float, float], direction: Direction, speed: float, time: float
) -> tuple[float, float]:
    """Tell where something that rolls is; what leaves the frame on one side comes back on the other.

    Args:
        place: Where it is at time 0.
        direction: Where it goes.
        speed: Frame widths, or heights, a second.
        time: Seconds since the first frame.
    """
    x, y = _STEPS[direction]
    return (place[0] + x * speed * time) % 1.0, (place[1] + y * speed * time) % 1.0


def appearance(seed: int, rate: float, seconds: float, time: float) -> np.random.Generator | None:
    """Tell whether something that comes and goes is there.

    Time is cut into slots; in each of them it is there or not.

    Args:
        seed: Of the draws.
        rate: Share of slots in which it is there; 0 to 1.
        seconds: Length of a slot.
        time: Seconds since the first frame.

    Returns:
        The generator that draws how and where it is, the same for all times in a slot; None where it is not.
    """
    # A frame that begins with a slot belongs to it, whatever the last digit of its time says.
    rng = np.random.default_rng([seed, floor(time / seconds + 1e-6)])
    return rng if rng.random() < rate else None


def random_place(rng: np.random.Generator) -> tuple[float, float]:
    """Draw a place anywhere in the frame; 3 digits."""
    return round(float(rng.random()), 3), round(float(rng.random()), 3)


def random_text(rng: np.random.Generator) -> str:
    """Draw eight letters and digits."""
    return "".join(_LETTERS[i] for i in rng.integers(0, len(_LETTERS), 8))
