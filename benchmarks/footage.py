"""Make the clips that `benchmarks/scan.py` measures with.

usage: python benchmarks/footage.py FOLDER [SECONDS [CLIPS [HOURS]]]    default: 10 s, 20 clips, 2 h

Filmed portraits, made to cost what camera footage costs to decode: a hand-held camera that moves by fractions
of pixels, sensor noise that is new in every frame, H.264 with B-frames at bitrates that phones and web sites
use. What is there already is kept.
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from skimage.data import astronaut

FPS = 30
SIZES = {"1080p": (1920, 1080), "720p": (1280, 720), "480p": (854, 480)}
# Mbit/s of a clip, by its name, which begins with its size: what cameras write, and what web sites serve.
MBIT = {"1080p": 10.0, "1080p-web": 4.0, "720p": 5.0, "720p-web": 2.0, "480p": 2.0}
FILM_MBIT, FILM_SHOT, FILM_SHOTS, FILM_KEYFRAMES = 6.0, 5, 12, 2  # Mbit/s, s, number, s

Image = NDArray[np.uint8]


def film(size: tuple[int, int], frames: int, seed: int) -> Iterator[Image]:
    """Film the portrait with a hand-held camera.

    Args:
        size: Width and height, pixels.
        frames: How many.
        seed: Another one moves otherwise.

    Yields:
        (H, W, 3) RGB.
    """
    width, height = size
    portrait = astronaut()
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, 4)
    # Noise has its own pattern in each frame: a window into a larger one, somewhere else every time.
    noise = rng.normal(0, 3, (height + 128, width + 128, 3)).astype(np.int16)
    for i in range(frames):
        t = i / FPS
        sway = np.sin(np.array([0.9, 1.3, 0.5, 7.0]) * t + phase)
        zoom = height / 512 * (1.15 + 0.08 * sway[2])
        camera = cv2.getRotationMatrix2D((226, 130), 3 * sway[0] + 0.1 * sway[3], zoom)
        camera[:, 2] += (width * (0.5 + 0.06 * sway[1]) - 226, height * (0.35 + 0.03 * sway[0]) - 130)
        sharp = cv2.warpAffine(portrait, camera, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        x, y = rng.integers(0, 128, 2)
        yield np.clip(sharp + noise[y : y + height, x : x + width], 0, 255).astype(np.uint8)


def add_stream(
    container: av.container.OutputContainer, name: str, mbit: float, **options: str
) -> VideoStream:
    """Add an H.264 stream at a bitrate in Mbit/s."""
    stream = container.add_stream("libx264", rate=Fraction(FPS), options={"preset": "medium", **options})
    stream.width, stream.height = SIZES[name]
    stream.pix_fmt = "yuv420p"
    stream.bit_rate = round(mbit * 1e6)
    return stream


def encode(container: av.container.OutputContainer, stream: VideoStream, frames: Iterator[Image]) -> None:
    """Encode frames into a container."""
    for pixels in frames:
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
    container.mux(stream.encode())


def make_clip(path: Path, name: str, seconds: float, seed: int) -> None:
    """Make one clip of `MBIT`."""
    size = name.removesuffix("-web")
    if not path.exists():
        with av.open(str(path.with_suffix(".part")), "w", format="mp4") as container:
            stream = add_stream(container, size, MBIT[name])
            encode(container, stream, film(SIZES[size], round(seconds * FPS), seed))
        path.with_suffix(".part").rename(path)


def make_film(path: Path, hours: float) -> None:
    """Make a film in 1080p: a minute of several shots, copied without encoding until it is long enough."""
    if path.exists():
        return
    minute, part = path.with_name("minute.mp4"), path.with_suffix(".part")
    keyframes = str(FILM_KEYFRAMES * FPS)
    with av.open(str(minute), "w") as container:
        stream = add_stream(container, "1080p", FILM_MBIT, g=keyframes, keyint_min=keyframes)
        shots = (film(SIZES["1080p"], FILM_SHOT * FPS, seed) for seed in range(FILM_SHOTS))
        encode(container, stream, (frame for shot in shots for frame in shot))
    with av.open(str(part), "w", format="mp4") as container:
        with av.open(str(minute)) as source:
            target = container.add_stream_from_template(source.streams.video[0])
        for round_ in range(round(hours * 3600 / (FILM_SHOT * FILM_SHOTS))):
            with av.open(str(minute)) as source:
                stream = source.streams.video[0]
                later = round(round_ * FILM_SHOT * FILM_SHOTS / stream.time_base)
                for packet in source.demux(stream):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, target
                        container.mux(packet)
    part.rename(path)


def main() -> None:
    """Make every clip that is not there yet."""
    folder = Path(sys.argv[1])
    seconds, clips, hours = [*map(float, sys.argv[2:]), *(10.0, 20.0, 2.0)[len(sys.argv) - 2 :]]
    (folder / "480p").mkdir(parents=True, exist_ok=True)
    for name in ("1080p", "1080p-web", "720p", "720p-web"):
        make_clip(folder / f"{name}.mp4", name, seconds, 0)
    for i in range(round(clips)):
        make_clip(folder / "480p" / f"{i:02}.mp4", "480p", seconds, i)
    make_film(folder / "film.mp4", hours)


if __name__ == "__main__":
    main()
