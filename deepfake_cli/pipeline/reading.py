"""Read one video or picture in the background: its frames in one thread, its hash in another."""

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.errors import MediaError
from deepfake_cli.io.files import check_readable, sha256
from deepfake_cli.io.images import read_image
from deepfake_cli.io.sniff import sniff
from deepfake_cli.io.video import Frame, VideoInfo, read_frames

from .ahead import Ahead
from .result import Media

_FRAMES_AHEAD = 2  # decoded frames that wait for their turn; one of 1080p takes 6 MB


class Reading:
    """The sampled frames of a file, read ahead while the one before is looked at; a context and an iterator.

    Args:
        path: The file.
        sampling: Which frames of a video.
        seek_beyond: Sample spacing from which jumping to keyframes beats decoding; seconds.
        threads: For decoding; the frames do not depend on it.
        timeout: Seconds from now that it may take; None waits for ever.

    Attributes:
        size: Bytes; None where it is no readable file.
        modified: Time of the last change, seconds since 1970; None where it is no readable file.
        media: What the file is; None before the first frame.
        notes: What was wrong with it; complete after the last frame.
    """

    def __init__(
        self, path: Path, sampling: Sampling, *, seek_beyond: float, threads: int, timeout: float | None
    ) -> None:
        self._started = time.monotonic()
        self.size: int | None = None
        self.modified: float | None = None
        self.media: Media | None = None
        self.notes: tuple[str, ...] = ()
        self._path, self._sampling, self._seek_beyond = path, sampling, seek_beyond
        self._threads, self._timeout = threads, timeout

    def __enter__(self) -> Self:
        """Begin to read.

        Raises:
            MediaError: It is not a file, or not ours to read.
        """
        found = check_readable(self._path)
        self.size, self.modified = found.st_size, found.st_mtime
        self._frames = Ahead(self._read, _FRAMES_AHEAD, self._timeout)
        self._digest = Ahead(self._hash, 2, self._timeout)  # ends though nobody may ask for it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._frames.close()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames.

        Raises:
            MediaError: The file cannot be read, is damaged, or takes too long.
        """
        return iter(self._frames)

    @property
    def seconds(self) -> float:
        """Time since this was made."""
        return time.monotonic() - self._started

    @property
    def busy(self) -> float:
        """Time that decoding and converting the frames took; what is done with them may overlap."""
        return self._frames.busy if self.size else 0.0

    def sha256(self) -> str | None:
        """Return the hash of the content, or None where it could not be read to its end."""
        if self.size is None:
            return None
        try:
            return next(iter(self._digest))
        except MediaError:
            return None

    def _read(self) -> Generator[Frame, None, None]:
        picture = sniff(self._path)
        if picture and not picture.animated:
            image = read_image(self._path)
            self.media = _image(picture.format.lower(), *image.shape[:2])
            yield Frame(0, 0.0, image)
            return
        with read_frames(
            self._path, self._sampling, threads=self._threads, seek_beyond=self._seek_beyond
        ) as reader:
            self.media = _video(reader.info)
            yield from reader
            self.notes = tuple(reader.notes)

    def _hash(self) -> Generator[str, None, None]:
        yield sha256(self._path)


def _image(form: str, height: int, width: int) -> Media:
    return Media("image", form, form, width, height, duration=0.0, frame_rate=None, frames=1, rotation=0)


def _video(info: VideoInfo) -> Media:
    return Media(
        kind="video",
        format=info.container,
        codec=info.codec,
        width=info.width,
        height=info.height,
        duration=round(info.duration, 3),
        frame_rate=round(info.fps, 3) or None,
        frames=info.frames,
        rotation=info.rotation,
    )
