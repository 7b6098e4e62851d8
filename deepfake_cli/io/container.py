"""Open video files that may be broken or hostile."""

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from deepfake_cli.errors import MediaError

from .files import check_readable

# Pictures beyond this many pixels are refused before they are decoded: a file of a few kilobytes can claim
# gigabytes. 2^27 leaves room for 8000 x 8000 and for 16K video.
MAX_PIXELS = 1 << 27

# Of FFmpeg's demuxers those that read one file of coded pictures or sound. Left out on purpose: playlists and
# scripts that open other files or addresses (hls, dash, concat, ffmetadata …), devices, and demuxers that take
# any text or any bytes for a picture (tty, bin, rawvideo …).
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,mpeg2video,mpeg1video,m4v,h264,hevc,vvc,h263,h261,"
    "obu,av1,ivf,vc1,vc1test,dirac,dnxhd,flv,live_flv,asf,asf_o,wtv,dv,mxf,gxf,nut,nsv,rm,ogg,gif,apng,webp_anim,webp,"
    "mjpeg,mpjpeg,yuv4mpegpipe,swf,amv,avs2,avs3,cavsvideo,evc,apv,mjpeg_2000,r3d,cine,film_cpk,flic,roq,smk,bink,"
    "mp3,aac,ac3,eac3,flac,wav,w64,aiff,caf,amr,ape,tta,wv,dts,truehd,au,opus,mpc,mpc8,tak,adts,jpegxl_anim"
)


def open_container(path: Path) -> InputContainer:
    """Open a media file without letting it reach for anything else.

    Raises:
        MediaError: Not a readable file, or not one of a known video format.
    """
    check_readable(path)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": _FORMATS,
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        # The prefix keeps a colon or a % in the name from being taken for a protocol or a pattern.
        return av.open(f"file:{path.absolute()}", "r", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise MediaError(
            "is not a video that can be read: unknown format or damaged beginning",
            "if it plays elsewhere, convert it to MP4 first",
        ) from error


def best_video_stream(container: InputContainer) -> VideoStream:
    """Pick the stream to judge: the largest moving picture; cover art is none.

    Raises:
        MediaError: There is none, or none that can be decoded, or it claims to be absurdly large.
    """
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    moving = [stream for stream in container.streams.video if not stream.disposition & still]
    if not moving:
        raise MediaError(
            "has no video stream: it holds only sound or still pictures", "give the file with the picture"
        )
    known = [
        stream for stream in moving if stream.codec_context is not None and stream.width and stream.height
    ]
    if not known:
        raise MediaError(
            "its video cannot be decoded: unknown codec or damaged header", "convert it to H.264 first"
        )
    best = max(
        known,
        key=lambda s: (s.width * s.height, bool(s.disposition & av.stream.Disposition.default), -s.index),
    )
    if best.width * best.height > MAX_PIXELS:
        raise MediaError(
            f"is too large: frames of {best.width} x {best.height}, over {MAX_PIXELS // 10**6} million pixels",
            "scale it down first",
        )
    for stream in container.streams:
        if stream.index != best.index:
            stream.discard = av.stream.Discard.all
    return best


def announced_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Read the length of the video stream in seconds from the headers, or None where they do not say."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and container.duration > 0:
        late = 0.0
        if stream.start_time is not None and stream.time_base and container.start_time is not None:
            late = float(stream.start_time * stream.time_base - Fraction(container.start_time, av.time_base))
        return max(container.duration / av.time_base - max(late, 0.0), 0.0)
    return None


def measure(path: Path) -> tuple[float, int]:
    """Measure a video by reading all of its packets, without decoding them.

    Returns:
        Length in seconds and number of frames; 0 where nothing could be read.
    """
    with open_container(path) as container:
        stream = best_video_stream(container)
        step = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
        count, first, last = 0, None, None
        try:
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                count += 1
                if packet.pts is not None and packet.time_base:
                    begin = packet.pts * packet.time_base
                    end = begin + (packet.duration * packet.time_base if packet.duration else step)
                    first = begin if first is None else min(first, begin)
                    last = end if last is None else max(last, end)
        except av.error.FFmpegError:
            pass  # what could be read counts; the reader of the frames will meet the same end
    if first is None or last is None:
        return float(count * step), count
    return float(last - first), count
