"""Follow every person through the sampled frames of a video.

Frames may follow each other at once, a third of a second apart, or in short bursts minutes apart. The longer
the time since a person was last seen, the less their place says and the more they must look the same: within
a second a face may have moved only so far and grown only so much; across minutes its likeness alone links it,
and more of it is asked for. A cut ends all tracks: the same person after it is a new track, because who it is
cannot be told from colours.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .appearance import blend, describe, likeness
from .assignment import assign
from .boxes import iou
from .quality import quality
from .scenes import Shots, describe_scene

_NEAR_DISTANCE = 0.6  # face widths that a face may be off its predicted place however short the time
_NEAR_GROWTH = 0.4  # logarithm of the size ratio that is allowed however short the time: half as large again
_GROWTH = 1.0  # the same for every second that passed
_LEAST_TRUST = 0.2  # weight of the place across any gap: people in a studio keep their seats
_VELOCITY_SECONDS = 0.5  # of past movement the prediction rests on: in less, jitter looks like speed
_PREDICTED_SECONDS = 1.0  # for which movement is taken to go on
_LEARNING = 0.3  # share of the new face in what is remembered of a person's look
_CROWDED = 0.1  # IoU with another face from which on the look is not learned: it shows both


@dataclass(slots=True)
class Observation:
    """One face of one person in one frame.

    Attributes:
        index: Number of the frame in the video.
        time: Of the frame, seconds.
        box: (4,) x0, y0, x1, y1 in pixels of the frame.
        points: (5, 2) eyes, nose, corners of the mouth, in pixels.
        probability: The detector's that this is a face, [0, 1].
        quality: How well the face can be seen, [0, 1].
        score: P(fake), [0, 1]; None until the face is classified.
    """

    index: int
    time: float
    box: NDArray[np.float32]
    points: NDArray[np.float32]
    probability: float
    quality: float
    score: float | None = None


@dataclass(slots=True)
class Track:
    """One person through a part of a video without cuts.

    Attributes:
        id: Number of the track, from 1 in order of appearance.
        observations: The person's faces, at most one for each frame, in order of time; never empty.
    """

    id: int
    observations: list[Observation] = field(default_factory=list)


@dataclass(slots=True)
class _Live:
    """A track that may go on, with what is needed to recognise the person."""

    track: Track
    shot: int
    last_look: NDArray[np.float32]
    usual_look: NDArray[np.float32]
    missed: int = 0

    @property
    def time(self) -> float:
        return self.track.observations[-1].time

    def predicted(self, time: float) -> NDArray[np.float64]:
        """Return the (4,) box where the face should be at a time, if it moves on as it did."""
        last = self.track.observations[-1]
        box = last.box.astype(np.float64)
        first = last
        for observation in reversed(self.track.observations[:-1][-64:]):
            if last.time - observation.time > _VELOCITY_SECONDS:
                break
            first = observation
        span = last.time - first.time
        if span <= 0:
            return box
        shift = _centre(box) - _centre(first.box.astype(np.float64))
        shift *= min(time - last.time, _PREDICTED_SECONDS) / max(span, 0.1)
        return box + np.tile(shift, 2)

    def likeness(self, look: NDArray[np.float32]) -> float:
        return max(likeness(self.last_look, look), likeness(self.usual_look, look))


class Tracker:
    """Follow the persons of one video, fed with its sampled frames in order.

    Memory stays bounded: of every face a few numbers, of every live track two descriptions, never a picture.

    Args:
        cut: Change of the picture, in [0, 1], from which on it is a cut, for frames half a second or more
            apart; half of it for frames that follow each other at once.
        flash_seconds: Within which the old picture must be back for a change to have been a flash and not a
            cut.
        gap_seconds: For which a person may be out of sight and still be the same track.
        gap_frames: Sampled frames for which they may; a track ends once both gaps are exceeded.
        reach: Face widths a second that a face may move off its predicted place.
        place_seconds: After which a face's place says about a third of what it said at once.
        likeness_near: Likeness, in [0, 1], asked for between frames that follow each other at once.
        likeness_far: The same across a long time.
    """

    def __init__(
        self,
        *,
        cut: float,
        flash_seconds: float,
        gap_seconds: float,
        gap_frames: int,
        reach: float,
        place_seconds: float,
        likeness_near: float,
        likeness_far: float,
    ) -> None:
        self._gap_seconds, self._gap_frames = gap_seconds, gap_frames
        self._reach, self._place_seconds = reach, place_seconds
        self._likeness_near, self._likeness_far = likeness_near, likeness_far
        self._tracks: list[Track] = []
        self._live: list[_Live] = []
        self._shots = Shots(cut, flash_seconds)

    def update(
        self,
        index: int,
        time: float,
        frame: NDArray[np.uint8],
        boxes: ArrayLike,
        points: ArrayLike,
        probabilities: ArrayLike,
    ) -> list[int]:
        """Add the faces of the next sampled frame; call it for frames without a face too.

        Args:
            index: Number of the frame in the video.
            time: Of the frame, seconds.
            frame: (H, W, 3) picture; it is looked at and not kept.
            boxes: (N, 4) faces in pixels of the frame.
            points: (N, 5, 2) their five points.
            probabilities: (N,) the detector's, [0, 1].

        Returns:
            The track of each face, N different numbers.
        """
        shot = self._shots.follow(time, describe_scene(frame))
        places = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        marks = np.asarray(points, dtype=np.float32).reshape(-1, 5, 2)
        looks = [describe(frame, box) for box in places]
        known = self._match(shot, time, places, looks)
        crowded = (iou(places, places) > _CROWDED).sum(axis=0) > 1  # each overlaps itself
        for live in self._live:
            live.missed += 1
        ids = []
        for face, probability in enumerate(np.asarray(probabilities, dtype=np.float64).reshape(-1)):
            good = quality(frame, places[face], marks[face], float(probability))
            seen = Observation(index, time, places[face].copy(), marks[face].copy(), float(probability), good)
            live = known.get(face) or self._begin(shot, looks[face])
            live.track.observations.append(seen)
            live.missed = 0
            live.last_look = looks[face]
            if not crowded[face]:
                live.usual_look = blend(live.usual_look, looks[face], _LEARNING)
            ids.append(live.track.id)
        self._live = [live for live in self._live if not self._is_over(live, time)]
        return ids

    def tracks(self) -> list[Track]:
        """Return all tracks so far, in order of appearance."""
        return list(self._tracks)

    def _begin(self, shot: int, look: NDArray[np.float32]) -> _Live:
        live = _Live(Track(len(self._tracks) + 1), shot, look, look)
        self._tracks.append(live.track)
        self._live.append(live)
        return live

    def _is_over(self, live: _Live, time: float) -> bool:
        return live.missed > self._gap_frames and time - live.time > self._gap_seconds

    def _match(
        self, shot: int, time: float, places: NDArray[np.float32], looks: list[NDArray[np.float32]]
    ) -> dict[int, _Live]:
        """Pair faces with the live tracks of the shot, all at once and as cheaply as possible."""
        candidates = [live for live in self._live if live.shot == shot]
        if not candidates or not looks:
            return {}
        predicted = np.array([live.predicted(time) for live in candidates])
        overlap = iou(predicted, places)
        cost = np.array(
            [
                [self._cost(live, time, predicted[row], place, float(overlap[row, face]), looks[face])
                 for face, place in enumerate(places)]
                for row, live in enumerate(candidates)
            ]
        )  # fmt: skip
        return {face: candidates[row] for row, face in assign(cost, 1.0)}

    def _cost(
        self,
        live: _Live,
        time: float,
        predicted: NDArray[np.float64],
        place: NDArray[np.float32],
        overlap: float,
        look: NDArray[np.float32],
    ) -> float:
        """Say how ill a face fits a track: 0 (perfectly) to 1, infinite where it cannot be that person."""
        passed = max(time - live.time, 0.0)
        trust = math.exp(-passed / self._place_seconds)
        size, face_size = _size(predicted), _size(place)
        distance = float(np.linalg.norm(_centre(predicted) - _centre(place)) / np.sqrt(size * face_size))
        growth = abs(math.log(face_size / size))
        far, grown = _NEAR_DISTANCE + self._reach * passed, _NEAR_GROWTH + _GROWTH * passed
        if distance > far or growth > grown:
            return math.inf
        least = self._likeness_far + (self._likeness_near - self._likeness_far) * trust
        alike = live.likeness(look)
        if alike < least:
            return math.inf
        misplaced = 0.4 * (1 - overlap) + 0.4 * distance / far + 0.2 * growth / grown
        unlike = (1 - alike) / (1 - least) if least < 1 else 0.0
        share = 0.5 * max(trust, _LEAST_TRUST)
        return share * misplaced + (1 - share) * unlike


def _centre(box: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.array([box[0] + box[2], box[1] + box[3]], dtype=np.float64) / 2


def _size(box: NDArray[np.floating]) -> float:
    """Return the side of the square of the box's area, at least one pixel."""
    return float(np.sqrt(max(box[2] - box[0], 1.0) * max(box[3] - box[1], 1.0)))
