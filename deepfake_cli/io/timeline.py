"""Decode the frames of a video in order of presentation, and jump ahead by keyframes."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from math import floor
from pathlib import Path
from typing import NamedTuple

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .container import MAX_PIXELS, best_video_stream, frame_rate, open_container
from .foresight import with_ends

# Containers whose index tells where every keyframe is, once it is read, and whether by decoding time. Others
# collect an index on the way.
_INDEXED = {"mov": True, "avi": True, "matroska": False}
_TIMED = ("mov", "matroska")  # containers that tell when each frame is shown before it is decoded
# Seconds by which to aim earlier and earlier when a jump lands behind its target: transport streams are
# searched without regard to keyframes, others by the time of decoding, which runs ahead of that of showing.
_EARLIER = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_FAILURES = 16  # errors of the demuxer in a row after which there is nothing more to be had
_RESTART = 1.0  # seconds; a time that falls back further begins a new recording, less is disorder


class Picture(NamedTuple):
    """A decoded frame and its time in seconds since the first frame."""

    time: float
    frame: VideoFrame


class Timeline:
    """The frames of one video, one after the other.

    Times start at 0 with the first frame and always grow, also where the file's do not. Broken frames are
    left out.

    Args:
        path: The video.
        threads: For decoding; the frames do not depend on it.
        stride: Above 1, only every so many-th frame will be looked at, counted by ``number``: others are left
            out where that spares decoding, as by ``expect``.

    Attributes:
        container: The open file.
        stream: The stream that is read.
        damaged: How many packets or frames were broken so far.

    Raises:
        MediaError: It cannot be read, or holds no video.
    """

    def __init__(self, path: Path, threads: int, stride: int = 1) -> None:
        self._path = path
        self._stride = stride
        self._starts: list[int] = []  # ticks at which the frames read so far are shown, sorted
        self._threads = threads
        self._origin: int | None = None  # ticks of the first frame
        self._shift = 0  # ticks added since times started over
        self._last: int | None = None  # ticks of the frame given last
        self._jumps = True  # whether jumping can work
        self._early = 0  # which of _EARLIER worked last where there is no index
        self._delay = 0  # most ticks by which a keyframe was shown after the index has it
        self._moments: Sequence[int] = ()  # ticks; where there are any, only frames on screen then are wanted
        self._patience = 0.0  # seconds; without an index, jumps over less than this have not paid
        self.damaged = 0
        self._open()

    def _open(self) -> None:
        self.container = open_container(self._path)
        try:
            self.stream: VideoStream = best_video_stream(self.container)
        except BaseException:
            self.container.close()
            raise
        context = self.stream.codec_context
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        context.options = {"max_pixels": str(MAX_PIXELS)}  # the size may change on the way
        self._kind = self.container.format.name.split(",")[0]
        self._tick = Fraction(self.stream.time_base or Fraction(1, 1000))
        self._step = max(round(1 / (frame_rate(self.stream) * self._tick)), 1)
        self._frames = self._decode(self._packets())

    def close(self) -> None:
        """Release the file."""
        self.container.close()

    def next(self) -> Picture | None:
        """Decode the next frame; None at the end."""
        frame = next(self._frames, None)
        return None if frame is None else Picture(self._time(frame), frame)

    def expect(self, moments: Sequence[float]) -> None:
        """Let frames that are on screen at none of these moments be left out, where that spares decoding.

        Only those are that no other frame is predicted from, so the others stay the same to the bit: in H.264
        as web sites serve it, half of all.

        Args:
            moments: Seconds since the first frame, ascending; the first frame was read already.
        """
        if self._kind in _TIMED and self.stream.codec_context.codec.canonical_name == "h264":
            self._moments = [self._ticks(moment) for moment in moments]

    def number(self, picture: Picture, counted: int) -> int:
        """Tell which frame of the file this is in order of presentation, from 0.

        Args:
            picture: A frame.
            counted: How many were given before it, which is the answer where none is left out.
        """
        skips = self._counts_ahead and picture.frame.pts is not None
        return self._rank(picture.frame.pts or 0) if skips else counted

    def skipped(self, position: float, moment: float) -> float:
        """Estimate how many seconds of video a jump from ``position`` to ``moment`` would save decoding."""
        if not self._jumps or self._origin is None:
            return 0.0
        keyframe = self._keyframe(self._ticks(moment))
        if keyframe is not None:
            return float((keyframe - self._origin) * self._tick) - position
        gap = moment - position
        return gap if gap > self._patience else 0.0

    def jump(self, position: float, moment: float) -> Picture | None:
        """Go on from the last keyframe that is not later than ``moment``.

        Args:
            position: Where decoding is now; tells whether the jump was worth it.
            moment: Seconds since the first frame.

        Returns:
            The frame at that keyframe. Where the file does not allow it, the first frame of all: decoding
            then starts over, and jumps are given up.
        """
        target = self._ticks(moment)
        keyframe = self._keyframe(target)
        for attempt in range(self._early if keyframe is None else 0, len(_EARLIER)):
            aim = target if keyframe is None else keyframe
            landed = self._land(aim - round(_EARLIER[attempt] / self._tick), target)
            if landed is not None:
                self._last = None
                picture = Picture(self._time(landed), landed)
                if keyframe is None:
                    self._early = attempt
                    if picture.time <= position:
                        self._patience = 2 * (moment - position)
                return picture
        self.container.close()
        self._jumps, self._last = False, None
        self._open()
        return self.next()

    def _keyframe(self, target: int) -> int | None:
        """Look up when the last keyframe not after a time is shown; None where the index does not tell."""
        if self._kind not in _INDEXED:
            return None
        entries = self.stream.index_entries
        found = entries.search_timestamp(target - self._delay)
        # What lies beyond the last entry is not known to hold no keyframe.
        return entries[found].timestamp + self._delay if 0 <= found < len(entries) - 1 else None

    def _land(self, aim: int, target: int) -> VideoFrame | None:
        """Seek so that decoding starts at a keyframe not after a time; None where it does not."""
        try:
            self.container.seek(aim, stream=self.stream)
        except av.error.FFmpegError:
            return None
        packets = self._packets()
        key = next((packet for packet in packets if packet.is_keyframe and packet.pts is not None), None)
        if key is None or key.pts is None or key.pts > target:
            return None
        self._frames = self._decode(chain([key], packets))
        for frame in self._frames:
            # Frames before the keyframe in time need what lies before it in the file: not to be trusted.
            if frame.pts is not None and frame.pts >= key.pts:
                # A stream that is refreshed bit by bit has entry points that are no whole pictures.
                return frame if frame.key_frame and frame.pts <= target else None
        return None

    def _ticks(self, moment: float) -> int:
        return (self._origin or 0) + floor(Fraction(moment) / self._tick)

    def _time(self, frame: VideoFrame) -> float:
        if frame.pts is None:
            self._jumps = False
            ticks = 0 if self._last is None else self._last + self._step
        else:
            if self._origin is None:
                self._origin = frame.pts
                if frame.interlaced_frame:
                    self._stride = 1  # its frames may be stored in two halves, which cannot be counted off
            ticks = frame.pts - self._origin + self._shift
        if self._last is not None and ticks <= self._last:
            if (self._last - ticks) * self._tick > _RESTART:
                self._jumps = False
                self._shift += self._last + self._step - ticks
                ticks = self._last + self._step
            else:
                ticks = self._last + 1
        self._last = ticks
        return float(ticks * self._tick)

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        """Read the stream's packets past errors."""
        failures = 0
        while failures < _FAILURES:
            try:
                for packet in self.container.demux(self.stream):
                    failures = 0
                    if packet.is_keyframe and packet.pts is not None and packet.dts is not None:
                        late = packet.pts - packet.dts if _INDEXED.get(self._kind) else 0
                        self._delay = max(self._delay, late)
                    if packet.size:
                        yield packet
                return
            except av.error.FFmpegError:
                self.damaged += not failures
                failures += 1

    def _decode(self, packets: Iterator["Packet[VideoStream]"]) -> Iterator[VideoFrame]:
        """Decode packets, leaving out what is broken, and what the decoder holds back at the end."""
        context = self.stream.codec_context
        for packet, end in chain(with_ends(self._noted(packets)), [(None, None)]):
            context.skip_frame = "NONREF" if packet and not self._wanted(packet.pts, end) else "DEFAULT"
            try:
                frames = self.stream.decode(packet)
            except av.error.FFmpegError:
                self.damaged += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.damaged += 1
                else:
                    yield frame

    @property
    def _counts_ahead(self) -> bool:
        """Whether frames can be counted before they are decoded."""
        known = self._kind in _TIMED and self.stream.codec_context.codec.canonical_name == "h264"
        return known and self._stride > 1

    def _noted(self, packets: Iterator["Packet[VideoStream]"]) -> Iterator["Packet[VideoStream]"]:
        """Pass packets on, and note when those are shown that are."""
        for packet in packets:
            if self._counts_ahead and packet.pts is not None and not packet.is_discard:
                insort(self._starts, packet.pts)
            yield packet

    def _rank(self, start: int) -> int:
        return bisect_left(self._starts, start) - bisect_left(self._starts, self._origin or 0)

    def _wanted(self, start: int | None, end: int | None) -> bool:
        """Tell whether a frame is one that is counted off, or on screen at one of the expected moments."""
        if self._counts_ahead and self._origin is not None and start is not None and end is not None:
            return self._rank(start) % self._stride == 0
        if start is None or end is None or not self._moments or not self._jumps:
            return True
        return bisect_left(self._moments, start) < bisect_right(self._moments, end)
