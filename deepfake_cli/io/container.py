"""Open video files that may be broken or hostile."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from deepfake_cli.errors import MediaError

from .files import open_readable

# Pictures beyond this many pixels are refused before they are decoded: a file of a few kilobytes can claim
# gigabytes. 2^27 leaves room for 8000 x 8000 and for 16K video.
MAX_PIXELS = 1 << 27

# Of FFmpeg's demuxers those that read one file of coded pictures or sound, as people have them. Left out on
# purpose: playlists and scripts that open other files or addresses (hls, dash, concat, ffmetadata …),
# devices, those that take any text or bytes for a picture (tty, bin, rawvideo …), and old game formats.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,h263,obu,ivf,vc1,dirac,"
    "flv,asf,wtv,dv,mxf,gxf,nut,rm,ogg,gif,apng,mjpeg,yuv4mpegpipe,"
    "mp3,aac,ac3,eac3,flac,wav,w64,aiff,caf,amr,ape,wv,dts,au"
)


def open_container(path: Path) -> InputContainer:
    """Open a media file without letting it reach for anything else.

    Raises:
        MediaError: Not a readable file, or not one of a known video format.
    """
    with open_readable(path) as file:
        # FFmpeg takes a short film of JPEGs for one picture.
        layout = "mjpeg" if file.read(3) == b"\xff\xd8\xff" else None
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": _FORMATS,
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        # The prefix keeps a colon or a % in the name from being taken for a protocol or a pattern.
        return av.open(f"file:{path.absolute()}", "r", layout, options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise _not_a_video(path) from error


def _not_a_video(path: Path) -> MediaError:
    with path.open("rb") as file:
        mp4 = file.read(8)[4:] == b"ftyp"
    if mp4:
        return MediaError("incomplete MP4: its index, at the end, is missing", "copy or download it again")
    return MediaError(
        "not a video that can be read: unknown format or damaged beginning",
        "if it plays elsewhere, convert it to MP4 first",
    )


def best_video_stream(container: InputContainer) -> VideoStream:
    """Pick the stream to judge: the largest moving picture; cover art is none.

    Raises:
        MediaError: There is none, or none that can be decoded, or it claims to be absurdly large.
    """
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    moving = [stream for stream in container.streams.video if not stream.disposition & still]
    if not moving:
        raise MediaError("no video stream, only sound or cover art", "give the file with the picture")
    known = [
        stream for stream in moving if stream.codec_context is not None and stream.width and stream.height
    ]
    if not known:
        raise MediaError("unknown codec, damaged header or absurd frame size", "convert it to H.264 first")
    # A stream of one frame beside others is a poster.
    best = max(
        known,
        key=lambda s: (
            s.frames != 1,
            s.width * s.height,
            bool(s.disposition & av.stream.Disposition.default),
            -s.index,
        ),
    )
    if best.width * best.height > MAX_PIXELS:
        raise MediaError(
            f"too large: {best.width} x {best.height}, over {MAX_PIXELS // 10**6} million pixels a frame",
            "scale it down first",
        )
    for stream in container.streams:
        if stream.index != best.index:
            stream.discard = av.stream.Discard.all
    return best


def frame_rate(stream: VideoStream) -> Fraction:
    """Frames a second on average; 25 where the file does not say."""
    return stream.average_rate or stream.guessed_rate or Fraction(25)


@dataclass(frozen=True)
class Length:
    """How long a video is.

    Attributes:
        seconds: From the first frame to the end of the last.
        frames: How many there are, where known.
        announced: What the headers say, where that could not be believed; else the same as ``seconds``.
    """

    seconds: float
    frames: int | None
    announced: float


def length(container: InputContainer, stream: VideoStream, path: Path) -> Length:
    """Find out how long a video is, by its headers if they can be believed, else by reading all packets."""
    announced = _announced_duration(container, stream)
    if announced and _reaches(stream, path, announced):
        return Length(announced, stream.frames or None, announced)
    measured, count = _measure(path)
    return Length(measured or announced or 0.0, count or None, announced or measured)


def _announced_duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and container.duration > 0:
        late = 0.0
        if stream.start_time is not None and stream.time_base and container.start_time is not None:
            late = float(stream.start_time * stream.time_base - Fraction(container.start_time, av.time_base))
        return max(container.duration / av.time_base - max(late, 0.0), 0.0)
    return None


def _reaches(stream: VideoStream, path: Path, announced: float) -> bool:
    """Tell whether the file holds what its headers announce, or was cut off.

    An index of every frame tells at once; otherwise there must be packets near the end.
    """
    entries = stream.index_entries
    if stream.frames and len(entries) >= stream.frames:
        last = entries[len(entries) - 1]
        return last.pos + last.size <= path.stat().st_size
    with open_container(path) as container:
        stream = best_video_stream(container)
        if not stream.time_base:
            return True
        start = stream.start_time or 0
        try:
            container.seek(start + round(0.95 * announced / stream.time_base), stream=stream)
        except av.error.FFmpegError:
            return True  # cannot be searched, so cannot be told; reading will show
        enough = start + 0.9 * announced / stream.time_base
        try:
            return any(packet.pts is not None and packet.pts >= enough for packet in container.demux(stream))
        except av.error.FFmpegError:
            return False


def _measure(path: Path) -> tuple[float, int]:
    """Measure a video by reading all of its packets, without decoding them.

    Returns:
        Length in seconds and number of frames; 0 where nothing could be read.
    """
    count, first, last = 0, None, None
    with open_container(path) as container:
        stream = best_video_stream(container)
        tick, step = stream.time_base or Fraction(1, 1000), 1 / frame_rate(stream)
        try:
            for packet in container.demux(stream):
                count += bool(packet.size)
                if packet.size and packet.pts is not None:
                    end = packet.pts + (packet.duration or step / tick)
                    first = packet.pts if first is None else min(first, packet.pts)
                    last = end if last is None else max(last, end)
        except av.error.FFmpegError:
            pass  # what could be read counts; the reader of the frames will meet the same end
    if first is None or last is None:
        return float(count * step), count
    return float((last - first) * tick), count
