"""Carry the sound of a video over into a new MP4, packet by packet, in step with its pictures."""

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from .container import open_container
from .webp import is_animated_webp

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_AAC_FALLBACK = 48000


class Sound:
    """All sound of one video.

    Args:
        path: The video.
        pictures_begin: Time stamp of its first frame; seconds.

    Attributes:
        beginning: The time stamp at which the earlier of pictures and sound begins, which becomes 0 in the
            new file; seconds. Sound before 0, as MP4 uses to let a decoder warm up, stays there.
        kind: ``copied``, ``encoded`` where the codec has no place in MP4, or ``none``.
    """

    def __init__(self, path: Path, pictures_begin: Fraction) -> None:
        self._container = None if is_animated_webp(path) else open_container(path)
        streams = list(self._container.streams) if self._container else []
        self._inputs = [
            stream
            for stream in streams
            if isinstance(stream, AudioStream) and stream.codec_context is not None and stream.sample_rate
        ]
        for stream in streams:
            if stream not in self._inputs:
                stream.discard = av.stream.Discard.all
        begins = [
            stream.start_time * stream.time_base
            for stream in self._inputs
            if stream.start_time is not None and stream.time_base
        ]
        earliest = min([pictures_begin, *begins])
        self.beginning = earliest if pictures_begin < 0 else max(earliest, Fraction(0))
        self.kind = "none"
        self._outputs: dict[int, _Output] = {}
        self._packets = self._demux()
        self._next: Packet[AudioStream] | None = None

    def close(self) -> None:
        """Release the file."""
        if self._container is not None:
            self._container.close()

    def connect(self, output: OutputContainer) -> None:
        """Add a stream for each one here; before the first packet is written."""
        for stream in self._inputs:
            self._outputs[stream.index] = made = _Output(output, stream, self.beginning)
            self.kind = "encoded" if made.encodes or self.kind == "encoded" else "copied"
        self._next = next(self._packets, None)

    def copy_until(self, time: Fraction | None) -> None:
        """Write what belongs before a time in seconds; None writes all that is left.

        Args:
            time: In the new file.
        """
        while self._next is not None:
            output = self._outputs[self._next.stream.index]
            if time is not None and output.time_of(self._next) >= time:
                return
            output.write(self._next)
            self._next = next(self._packets, None)

    def finish(self) -> None:
        """Write what encoders still hold."""
        for output in self._outputs.values():
            output.finish()

    def _demux(self) -> Iterator["Packet[AudioStream]"]:
        """Read packets to the end, or to where the file is broken."""
        if self._container is None or not self._inputs:
            return
        try:
            for packet in self._container.demux(self._inputs):
                if packet.size and (packet.pts is not None or packet.dts is not None):
                    yield cast("Packet[AudioStream]", packet)
        except av.error.FFmpegError:
            return


class _Output:
    """One stream of sound in the new file."""

    def __init__(self, output: OutputContainer, stream: AudioStream, beginning: Fraction) -> None:
        self._container = output
        self._input = stream
        self._beginning = beginning
        self._last: int | None = None
        self.encodes = not _fits_mp4(stream)
        speakers = "mono" if stream.channels == 1 else "stereo"
        if self.encodes:
            rate = stream.sample_rate if stream.sample_rate in _AAC_RATES else _AAC_FALLBACK
            self._stream = output.add_stream("aac", rate=rate, layout=speakers)
        else:
            self._stream = output.add_stream_from_template(stream)
            if _is_unplaced(stream):  # MP4 must know which speaker is which
                self._stream.codec_context.layout = speakers

    def time_of(self, packet: "Packet[AudioStream]") -> Fraction:
        """Tell when a packet belongs in the new file; seconds."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        return Fraction(stamp or 0) * packet.time_base - self._beginning

    def write(self, packet: "Packet[AudioStream]") -> None:
        """Copy a packet, or decode and encode it."""
        shift = round(self._beginning / packet.time_base)
        if self.encodes:
            for frame in self._decoded(packet):
                if frame.pts is not None:
                    frame.pts -= shift
                self._container.mux(self._stream.encode(frame))
            return
        dts = packet.dts if packet.dts is not None else packet.pts
        assert dts is not None  # `_demux` leaves out packets without any time
        if self._last is not None and dts <= self._last:
            return  # time went backwards, which MP4 cannot express
        self._last = dts
        packet.pts = (packet.pts if packet.pts is not None else dts) - shift
        packet.dts = dts - shift
        packet.stream = self._stream
        self._container.mux(packet)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self.encodes:
            self._container.mux(self._stream.encode(None))

    def _decoded(self, packet: "Packet[AudioStream]") -> "list[av.AudioFrame]":
        try:
            return self._input.decode(packet)
        except av.error.FFmpegError:
            return []  # a broken piece of sound is left out


def _fits_mp4(stream: AudioStream) -> bool:
    """Try whether FFmpeg begins an MP4 with this sound in it: what it knows by name may still fail there."""
    if _is_unplaced(stream) and stream.channels > 2:
        return False
    try:
        with av.open(BytesIO(), "w", format="mp4") as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _is_unplaced(stream: AudioStream) -> bool:
    """Tell whether nothing says which channel belongs to which speaker: FFmpeg only counts them."""
    return stream.layout.name.endswith(" channels")
