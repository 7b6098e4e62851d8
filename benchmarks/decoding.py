"""Measure how videos are decoded: against bare PyAV, and where jumping to keyframes starts to pay.

    python benchmarks/decoding.py [--seconds 20] [--runs 3] [--threads 2]

The clips, a panned and grainy portrait in H.264, are made on the way. Every figure is the median of the runs;
the frames of both ways are compared as well.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
from skimage.data import astronaut

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.io.video import read_frames

FPS = 25


def make_clip(path: Path, seconds: float, size: tuple[int, int], gop: float) -> None:
    """Encode a slow pan over a portrait with film grain; ``gop`` is the seconds between keyframes."""
    width, height = size
    portrait = cv2.resize(astronaut(), (width + 400, width + 400), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 4, (height + 64, width + 64, 1)).astype(np.int16)
    frames = round(gop * FPS)
    options = {"preset": "veryfast", "crf": "21", "g": str(frames), "keyint_min": str(frames)}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(round(seconds * FPS)):
            x, y = round(200 + 180 * np.sin(i / 40)), round(200 + 150 * np.cos(i / 55))
            dx, dy = rng.integers(0, 64, 2)
            picture = portrait[y : y + height, x : x + width] + grain[dy : dy + height, dx : dx + width]
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def decode_only(path: Path, threads: int) -> None:
    """Decode every frame and do nothing with it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type, stream.codec_context.thread_count = "AUTO", threads
        for _ in container.decode(stream):
            pass


def sampled(path: Path, frames: int, threads: int, seek_beyond: float) -> list[tuple[float, int]]:
    """Read evenly spaced frames and return their times and a checksum of each."""
    sampling = Sampling(frames=frames, every=0, burst=1, burst_seconds=0.5, burst_beyond=60.0)
    with read_frames(path, sampling, threads=threads, seek_beyond=seek_beyond) as reader:
        return [(frame.time, int(frame.image[::8, ::8].sum())) for frame in reader]


def median(work: Callable[[], object], runs: int) -> float:
    """Time a piece of work several times; seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare_with_bare(folder: Path, runs: int, threads: int) -> None:
    """Print how long 32 sampled frames take beside decoding the whole clip."""
    print("| 10 s clip | Mbit/s | decode only | 32 frames | ratio |\n|---|---|---|---|---|")
    for name, size in {"720p": (1280, 720), "1080p": (1920, 1080)}.items():
        path = folder / f"{name}.mp4"
        make_clip(path, 10, size, 10)
        bare = median(lambda: decode_only(path, threads), runs)  # noqa: B023 - used up within the turn
        ours = median(lambda: sampled(path, 32, threads, 1e9), runs)  # noqa: B023
        rate = path.stat().st_size * 8 / 10 / 1e6
        print(f"| {name} | {rate:.1f} | {bare:.3f} s | {ours:.3f} s | {ours / bare:.2f} |", flush=True)


def find_crossover(folder: Path, seconds: float, runs: int, threads: int) -> None:
    """Print the time of one pass and of jumps, for keyframe distances and sample spacings."""
    limits = (1e9, 0.0, 0.1, 0.2, 0.4, 0.8)
    print(f"\n{seconds:g} s of 720p, seconds to read the samples; columns: seek_beyond")
    print(
        "| keyframes every | sample every | "
        + " | ".join("one pass" if v > 1e6 else f"{v:g}" for v in limits),
        "|",
    )
    print("|---" * (2 + len(limits)) + "|")
    for gop in (0.5, 2, 5):
        path = folder / f"gop{gop}.mp4"
        make_clip(path, seconds, (1280, 720), gop)
        for spacing in (0.25, 0.5, 1, 2, 4):
            count = round(seconds / spacing)
            if len({tuple(sampled(path, count, threads, limit)) for limit in limits}) != 1:
                raise SystemExit(f"the frames differ: {path}, {count} samples")
            times = [median(lambda: sampled(path, count, threads, limit), runs) for limit in limits]  # noqa: B023
            print(f"| {gop:g} s | {spacing:g} s | " + " | ".join(f"{t:.3f}" for t in times), "|", flush=True)


def main() -> None:
    """Make the clips, measure, print Markdown tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=20, help="length of the clips with several keyframes"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs whose median counts")
    parser.add_argument("--threads", type=int, default=2, help="decoder threads")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare_with_bare(Path(folder), args.runs, args.threads)
        find_crossover(Path(folder), args.seconds, args.runs, args.threads)


if __name__ == "__main__":
    main()
