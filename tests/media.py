"""Make videos whose frames know their number, in every container and codec that reading has to cope with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.io.video import Frame, read_frames

FPS = 25
BITS = 10
ONE_PASS, JUMPING = 1e9, 0.0  # values of seek_beyond


def numbered(count: int, width: int = 160, height: int = 120) -> Iterator[np.ndarray]:
    """Yield frames of a moving gradient; their upper half spells their number in black and white bars."""
    x = np.arange(width) * BITS // width
    ramp = np.add.outer(np.arange(height), np.arange(width))
    for number in range(count):
        frame = np.stack([(ramp + number * step) % 200 for step in (1, 2, 3)], -1).astype(np.uint8)
        frame[: height // 2] = np.where(number >> x & 1, 255, 0)[None, :, None]
        yield frame


def number_of(image: np.ndarray) -> int:
    """Read the number of a frame made by ``numbered``."""
    height, width = image.shape[:2]
    columns = (np.arange(BITS) * 2 + 1) * width // (2 * BITS)
    bars = image[height // 4, columns].mean(-1) > 128
    return int((bars << np.arange(BITS)).sum())


def encode(
    path: Path,
    frames: Iterable[np.ndarray],
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    *,
    options: dict[str, str] | None = None,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 1000),
    prepare: Callable[[Any], None] = lambda stream: None,
) -> Path:
    """Write frames, (H, W, 3) or (H, W, 4) uint8; ``prepare`` may change the stream before it opens."""
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        stream = output.add_stream(codec, rate=FPS, options={"threads": "1", **(options or {})})
        stream.pix_fmt = pix_fmt
        if pts is not None:
            stream.codec_context.time_base = time_base
        for i, pixels in enumerate(frames):
            if i == 0:
                stream.height, stream.width = pixels.shape[:2]
                prepare(stream)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
            if pts is not None:
                frame.pts, frame.time_base = pts[i], time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def sampling(frames: int = 0, every: int = 0, burst: int = 1, burst_beyond: float = 60.0) -> Sampling:
    """Sampling with the rest at its usual values; of all frames unless told otherwise."""
    return Sampling(frames=frames, every=every, burst=burst, burst_seconds=0.5, burst_beyond=burst_beyond)


def read(path: Path, what: Sampling, *, threads: int = 2, seek_beyond: float = ONE_PASS) -> list[Frame]:
    """Read the sampled frames of a small video at once."""
    with read_frames(path, what, threads=threads, seek_beyond=seek_beyond) as reader:
        return list(reader)


def notes(path: Path, what: Sampling) -> list[str]:
    """Read a video and return what was wrong with it."""
    with read_frames(path, what, threads=2, seek_beyond=ONE_PASS) as reader:
        for _ in reader:
            pass
        return reader.notes


X264 = {"preset": "ultrafast", "crf": "20", "g": "20"}
OPEN_GOP = {
    "preset": "veryfast",
    "crf": "20",
    "x264-params": "open-gop=1:scenecut=0:b-adapt=0:bframes=3:keyint=20:min-keyint=20",
}
X265 = {"preset": "ultrafast", "x265-params": "open-gop=1:keyint=20:bframes=3:log-level=none"}
VP9 = {"g": "20", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "10", "auto-alt-ref": "1"}
MPEG4 = {"g": "20", "bf": "2", "qscale": "3"}

# Name of the file, and how to encode it.
KINDS: dict[str, dict[str, Any]] = {
    "closed.mp4": {"options": X264},
    "open.mp4": {"options": OPEN_GOP},
    "open.mkv": {"options": OPEN_GOP},
    "open.ts": {"options": OPEN_GOP},
    "open.flv": {"options": OPEN_GOP},
    "fragmented.mp4": {
        "options": OPEN_GOP,
        "container_options": {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer"},
    },
    "long.mp4": {"options": {**X264, "g": "1000"}},
    "refresh.mp4": {"options": {**X264, "x264-params": "intra-refresh=1:keyint=20:bframes=0"}},
    "open_hevc.mp4": {"codec": "libx265", "options": X265},
    "mpeg4.mp4": {"codec": "mpeg4", "options": MPEG4},
    "mpeg4.avi": {"codec": "mpeg4", "options": MPEG4},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"g": "15", "bf": "2", "qscale": "3"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": VP9},
    "vp9_live.webm": {"codec": "libvpx-vp9", "options": VP9, "container_options": {"live": "1"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "raw.h264": {"options": OPEN_GOP, "container": "h264"},
    "raw.mjpeg": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "container": "mjpeg"},
    "still.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "still.png": {"codec": "apng", "pix_fmt": "rgb24", "container": "apng"},
}
