"""Find the people of one video or picture, follow them, and score their faces."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_face, cut_points
from deepfake_cli.core.heat import paint_heat, spread_heat
from deepfake_cli.core.regions import FAINT, brightest_region
from deepfake_cli.core.tracks import Observation, Track, Tracker
from deepfake_cli.inference.classifier import BATCH, Classifier
from deepfake_cli.inference.face_detector import FaceDetector, Faces
from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.video import Frame

from .saving import NOTHING, Saving

_LARGE = 3 * 4096 * 2304  # bytes of a frame


class _Cut(NamedTuple):
    """A face that was cut out: whose it is, where it was seen, and its (S, S, 3) picture."""

    person: int
    face: Observation
    picture: NDArray[np.uint8]


class People:
    """The people of one file, learned frame by frame; in the end only numbers are kept of a frame.

    Args:
        detector: Finds the faces.
        classifier: Scores them.
        tracker: Fresh; joins them to people.
        short_side: Frames are scaled down to this shorter side before faces are sought; pixels, 0 keeps them.
        probability: Least probability for a detection to count as a face.
        size: Side of a cut face, pixels.
        margin: Side of the square that is cut, relative to the longer side of the box.
        threads: For detection; results do not depend on it.
        saving: Which pictures of the faces are kept, each a PNG named after person, frame and score.

    Attributes:
        frames: How many frames were looked at.
        seconds: Time spent, by stage; stages overlap.
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: Classifier,
        tracker: Tracker,
        *,
        short_side: int,
        probability: float,
        size: int,
        margin: float,
        threads: int,
        saving: Saving = NOTHING,
    ) -> None:
        self._detector, self._classifier, self._tracker = detector, classifier, tracker
        self._short_side, self._probability = short_side, probability
        self._size, self._margin = size, margin
        self._threads, self._saving = threads, saving
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
            cut = cut_face(frame.image, face.box, self._size, self._margin)
            self._unscored.append(_Cut(person, face, cut))
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
        pictures = np.stack([cut.picture for cut in batch])
        scores, maps, heat = self._classifier.explain(pictures)
        spread = None if heat is None else [spread_heat(one, self._size) for one in heat]
        for cut, score in zip(batch, scores, strict=True):
            cut.face.score = round(float(score), 4)
        if maps is not None:
            self._name_regions(batch, maps, FAINT)
        elif spread is not None:
            self._name_regions(batch, spread, 0.0)
        self.seconds["classify"] += time.monotonic() - started
        if self._saving.faces is not None:
            _save(self._saving.faces, batch, pictures)
        if self._saving.mri is not None and maps is not None:
            _save(self._saving.mri, batch, np.rint(maps * 255).astype(np.uint8), "_mri")
        if self._saving.heatmaps is not None and spread is not None:
            painted = [paint_heat(*each) for each in zip(pictures, spread, strict=True)]
            _save(self._saving.heatmaps, batch, painted, "_heat")

    def _name_regions(
        self, batch: Sequence[_Cut], shown: Iterable[NDArray[np.float32]], least: float
    ) -> None:
        """Name the part of each face that a map of it shows most."""
        for cut, picture in zip(batch, shown, strict=True):
            points = cut_points(cut.face.points, cut.face.box, len(picture), self._margin)
            cut.face.region = brightest_region(picture, points, least)


def _save(
    folder: Path, batch: Sequence[_Cut], pictures: Iterable[NDArray[np.uint8]], ending: str = ""
) -> None:
    """Write a picture (H, W, 3) of each face, named after what was found."""
    make_folder(folder, "choose another")
    for (person, face, _), picture in zip(batch, pictures, strict=True):
        name = f"person-{person:03}_frame-{face.index:05}_score-{face.score:.4f}{ending}.png"
        with write_atomically(folder / name, "wb") as file:
            file.write(encode_png(picture))
