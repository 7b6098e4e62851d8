"""Find the people of one video or picture, follow them, and score their faces."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_points
from deepfake_cli.core.heat import paint_heat, spread_heat
from deepfake_cli.core.regions import FAINT, brightest_region
from deepfake_cli.core.tracks import Observation, Track, Tracker
from deepfake_cli.inference.classifier import BATCH, Explained
from deepfake_cli.inference.face_detector import FaceDetector, Faces
from deepfake_cli.inference.stack import Cuts, Scorer
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.video import Frame

from .evidence import Evidence
from .result import PersonTrack
from .saving import NOTHING, Saving, save_picture

_LARGE = 3 * 4096 * 2304  # bytes of a frame


class _Cut(NamedTuple):
    """A face that was cut out: whose it is, where it was seen, and its pictures as networks see it."""

    person: int
    face: Observation
    pictures: Cuts


class People:
    """The people of one file, learned frame by frame; in the end only numbers are kept of a frame.

    Args:
        detector: Finds the faces.
        scorer: Cuts them out and scores them.
        tracker: Fresh; joins them to people.
        short_side: Frames are scaled down to this shorter side before faces are sought; pixels, 0 keeps them.
        probability: Least probability for a detection to count as a face.
        threads: For detection; results do not depend on it.
        threshold: Scores from here on mean FAKE; picks the faces whose modalities are kept.
        saving: Which pictures of the faces are kept, each a PNG named after person, frame and score.

    Attributes:
        frames: How many frames were looked at.
        seconds: Time spent, by stage; stages overlap.
    """

    def __init__(
        self,
        detector: FaceDetector,
        scorer: Scorer,
        tracker: Tracker,
        *,
        short_side: int,
        probability: float,
        threads: int,
        threshold: float,
        saving: Saving = NOTHING,
    ) -> None:
        self._detector, self._scorer, self._tracker = detector, scorer, tracker
        self._short_side, self._probability = short_side, probability
        self._threads, self._saving = threads, saving
        self._evidence = None if saving.modalities is None else Evidence(threshold, saving.modalities)
        self._unscored: list[_Cut] = []
        self.frames = 0
        self.seconds = {"detect": 0.0, "track": 0.0, "classify": 0.0}

    def look(self, frames: Iterable[Frame]) -> Iterator[int]:
        """Find, follow and score the people of a file; faces are sought in several frames at once.

        Args:
            frames: In order of time.

        Yields:
            How many frames were looked at.
        """
        with ThreadPoolExecutor(self._threads) as pool:
            waiting: deque[tuple[Frame, Future[tuple[Faces, float]]]] = deque()
            for frame in frames:
                waiting.append((frame, pool.submit(self._detect, frame)))
                large = frame.image.size > _LARGE  # too large to have several of them in memory
                while len(waiting) > (0 if large else self._threads):
                    yield self._follow(*waiting.popleft())
            while waiting:
                yield self._follow(*waiting.popleft())

    def tracks(self) -> list[Track]:
        """Return everybody, in order of appearance, with every face scored."""
        self._score(len(self._unscored))
        return self._tracker.tracks()

    def save_evidence(self, people: Iterable[PersonTrack]) -> None:
        """Save what each person's clearest face is made of, if that is to be kept.

        Raises:
            OutputError: It cannot be written.
        """
        if self._evidence is not None:
            self._evidence.save(people)

    def close(self) -> None:
        """Let go of what is kept on disk."""
        if self._evidence is not None:
            self._evidence.close()

    def _detect(self, frame: Frame) -> tuple[Faces, float]:
        """Find the faces of a frame; return them, and the seconds that took."""
        started = time.monotonic()
        if self._short_side:
            faces = self._detector.detect_scaled(frame.image, self._short_side)
        else:
            faces = self._detector.detect(frame.image)
        return faces, time.monotonic() - started

    def _follow(self, frame: Frame, detected: Future[tuple[Faces, float]]) -> int:
        """Join the faces of the next frame to people, and cut them out; return how many frames there were."""
        faces, seconds = detected.result()
        started = time.monotonic()
        sure = faces.probabilities >= self._probability
        ids = self._tracker.update(
            frame.index,
            frame.time,
            frame.image,
            faces.boxes[sure],
            faces.points[sure],
            faces.probabilities[sure],
        )
        tracks = self._tracker.tracks()
        for person in ids:
            face = tracks[person - 1].observations[-1]
            self._unscored.append(_Cut(person, face, self._scorer.cut(frame.image, face.box)))
        self.frames += 1
        self.seconds["detect"] += seconds
        self.seconds["track"] += time.monotonic() - started
        while len(self._unscored) >= BATCH:
            self._score(BATCH)
        return self.frames

    def _score(self, count: int) -> None:
        """Score the oldest faces that have none yet; always in the same batches, for the same digits."""
        if not count:
            return
        started = time.monotonic()
        batch, self._unscored = self._unscored[:count], self._unscored[count:]
        said = self._scorer.explain([cut.pictures for cut in batch])
        size = self._scorer.views[0].size
        spread = None if said.heat is None else [spread_heat(one, size) for one in said.heat]
        for cut, score in zip(batch, said.scores, strict=True):
            cut.face.score = round(float(score), 4)
        if said.parts is not None:
            self._name_parts(batch, said.parts)
        if said.maps is not None:
            self._name_regions(batch, said.maps, FAINT)
        elif spread is not None:
            self._name_regions(batch, spread, 0.0)
        self.seconds["classify"] += time.monotonic() - started
        self._save(batch, said, spread)

    def _name_parts(self, batch: Sequence[_Cut], parts: NDArray[np.float32]) -> None:
        for cut, values in zip(batch, parts, strict=True):
            rounded = (round(float(value), 4) for value in values)
            cut.face.parts = dict(zip(self._scorer.branches, rounded, strict=True))

    def _name_regions(
        self, batch: Sequence[_Cut], shown: Iterable[NDArray[np.float32]], least: float
    ) -> None:
        """Name the part of each face that a map of it shows most."""
        margin = self._scorer.views[0].margin
        for cut, picture in zip(batch, shown, strict=True):
            points = cut_points(cut.face.points, cut.face.box, len(picture), margin)
            cut.face.region = brightest_region(picture, points, least)

    def _save(
        self, batch: Sequence[_Cut], said: Explained, spread: Sequence[NDArray[np.float32]] | None
    ) -> None:
        """Save the pictures that are to be kept of each face, or keep what may have to be."""
        saving, pictures = self._saving, [cut.pictures[0] for cut in batch]
        if saving.faces is not None:
            _save_each(saving.faces, batch, pictures)
        if saving.mri is not None and said.maps is not None:
            _save_each(saving.mri, batch, np.rint(said.maps * 255).astype(np.uint8), "_mri")
        if saving.heatmaps is not None and spread is not None:
            painted = [paint_heat(*each) for each in zip(pictures, spread, strict=True)]
            _save_each(saving.heatmaps, batch, painted, "_heat")
        if self._evidence is not None and said.rendered is not None:
            for cut, rendered in zip(batch, said.rendered, strict=True):
                self._evidence.see(cut.person, cut.face, cut.pictures[0], rendered)


def _save_each(
    folder: Path, batch: Sequence[_Cut], pictures: Iterable[NDArray[np.uint8]], ending: str = ""
) -> None:
    """Write a picture (H, W, 3) of each face."""
    for (person, face, _), picture in zip(batch, pictures, strict=True):
        save_picture(folder, person, face, encode_png(picture), ending)
