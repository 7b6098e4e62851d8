"""Follow every person through the sampled frames of a video.

Frames may follow each other at once, a third of a second apart, or in short bursts minutes apart. The longer
the time since a person was last seen, the less their place says and the more they must look the same: within
a second a face may have moved only so far and grown only so much; across minutes its likeness alone links it,
and more of it is asked for. A cut ends all tracks: the same person after it is a new track, because who it is
cannot be told from colours.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

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
_CROWDED = 1.2  # face widths to another face within which heads hide each other
_HIDDEN = 0.2  # of the likeness asked for that a face in a crowd is spared


@dataclass(slots=True)
class Observation:
    """One face of one person in one frame.

    Attributes:
        index: Of the frame, as the caller counts them.
        time: Of the frame, seconds.
        box: (4,) x0, y0, x1, y1 in pixels of the frame.
        points: (5, 2) eyes, nose, corners of the mouth, in pixels.
        probability: The detector's that this is a face, [0, 1].
        quality: How well the face can be seen, [0, 1].
        score: P(fake), [0, 1]; None until the face is classified.
        region: Where the map of the face glows most; None until it is painted, or where it is black.
        parts: What its calibrated logit is the sum of, by name; None until it is classified, or where that is
            not known.
    """

    index: int
    time: float
    box: NDArray[np.float32]
    points: NDArray[np.float32]
    probability: float
    quality: float
    score: float | None = None
    region: str | None = None
    parts: dict[str, float] | None = None


@dataclass(slots=True)
class Track:
    """One person through a part of a video without cuts.

    Attributes:
        id: Number of the track, from 1 in order of appearance.
        observations: The person's faces, at most one for each frame, in order of time; never empty.
    """

    id: int
    observations: list[Observation] = field(default_factory=list)


class _Face(NamedTuple):
    """A face of the present frame: box (4,), look, and whether another head may hide part of it."""

    box: NDArray[np.float32]
    look: NDArray[np.float32]
    crowded: bool


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
        for observation in reversed(self.track.observations[-65:-1]):
            age = last.time - observation.time
            if age > (_PREDICTED_SECONDS if first is last else _VELOCITY_SECONDS):
                break
            first = observation
        span = last.time - first.time
        if span <= 0:
            return box
        shift = _centre(box) - _centre(first.box.astype(np.float64))
        shift *= min(time - last.time, _PREDICTED_SECONDS) / max(span, 0.1)
        return box + np.tile(shift, 2)

    def see(self, observation: Observation, face: _Face) -> None:
        """Add a face; what is half hidden, or shows another person too, is not learned."""
        self.track.observations.append(observation)
        self.missed = 0
        self.last_look = face.look
        if not face.crowded:
            self.usual_look = blend(self.usual_look, face.look, _LEARNING)

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
            index: Of the frame, as the caller counts them.
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
        sure = [float(probability) for probability in np.asarray(probabilities).reshape(-1)]
        faces = [
            _Face(place, describe(frame, place), crowded)
            for place, crowded in zip(places, _crowded(places), strict=True)
        ]
        known = self._match(shot, time, faces)
        for live in self._live:
            live.missed += 1
        ids = []
        for number, (face, mark, probability) in enumerate(zip(faces, marks, sure, strict=True)):
            good = quality(frame, face.box, mark, probability)
            live = known.get(number) or self._begin(shot, face.look)
            live.see(Observation(index, time, face.box.copy(), mark.copy(), probability, good), face)
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

    def _match(self, shot: int, time: float, faces: list[_Face]) -> dict[int, _Live]:
        """Pair faces with the live tracks of the shot, all at once and as cheaply as possible."""
        candidates = [live for live in self._live if live.shot == shot]
        if not candidates or not faces:
            return {}
        predicted = np.array([live.predicted(time) for live in candidates])
        overlap = iou(predicted, np.array([face.box for face in faces]))
        cost = [
            [
                self._cost(live, time, predicted[row], overlap[row, number], face)
                for number, face in enumerate(faces)
            ]
            for row, live in enumerate(candidates)
        ]
        return {face: candidates[row] for row, face in assign(np.array(cost), 1.0)}

    def _cost(
        self,
        live: _Live,
        time: float,
        predicted: NDArray[np.float64],
        overlap: np.float32,
        face: _Face,
    ) -> float:
        """Say how ill a face fits a track: 0 (perfectly) to 1, infinite where it cannot be that person."""
        passed = max(time - live.time, 0.0)
        trust = math.exp(-passed / self._place_seconds)
        size, face_size = _size(predicted), _size(face.box)
        distance = float(np.linalg.norm(_centre(predicted) - _centre(face.box)) / np.sqrt(size * face_size))
        growth = abs(math.log(face_size / size))
        far, grown = _NEAR_DISTANCE + self._reach * passed, _NEAR_GROWTH + _GROWTH * passed
        if distance > far or growth > grown:
            return math.inf
        least = self._likeness_far + (self._likeness_near - self._likeness_far) * trust
        least = max(least - _HIDDEN * face.crowded, 0.0)
        alike = live.likeness(face.look)
        if alike < least:
            return math.inf
        misplaced = 0.4 * (1 - float(overlap)) + 0.4 * distance / far + 0.2 * growth / grown
        unlike = (1 - alike) / (1 - least) if least < 1 else 0.0
        share = 0.5 * max(trust, _LEAST_TRUST)
        return share * misplaced + (1 - share) * unlike


def _crowded(boxes: NDArray[np.float32]) -> list[bool]:
    """Tell for each of (N, 4) boxes whether another one is so near that the heads overlap."""
    centres = (boxes[:, None, :2] + boxes[:, None, 2:] - boxes[None, :, :2] - boxes[None, :, 2:]) / 2
    sizes = np.array([_size(box) for box in boxes])
    near = np.linalg.norm(centres, axis=-1) < _CROWDED * np.sqrt(np.outer(sizes, sizes))
    return [bool(count > 1) for count in near.sum(axis=0)]  # each is near itself


def _centre(box: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.array([box[0] + box[2], box[1] + box[3]], dtype=np.float64) / 2


def _size(box: NDArray[np.floating]) -> float:
    """Return the side of the square of the box's area, at least one pixel."""
    return float(np.sqrt(max(box[2] - box[0], 1.0) * max(box[3] - box[1], 1.0)))
