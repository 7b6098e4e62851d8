"""Choose the moments at which a video is looked at, and some of many things."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How many frames of a video are wanted, and how they lie in time.

    Attributes:
        frames: How many, by time; 0 takes every frame.
        every: Every N-th frame in order of presentation instead, 1 takes every frame; 0 is off.
        burst: In long videos, how many samples lie close together so that people can be followed; 1 is off.
        burst_seconds: In long videos, time from the first to the last sample of a burst; above 0.
        burst_beyond: Length in seconds from which a video is long.
    """

    frames: int
    every: int
    burst: int
    burst_seconds: float
    burst_beyond: float

    def __post_init__(self) -> None:
        if self.frames < 0 or self.every < 0 or self.burst < 1:
            raise ValueError(f"counts out of range: {self}")
        if not self.burst_seconds > 0 or not self.burst_beyond >= 0:
            raise ValueError(f"times out of range: {self}")

    @property
    def stride(self) -> int:
        """Every how many-th frame is taken where frames are counted; 0 where they are chosen by time."""
        return self.every or (0 if self.frames else 1)


def sample_times(duration: float, sampling: Sampling) -> NDArray[np.float64]:
    """Spread ``sampling.frames`` moments over a video.

    The video is cut into equal intervals and the centre of each is taken, so that neither the first nor the
    last frame, often black or a title, is special. In a long video the intervals hold a burst each.

    Args:
        duration: Length of the video in seconds, 0 or more.
        sampling: What is wanted; its ``stride`` must be 0.

    Returns:
        (frames,) seconds since the first frame, ascending, within [0, duration].
    """
    if sampling.stride:
        raise ValueError("a stride counts frames, it has no times")
    if not (np.isfinite(duration) and duration >= 0):
        raise ValueError(f"no duration: {duration}")
    # Samples that lie closer than a burst is long follow people well enough, and bursts would overlap.
    crowded = duration <= sampling.frames * sampling.burst_seconds
    if sampling.burst == 1 or duration < sampling.burst_beyond or crowded:
        return _centres(sampling.frames) * duration
    bursts = -(-sampling.frames // sampling.burst)
    sizes = np.full(bursts, sampling.frames // bursts)
    sizes[: sampling.frames % bursts] += 1
    step = sampling.burst_seconds / (sampling.burst - 1)
    offsets = np.concatenate([(np.arange(size) - (size - 1) / 2) * step for size in sizes])
    times: NDArray[np.float64] = np.repeat(_centres(bursts) * duration, sizes) + offsets
    return times.clip(0, duration)


def evenly_spread(things: Sequence[_T], most: int) -> list[_T]:
    """Choose at most so many, in order: the middle one of each of so many equal parts."""
    most = min(len(things), most)
    return [things[(2 * i + 1) * len(things) // (2 * most)] for i in range(most)]


def _centres(count: int) -> NDArray[np.float64]:
    """Centres of ``count`` equal parts of [0, 1]."""
    return np.asarray((np.arange(count) + 0.5) / count, dtype=np.float64)
