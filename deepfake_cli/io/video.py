"""Read videos: what a file says about itself, and the sampled frames."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from deepfake_cli.core.sampling import Sampling, sample_times
from deepfake_cli.errors import MediaError

from .container import announced_duration, best_video_stream, measure, open_container
from .pixels import Converter, orientation, square_size


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
        self.notes: list[str] = []
        self._container = open_container(path)
        try:
            stream = best_video_stream(self._container)
            stream.codec_context.thread_type = "AUTO"
            stream.codec_context.thread_count = threads
            self._stream = stream
            self._pictures = self._decode()
            first = next(self._pictures, None)
            if first is None:
                raise MediaError(
                    "no frame of it can be decoded: the video is damaged", "copy or download it again"
                )
            self.info = self._describe(path, first[1])
        except BaseException:
            self._container.close()
            raise
        self._convert = Converter(stream.sample_aspect_ratio, threads)
        self._frames = self._sample(first, sampling)

    def __next__(self) -> Frame:
        return next(self._frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; reading on ends the frames."""
        self._frames.close()
        self._pictures.close()
        self._container.close()

    def _describe(self, path: Path, first: VideoFrame) -> VideoInfo:
        stream, container = self._stream, self._container
        duration, frames = announced_duration(container, stream), stream.frames or None
        if duration is None:
            duration, frames = measure(path)
        turns, _ = orientation(first)
        width, height = square_size(first.width, first.height, stream.sample_aspect_ratio)
        return VideoInfo(
            width=height if turns % 2 else width,
            height=width if turns % 2 else height,
            duration=duration,
            fps=float(stream.average_rate or stream.guessed_rate or 0),
            frames=frames,
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=first.format.name,
            rotation=turns * 90,
            container=container.format.name,
            has_audio=bool(container.streams.audio),
        )

    def _decode(self) -> Generator[tuple[float, VideoFrame], None, None]:
        origin = None
        for packet in self._container.demux(self._stream):
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in decoded:
                if origin is None:
                    origin = frame.pts or 0
                yield float(((frame.pts or 0) - origin) * (frame.time_base or 0)), frame

    def _sample(self, first: tuple[float, VideoFrame], sampling: Sampling) -> Generator[Frame, None, None]:
        held = first
        if sampling.stride:
            yield Frame(0, first[0], self._convert(first[1]))
            for number, (time, picture) in enumerate(self._pictures, 1):
                if number % sampling.stride == 0:
                    yield Frame(number // sampling.stride, time, self._convert(picture))
            return
        ahead = next(self._pictures, None)
        index, taken = 0, False
        for moment in sample_times(self.info.duration, sampling):
            while ahead is not None and ahead[0] <= moment:
                held, ahead, taken = ahead, next(self._pictures, None), False
            if not taken:
                yield Frame(index, held[0], self._convert(held[1]))
                index, taken = index + 1, True
