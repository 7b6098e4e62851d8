"""Seek faces in videos and pictures: the use case behind ``dfdetect data landmarks``."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.files import check_readable
from deepfake_cli.io.index import IndexRow, read_index, read_source
from deepfake_cli.io.landmarks import FrameFaces, Landmarks, read_landmarks, rounded, write_landmarks
from deepfake_cli.io.video import Frame
from deepfake_cli.io.workspace import DatasetFolder, require, sweep
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .crop import CropWork, Cutter, names_original, open_folder
from .media import open_media, sampling_of
from .stages import StageReport, fingerprint, media_path, run_stage

if TYPE_CHECKING:
    from deepfake_cli.inference.face_detector import FaceDetector

_FORMAT = 1  # of what is found; another number, and older landmarks are made anew


def find_landmarks(
    folder: DatasetFolder, profile: Profile, *, crops: bool = False, track: Track = untracked
) -> StageReport:
    """Find the faces of every video and picture, with the detector that scans.

    Args:
        folder: Of the data set.
        profile: Which frames, and how faces are sought.
        crops: Also cut the faces of what is cut by its own boxes, which spares ``crop_faces`` to decode it
            again.
        track: Progress.

    Returns:
        The report. It counts ``frames``, ``faces``, files that are ``faceless`` and files that are ``noted``:
        something was wrong with them, but frames could be read.

    Raises:
        DataError: The index is missing or damaged.
        UsageError: Another process works on the data set.
        OutputError: The disk does not take the files.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")

    def rows() -> Iterator[IndexRow]:
        for row in read_index(index):
            if profile.landmarks.fakes or not names_original(row):
                yield row

    if crops:
        with folder.locked():
            sweep(folder.crops)
    return run_stage(
        folder,
        "landmarks",
        LandmarksWork(folder, read_source(folder).root, profile, crops=crops),
        rows(),
        output=folder.landmarks,
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in rows()),
    )


def frame_options(every: int | None, frames: int | None) -> dict[str, object]:
    """Lay what a user says of frames over the profile: either of the two switches the other off.

    Raises:
        UsageError: Both are given.
    """
    if every is not None and frames is not None:
        raise UsageError("--frames and --every exclude each other", "leave out one of them")
    return {"landmarks.every": every, "landmarks.frames": frames if every is None else 0}


class LandmarksWork:
    """Seeks the faces of one video or picture; loads its networks with the first one.

    Args:
        folder: Of the data set.
        root: Where its raw files lie.
        profile: How to sample and detect, and to cut.
        crops: Whether to cut as well.
    """

    def __init__(self, folder: DatasetFolder, root: Path, profile: Profile, *, crops: bool) -> None:
        self._folder, self._root, self._profile, self._crops = folder, root, profile, crops
        self._sampling = sampling_of(profile.landmarks.every, profile.landmarks.frames)
        self._crop_work = CropWork(folder, root, profile)

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Find the faces of a row, unless that is done.

        Raises:
            MediaError: The file cannot be read.
            OutputError: The result cannot be written.
        """
        path = media_path(self._folder, self._root, row)
        size = check_readable(path).st_size
        detector = self._profile.detector.model_dump_json()
        settings = fingerprint(_FORMAT, detector, self._sampling, size)
        target = self._folder.landmarks / f"{row.id}.json"
        cuts = self._crops and not names_original(row)
        landmarks = _finished(target, settings)
        if landmarks is None:
            landmarks = self._seek(row, path, settings, size, cuts=cuts)
            write_landmarks(target, landmarks)
        elif cuts:
            self._crop_work(row)
        return {
            "frames": len(landmarks.frames),
            "faces": landmarks.faces,
            "faceless": int(not landmarks.faces),
            "noted": int(bool(landmarks.notes)),
        }

    def _seek(self, row: IndexRow, path: Path, settings: str, size: int, *, cuts: bool) -> Landmarks:
        crops = self._crop_work.fingerprint(settings, row.id, size)
        target = self._folder.crops / row.id
        into = open_folder(target, self._profile.crop, crops, row.id) if cuts else nullcontext()
        with open_media(path, self._sampling, self._profile.scan.seek_beyond) as media, into as cutter:
            frames = tuple(self._look(frame, cutter) for frame in media.frames)
        return Landmarks(
            settings=settings,
            width=media.width,
            height=media.height,
            frames=frames,
            every=self._sampling.every,
            count=self._sampling.frames,
            notes=tuple(media.notes),
        )

    def _look(self, frame: Frame, cutter: Cutter | None) -> FrameFaces:
        """Find the faces of a frame, as scanning does, and perhaps cut them."""
        short_side, probability = self._profile.detector.short_side, self._profile.detector.probability
        if short_side:
            faces = self._detector.detect_scaled(frame.image, short_side)
        else:
            faces = self._detector.detect(frame.image)
        each = zip(faces.boxes, faces.points, faces.probabilities, strict=True)
        sure = tuple(rounded(*face) for face in each if face[2] >= probability)
        found = FrameFaces(frame.index, round(frame.time, 3), sure)
        if cutter is not None:
            cutter.cut(frame.image, found)
        return found

    @cached_property
    def _detector(self) -> "FaceDetector":
        from deepfake_cli.inference.face_detector import FaceDetector

        cv2.setNumThreads(1)  # as many processes as cores are at work
        how = self._profile.detector
        return FaceDetector(min_face_size=how.min_face, thresholds=how.thresholds)


def _finished(path: Path, settings: str) -> Landmarks | None:
    """Return what was found before, where it was sought in the same way."""
    try:
        landmarks = read_landmarks(path)
    except DataError:
        return None
    return landmarks if landmarks.settings == settings else None
