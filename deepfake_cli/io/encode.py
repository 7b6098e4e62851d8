"""Rewrite videos frame by frame: real H.264 in MP4, with the times and the sound they had."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from deepfake_cli.errors import MediaError

from .container import frame_rate
from .files import write_atomically
from .pixels import Converter
from .sound import Sound
from .timeline import Picture, Timeline
from .webp import WebpTimeline, is_animated_webp

Image = NDArray[np.uint8]
Change = Callable[[Image, int, float], Image]

_BT709, _BT601 = 1, 6  # AVCOL_SPC_BT709, AVCOL_SPC_SMPTE170M
_SMALL_MATRICES = (5, 6)  # AVCOL_SPC_BT470BG and SMPTE170M: the same numbers
_HD_HEIGHT = 720
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED


@dataclass(frozen=True)
class Encoding:
    """How frames are written.

    Attributes:
        crf: x264's constant rate factor; 0 (lossless) to 51.
        preset: x264's, from ``ultrafast`` to ``veryslow``.
    """

    crf: int
    preset: str


@dataclass(frozen=True)
class Rewritten:
    """What was written.

    Attributes:
        frames: How many.
        sound: ``copied``, ``encoded`` (anew, as AAC, where MP4 does not hold the codec), or ``none``.
    """

    frames: int
    sound: str


def rewrite_video(
    source: Path, target: Path, change: Change, *, encoding: Encoding, seconds: float | None = None
) -> Rewritten:
    """Decode a video, change every frame, and write it as H.264 in MP4; the file appears when it is whole.

    Frames are handed over and written upright and with square pixels, so no rotation has to be tagged. Every
    frame keeps its time. Odd sizes, which 4:2:0 video cannot have, grow by a repeated last row or column. The
    colour matrix is the one the source has or is taken to have, and tagged; so are its primaries and
    transfer. Sound is copied. One thread does it all: same input, same bytes. A few frames are in memory.

    Args:
        source: The video.
        target: The MP4 to write.
        change: Gets a frame, (H, W, 3) uint8 RGB, its number from 0 and its time in seconds since the first;
            returns the frame to write. All it returns must be of one size.
        encoding: How to write.
        seconds: End after so much video; None for all of it.

    Raises:
        MediaError: The video cannot be read or encoded.
        OutputError: The target cannot be written.
    """
    timeline = WebpTimeline(source) if is_animated_webp(source) else Timeline(source, threads=1)
    with closing(timeline):
        first = timeline.next()
        if first is None:
            raise MediaError("no frame can be decoded: the video is damaged", "copy or download it again")
        try:
            with write_atomically(target, "wb") as file:
                return _Rewriter(source, timeline, first, encoding).write(file, change, seconds)
        except av.error.FFmpegError as error:
            raise MediaError(f"cannot be written as MP4: {error.strerror}") from error


class _Rewriter:
    """Rewrites one video."""

    def __init__(
        self, source: Path, timeline: Timeline | WebpTimeline, first: Picture, encoding: Encoding
    ) -> None:
        self._source = source
        self._timeline = timeline
        self._first = first
        self._encoding = encoding
        stream = timeline.stream if isinstance(timeline, Timeline) else None
        self._tick = Fraction((stream.time_base if stream else None) or Fraction(1, 1000))
        self._rate = frame_rate(stream) if stream else Fraction(25)
        self._origin = (first.frame.pts or 0) if stream else 0
        self._convert = Converter(stream.sample_aspect_ratio if stream else None, exact=True)
        self._matrix = _matrix_of(first.frame)
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None
        self._durations: dict[int, int] = {}  # by time stamp, of frames that the encoder holds

    def write(self, file: IO[bytes], change: Change, seconds: float | None) -> Rewritten:
        """Write the video."""
        frames = 0
        stream: VideoStream | None = None
        with (
            closing(Sound(self._source, self._origin * self._tick)) as sound,
            av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as output,
        ):
            shift = round(sound.beginning / self._tick)
            for number, (picture, end) in enumerate(self._pictures(seconds)):
                changed = _even(change(self._pixels(picture), number, picture.time))
                if stream is None:
                    stream = self._open(output, changed)
                    sound.connect(output)
                frame = self._frame(changed)
                frame.time_base = self._tick
                frame.pts = self._origin - shift + self._ticks(picture.time)
                self._durations[frame.pts] = max(self._ticks(end) - self._ticks(picture.time), 1)
                for packet in self._encode(stream, frame):
                    sound.copy_until((packet.dts or 0) * packet.time_base)
                    output.mux(packet)
                frames += 1
            for packet in self._encode(stream, None):
                sound.copy_until((packet.dts or 0) * packet.time_base)
                output.mux(packet)
            sound.copy_until(None if seconds is None else Fraction(seconds) + self._origin * self._tick)
            sound.finish()
        return Rewritten(frames, sound.kind)

    def _pictures(self, seconds: float | None) -> Iterator[tuple[Picture, float]]:
        """Give every picture and the time at which it leaves the screen."""
        picture, gap = self._first, 1 / float(self._rate)
        while seconds is None or picture.time < seconds:
            following = self._timeline.next()
            if following is None:
                yield picture, self._end(picture, gap)
                return
            yield picture, following.time
            picture, gap = following, following.time - picture.time

    def _end(self, last: Picture, gap: float) -> float:
        """Tell when the last picture leaves the screen: the stream says, or the frame, or the one before."""
        if isinstance(self._timeline, WebpTimeline):
            return sum(self._timeline.durations)
        stream, frame = self._timeline.stream, last.frame
        if stream.duration and float(stream.duration * self._tick) > last.time + float(self._tick):
            return float(stream.duration * self._tick)
        if frame.duration and frame.time_base:
            return last.time + float(frame.duration * frame.time_base)
        return last.time + gap

    def _pixels(self, picture: Picture) -> Image:
        """Convert a picture; streams may change their size on the way, this keeps that of the first."""
        try:
            image = self._convert(picture.frame)
        except av.error.FFmpegError as error:
            raise MediaError("its colours cannot be converted", "convert it to H.264 first") from error
        self._size = self._size or (image.shape[1], image.shape[0])
        if (image.shape[1], image.shape[0]) != self._size:
            image = np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        return image

    def _ticks(self, time: float) -> int:
        return round(Fraction(time) / self._tick)

    def _open(self, output: OutputContainer, image: Image) -> VideoStream:
        # Without B-frames the last frame in the file is the last on screen: MP4 can then tell its length.
        options = {"crf": str(self._encoding.crf), "preset": self._encoding.preset, "threads": "1", "bf": "0"}
        rate = self._rate.limit_denominator(100_000)
        stream = output.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = self._tick
        context, like = stream.codec_context, self._first.frame
        context.time_base = self._tick
        context.thread_count = 1
        context.colorspace = self._matrix
        context.color_range = ColorRange.MPEG
        context.color_primaries = like.color_primaries
        context.color_trc = like.color_trc
        return stream

    def _frame(self, image: Image) -> VideoFrame:
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(image, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709 if self._matrix == _BT709 else Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )

    def _encode(self, stream: VideoStream | None, frame: VideoFrame | None) -> "list[Packet[VideoStream]]":
        assert stream is not None  # there is a first picture
        try:
            packets = stream.encode(frame)
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(f"cannot be encoded as H.264: {error}") from error
        for packet in packets:  # x264 knows the mean duration only
            packet.duration = self._durations.pop(packet.pts or 0)
        return packets


def _matrix_of(frame: VideoFrame) -> int:
    """Tell which of the two common matrices to write: that of the frame, or the one players assume."""
    if frame.colorspace in _SMALL_MATRICES:
        return _BT601
    if frame.colorspace == _UNSPECIFIED or frame.format.is_rgb:
        return _BT709 if frame.height >= _HD_HEIGHT else _BT601
    return _BT709


def _even(image: Image) -> Image:
    """Repeat the last row and column where the size is odd."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(image)
    padded = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, dtype=np.uint8)
