"""Open videos and pictures alike, for the stages that look at their frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.io.images import kind_of, read_image
from deepfake_cli.io.video import Frame, read_frames


@dataclass(frozen=True)
class Media:
    """An open video or picture.

    Attributes:
        width: Of a frame, pixels.
        height: Likewise.
        frame_rate: Frames a second; 0 where there is none or it is unknown.
        frames: The sampled frames, decoded as they are asked for; a picture is one.
        notes: What was wrong with it; complete after the last frame.
    """

    width: int
    height: int
    frame_rate: float
    frames: Iterator[Frame]
    notes: list[str]


@contextmanager
def open_media(path: Path, sampling: Sampling, seek_beyond: float) -> Iterator[Media]:
    """Open a video or picture; decoded by one thread, as stages work on many at once.

    Args:
        path: The file.
        sampling: Which frames of a video.
        seek_beyond: As in ``read_frames``.

    Raises:
        MediaError: It cannot be read.
    """
    if kind_of(path) == "image":
        image = read_image(path)
        yield Media(image.shape[1], image.shape[0], 0.0, iter([Frame(0, 0.0, image)]), [])
        return
    with read_frames(path, sampling, threads=1, seek_beyond=seek_beyond) as reader:
        yield Media(reader.info.width, reader.info.height, reader.info.fps, reader, reader.notes)


def sampling_of(every: int, count: int) -> Sampling:
    """Choose frames of data sets: every so many-th, or with ``count`` so many, evenly spaced."""
    # No bursts: what they are for is following people, which these stages do not do.
    return Sampling(frames=count, every=0 if count else every, burst=1, burst_seconds=1.0, burst_beyond=0.0)
