"""Take frames out of videos and pictures: the use case behind ``dfdetect data frames``."""

import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.core.sampling import sample_times
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.files import check_readable
from deepfake_cli.io.frames import TakenFrame, TakenFrames, frames_folder, read_taken, write_taken
from deepfake_cli.io.images import kind_of
from deepfake_cli.io.index import IndexRow, read_index, read_source
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.video import Frame, read_frames
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .media import open_media, sampling_of
from .stages import StageReport, fingerprint, media_path, run_stage

_FORMAT = 1  # of what is taken; another number, and older frames are taken anew


def take_frames(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> StageReport:
    """Take so many frames out of every video, evenly spaced; a picture is one frame.

    Args:
        folder: Of the data set.
        profile: How many frames, and of which size.
        track: Progress.

    Returns:
        The report. It counts ``frames``, videos that are ``short``: they have fewer frames than were asked
        for, and gave all of them; and files that are ``noted``: something was wrong with them, but frames
        could be read.

    Raises:
        DataError: The index is missing or damaged.
        UsageError: Another process works on the data set.
        OutputError: The disk does not take the pictures.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")
    return run_stage(
        folder,
        "frames",
        FramesWork(folder, read_source(folder).root, profile),
        read_index(index),
        output=frames_folder(folder),
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in read_index(index)),
    )


class FramesWork:
    """Takes the frames of one video or picture.

    Args:
        folder: Of the data set.
        root: Where its raw files lie.
        profile: How many frames, and of which size.
    """

    def __init__(self, folder: DatasetFolder, root: Path, profile: Profile) -> None:
        self._folder, self._root = folder, root
        self._settings, self._seek_beyond = profile.frames, profile.scan.seek_beyond
        self._sampling = sampling_of(1, profile.frames.count)

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Take the frames of a row, unless that is done.

        Raises:
            MediaError: The file cannot be read.
            OutputError: The pictures cannot be written.
        """
        target = frames_folder(self._folder) / row.id
        try:
            taken = self._taken(row, target)
        except MediaError:
            remove_folder(target)  # what is there belongs to a file that is no longer
            raise
        return {
            "frames": len(taken.frames),
            "short": int(len(taken.frames) < taken.wanted),
            "noted": int(bool(taken.notes)),
        }

    def _taken(self, row: IndexRow, target: Path) -> TakenFrames:
        """Return what is there, or take it."""
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        path = media_path(self._folder, self._root, row)
        size = check_readable(path).st_size
        raw = path == self._root / row.path
        source = row.path if raw else f"{self._folder.augmented.name}/{path.name}"
        settings = fingerprint(_FORMAT, self._settings.model_dump_json(), source, size)
        return _finished(target, settings) or self._take(path, target, settings, source)

    def _take(self, path: Path, target: Path, settings: str, source: str) -> TakenFrames:
        """Write the frames of a file and their table."""
        wanted = 1 if kind_of(path) == "image" else self._settings.count
        with write_folder(target) as folder:
            with open_media(path, self._sampling, self._seek_beyond) as media:
                frames = self._save(media.frames, folder)
            if len(frames) < wanted:  # several moments may fall into one long frame
                frames = self._take_exactly(path, folder, media.notes, frames)
            taken = TakenFrames(settings, source, wanted, frames, tuple(media.notes))
            write_taken(folder, taken)
        return taken

    def _take_exactly(
        self, path: Path, folder: Path, notes: list[str], found: tuple[TakenFrame, ...]
    ) -> tuple[TakenFrame, ...]:
        """Take distinct frames in place of those that were found, which stay where that does not succeed."""
        apart = folder / "exact"
        apart.mkdir()
        try:
            frames = self._save(self._distinct(path, len(found)), apart)
            for frame in frames:
                os.replace(apart / frame.file, folder / frame.file)
        except MediaError as error:
            notes.append(error.message)
            frames = ()
        shutil.rmtree(apart)
        return frames or found

    def _distinct(self, path: Path, found: int) -> Iterator[Frame]:
        """Give as many frames as are wanted, each near its moment; none where that many were found before."""
        with read_frames(path, sampling_of(1, 0), threads=1, seek_beyond=self._seek_beyond) as every:
            times = [frame.time for frame in every]
            moments = sample_times(every.info.duration, self._sampling)
        if len(times) <= found:
            return
        places = set(distinct_places(times, moments).tolist())
        with read_frames(path, sampling_of(1, 0), threads=1, seek_beyond=self._seek_beyond) as every:
            chosen = (frame for frame in every if frame.index in places)
            for number, frame in enumerate(islice(chosen, len(places))):
                yield Frame(number, frame.time, frame.image)

    def _save(self, frames: Iterable[Frame], folder: Path) -> tuple[TakenFrame, ...]:
        taken = []
        for frame in frames:
            picture = scaled(frame.image, self._settings.size)
            name = f"{frame.index:05}.png"
            (folder / name).write_bytes(encode_png(picture))
            height, width = picture.shape[:2]
            taken.append(TakenFrame(name, frame.index, frame.time, width, height))
        return tuple(taken)


def distinct_places(times: ArrayLike, moments: ArrayLike) -> NDArray[np.int64]:
    """Choose a frame for each moment, no frame twice.

    It is the one on screen then or, where an earlier moment has that, the next free one; near the end of the
    video an earlier one, so that there are enough.

    Args:
        times: (M,) seconds at which the frames begin, ascending.
        moments: (N,) seconds, ascending.

    Returns:
        (min(M, N),) places of frames, strictly ascending.
    """
    begins, wanted = np.asarray(times), np.asarray(moments)
    if len(begins) <= len(wanted):
        return np.arange(len(begins))
    steps = np.arange(len(wanted))
    shown = (np.searchsorted(begins, wanted, side="right") - 1).clip(0)
    # Places ascend strictly if they do not fall once their own number is taken off.
    free = np.maximum.accumulate(shown - steps)
    return np.asarray(np.minimum(free, len(begins) - len(wanted)) + steps, np.int64)


def scaled(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale a picture to a longer side in pixels, keeping its aspect; 0 keeps it as it is.

    Args:
        image: (H, W, 3).
        size: Of the longer side.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    if scale in (0, 1):
        return image
    target = max(round(width * scale), 1), max(round(height * scale), 1)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, target, interpolation=interpolation), np.uint8)


def _finished(folder: Path, settings: str) -> TakenFrames | None:
    """Return what was taken before, where it was taken in the same way."""
    try:
        taken = read_taken(folder)
    except DataError:
        return None
    return taken if taken.settings == settings else None
