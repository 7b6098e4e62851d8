"""Tell from small descriptions of frames whether a cut lies between them."""

from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .appearance import agreement, colours, thin

_SAMPLES = 96  # pixels a side that a frame is thinned to
_SIDE = 24  # of the thumbnail, pixels
_SHIFT = 3  # pixels of the thumbnail that a picture may have moved: 12 % of the frame, in both directions
_GRADUAL_SECONDS = 1.0  # over which a dissolve is noticed
_GRADUAL_FRAMES = 64  # at most remembered for that
_GRADUAL = 1.4  # times the change of a cut: within a second people and cameras move farther


class Scene(NamedTuple):
    """What is remembered of a frame.

    Attributes:
        thumbnail: (24, 24, 3) blurred Lab picture, stretched to a square.
        colours: Histogram with sum 1 of the frame's colours.
    """

    thumbnail: NDArray[np.float32]
    colours: NDArray[np.float32]


def describe_scene(frame: NDArray[np.uint8]) -> Scene:
    """Describe a frame as a whole.

    Args:
        frame: (H, W, 3) picture.

    Returns:
        Its description, of the same size whatever the frame's.
    """
    height, width = frame.shape[:2]
    small = thin(frame, (0, 0, width, height), _SAMPLES)
    lab = cv2.cvtColor(cv2.resize(small, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2Lab)
    thumbnail = cv2.GaussianBlur(lab.astype(np.float32), (0, 0), 1.0)
    return Scene(np.asarray(thumbnail, dtype=np.float32), colours(small))


def scene_change(a: Scene, b: Scene) -> float:
    """Tell how much the picture changed between two frames, from 0 (not at all) to 1 (nothing in common).

    The geometric mean of what changed in structure (the thumbnails' correlation at the best shift) and in
    colour. What moves keeps its colours and light keeps the structure, so either alone stays small; a cut
    changes both.
    """
    structure = 1 - max(_correlation(a.thumbnail, b.thumbnail), _correlation(b.thumbnail, a.thumbnail), 0.0)
    colour = 1 - agreement(a.colours, b.colours) ** 2
    return float(np.sqrt(max(structure, 0.0) * max(colour, 0.0)))


def _correlation(picture: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlate the middle of a picture with another one at the shift that fits best; in [-1, 1]."""
    middle = np.ascontiguousarray(picture[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT])
    flat, other_flat = float(middle.std(axis=(0, 1)).max()) < 1, float(other.std(axis=(0, 1)).max()) < 1
    if flat or other_flat:  # a black, white or plain frame has no structure to correlate
        return 1.0 if flat and other_flat else 0.0
    return float(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED).max())


class Shots:
    """Number the shots of a video, fed with the descriptions of its sampled frames in order.

    A flash, or a few frames of something else, does not part a shot: once the old picture is back it goes on
    under its old number. Slow transitions are found by looking a second back.

    Args:
        cut: Change, in [0, 1], from which on a cut lies between frames half a second or more apart. Frames
            that follow each other at once differ by little, so half of it is enough for them.
        flash_seconds: Within which the old picture must be back.
    """

    def __init__(self, cut: float, flash_seconds: float) -> None:
        self._cut, self._flash_seconds = cut, flash_seconds
        self._number = self._last_number = 0
        self._past: deque[tuple[float, Scene]] = deque(maxlen=_GRADUAL_FRAMES)
        self._before_cut: tuple[int, float, Scene] | None = None

    def follow(self, time: float, scene: Scene) -> int:
        """Return the number of the shot that the next frame belongs to; the first one is 0."""
        while self._past and time - self._past[0][0] > _GRADUAL_SECONDS and len(self._past) > 1:
            self._past.popleft()
        before = self._before_cut
        if before is not None and time - before[1] > self._flash_seconds:
            self._before_cut = before = None
        if before is not None and not self._is_cut(time, scene, *before[1:]):
            self._number, self._before_cut = before[0], None
            self._past.clear()
        elif self._past and self._is_cut(time, scene, *self._past[-1]):
            # In a row of changes it is the picture before the first one that may come back.
            self._before_cut = before or (self._number, *self._past[-1])
            self._begin()
        elif self._past and self._is_cut(time, scene, *self._past[0], _GRADUAL):
            self._before_cut = None
            self._begin()
        self._past.append((time, scene))
        return self._number

    def _begin(self) -> None:
        self._last_number += 1
        self._number = self._last_number
        self._past.clear()

    def _is_cut(self, time: float, scene: Scene, then: float, old: Scene, lenience: float = 1.0) -> bool:
        return scene_change(old, scene) >= self._cut * lenience * min(0.5 + max(time - then, 0.0), 1.0)
