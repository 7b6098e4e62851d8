"""Read videos: what a file says about itself, and the sampled frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorTrc
from numpy.typing import NDArray

from deepfake_cli.core.sampling import Sampling, sample_times
from deepfake_cli.errors import MediaError

from .container import length
from .pixels import Converter, orientation, square_size
from .timeline import Picture, Timeline
from .webp import WebpTimeline, is_animated_webp

_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
_ROUNDING = 1e-6  # seconds; a frame that begins at the very moment is on screen, whatever the last digit says


@dataclass(frozen=True)
class VideoInfo:
    """What a video is.

    Attributes:
        width: Of a frame as shown, turned upright and with square pixels.
        height: Likewise.
        duration: Seconds from the first frame to the end of the last.
        fps: Frames a second on average; 0 where unknown.
        frames: Number of frames where the container says, else None.
        codec: Name of the codec, such as ``h264``.
        pixel_format: FFmpeg's name of how pixels are stored, such as ``yuv420p``.
        rotation: Degrees counter-clockwise by which stored frames are turned to be shown: 0, 90, 180 or 270.
        container: Name of the container format, such as ``mp4``.
        has_audio: Whether there is sound.
    """

    width: int
    height: int
    duration: float
    fps: float
    frames: int | None
    codec: str
    pixel_format: str
    rotation: int
    container: str
    has_audio: bool


@dataclass(frozen=True)
class Frame:
    """One sampled frame.

    Attributes:
        index: Its place among the sampled frames, from 0.
        time: Seconds since the video's first frame.
        image: (H, W, 3) uint8 RGB, upright, square pixels.
    """

    index: int
    time: float
    image: NDArray[np.uint8]


def probe(path: Path) -> VideoInfo:
    """Say what a video is; decodes its first frame only.

    Raises:
        MediaError: It cannot be read, or holds no video.
    """
    everything = Sampling(frames=0, every=0, burst=1, burst_seconds=1.0, burst_beyond=0.0)
    with read_frames(path, everything, threads=1, seek_beyond=0.0) as reader:
        return reader.info


def read_frames(path: Path, sampling: Sampling, *, threads: int, seek_beyond: float) -> "FrameReader":
    """Open a video to read its sampled frames one by one.

    The frame taken for a moment is the one on screen then. No frame comes twice, so a video with fewer frames
    than asked for gives each of them once.

    Args:
        path: The video.
        sampling: Which frames.
        threads: For decoding; the frames do not depend on it.
        seek_beyond: Jump to the keyframe before a moment where that skips more than this many seconds; decode
            straight on otherwise. The frames do not depend on it.

    Raises:
        MediaError: It cannot be read, or holds no video.
    """
    return FrameReader(path, sampling, threads, seek_beyond)


class FrameReader(Iterator[Frame]):
    """The sampled frames of one video, decoded as they are asked for; made by ``read_frames``.

    Attributes:
        info: What the video is.
        notes: What was wrong with it, one phrase each; complete once all frames were read.
    """

    def __init__(self, path: Path, sampling: Sampling, threads: int, seek_beyond: float) -> None:
        animated = is_animated_webp(path)
        self._timeline = WebpTimeline(path) if animated else Timeline(path, threads, sampling.stride)
        try:
            first = self._timeline.next()
            if first is None:
                raise MediaError("no frame can be decoded: the video is damaged", "copy or download it again")
            self.info, aspect, announced = _describe(path, self._timeline, first)
        except BaseException:
            self._timeline.close()
            raise
        self.notes: list[str] = []
        if self.info.duration < 0.95 * announced:
            self.notes.append(f"cut off: {self.info.duration:.1f} of {announced:.1f} seconds are there")
        if first.frame.color_trc in _HDR:
            self.notes.append("HDR: read without tone mapping, so its colours look faded")
        self._convert = Converter(aspect)
        few = self.info.frames is not None and self.info.frames <= sampling.frames
        if sampling.stride:
            pictures = self._counted(first, sampling.stride)
        elif few:
            pictures = islice(self._counted(first, 1), sampling.frames)  # headers may lie about the number
        else:
            pictures = self._timed(first, sample_times(self.info.duration, sampling).tolist(), seek_beyond)
        self._pictures = enumerate(pictures)

    def __next__(self) -> Frame:
        try:
            index, picture = next(self._pictures)
        except StopIteration:
            self._conclude()
            raise
        try:
            return Frame(index, picture.time, self._convert(picture.frame))
        except av.error.FFmpegError as error:
            raise MediaError(
                f"its colours cannot be converted ({self.info.pixel_format})", "convert it to H.264 first"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._pictures = enumerate(iter(()))
        self._timeline.close()

    def _counted(self, first: Picture, stride: int) -> Iterator[Picture]:
        """Give every ``stride``-th picture."""
        picture: Picture | None = first
        for counted in count():
            if picture is None:
                return
            number = counted
            if isinstance(self._timeline, Timeline):
                number = self._timeline.number(picture, counted)
            if number % stride == 0:
                yield picture
            picture = self._timeline.next()

    def _timed(self, first: Picture, moments: list[float], seek_beyond: float) -> Iterator[Picture]:
        """Give the picture on screen at each moment, none twice."""
        timeline, given = self._timeline, -1.0
        timeline.expect([moment + _ROUNDING for moment in moments])
        held, ahead = first, timeline.next()
        for exact in moments:
            moment = exact + _ROUNDING
            if ahead and ahead.time <= moment and timeline.skipped(ahead.time, moment) > seek_beyond:
                held, ahead = timeline.jump(ahead.time, moment) or held, timeline.next()
            while ahead and ahead.time <= moment:
                held, ahead = ahead, timeline.next()
            if held.time > given:
                given = held.time
                yield held
        if ahead is None and held.time < 0.95 * moments[-1]:
            self.notes.append(f"damaged from {held.time:.1f} of {self.info.duration:.1f} seconds on")

    def _conclude(self) -> None:
        if damaged := self._timeline.damaged:
            self.notes.append(
                "1 damaged piece left out" if damaged == 1 else f"{damaged} damaged pieces left out"
            )
        self.close()


def _describe(
    path: Path, timeline: Timeline | WebpTimeline, first: Picture
) -> tuple[VideoInfo, Fraction | None, float]:
    """Describe a video; also tell the aspect of its pixels and the duration that it announces."""
    if isinstance(timeline, WebpTimeline):
        total, number = sum(timeline.durations), len(timeline.durations)
        size = first.frame.width, first.frame.height
        layout = first.frame.format.name
        return VideoInfo(*size, total, number / total, number, "webp", layout, 0, "webp", False), None, total
    stream, container = timeline.stream, timeline.container
    found = length(container, stream, path)
    turns, _ = orientation(first.frame)
    aspect = stream.sample_aspect_ratio
    width, height = square_size(first.frame.width, first.frame.height, aspect)
    info = VideoInfo(
        width=height if turns % 2 else width,
        height=width if turns % 2 else height,
        duration=found.seconds,
        fps=float(stream.average_rate or stream.guessed_rate or 0),
        frames=found.frames,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=first.frame.format.name,
        rotation=turns * 90,
        container=container.format.name,
        has_audio=bool(container.streams.audio),
    )
    return info, aspect, found.announced
