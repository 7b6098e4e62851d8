"""Measure how frames are read: against bare PyAV, and where jumping to keyframes starts to pay.

usage: python benchmarks/decoding.py FOLDER [RUNS]

The clips are made in FOLDER unless they are there. Times are CPU seconds of all threads together, medians of
RUNS (3), so that other work on the machine counts little; the first table also has seconds by the clock. The
frames of all ways of reading are compared.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import footage

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.io.video import read_frames

THREADS = 2
SECONDS = 12  # length of the clips with several keyframes
ONE_PASS = 1e9
LIMITS = (ONE_PASS, 0.0, 0.1, 0.2, 0.4, 0.8, 1.6)  # values of seek_beyond, seconds


def make_clip(path: Path, keyframes: float) -> Path:
    """Make a 480p clip with a keyframe every so many seconds."""
    if not path.exists():
        with av.open(str(path), "w") as container:
            distance = str(round(keyframes * footage.FPS))
            stream = footage.add_stream(container, "480p", 2.0, g=distance, keyint_min=distance)
            footage.encode(container, stream, footage.film(footage.SIZES["480p"], SECONDS * footage.FPS, 0))
    return path


def decode_only(path: Path) -> None:
    """Decode every frame and do nothing with it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type, stream.codec_context.thread_count = "AUTO", THREADS
        for _ in container.decode(stream):
            pass


def sample(path: Path, frames: int, seek_beyond: float) -> list[tuple[float, int]]:
    """Read evenly spaced frames; return their times and a checksum of each."""
    sampling = Sampling(frames=frames, every=0, burst=1, burst_seconds=0.5, burst_beyond=60.0)
    with read_frames(path, sampling, threads=THREADS, seek_beyond=seek_beyond) as reader:
        return [(frame.time, int(frame.image[::8, ::8].sum())) for frame in reader]


def medians(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Time a piece of work several times: CPU seconds and seconds by the clock."""
    cpu, clock = [], []
    for _ in range(runs):
        start = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - start[0])
        clock.append(time.perf_counter() - start[1])
    return statistics.median(cpu), statistics.median(clock)


def compare_with_bare(folder: Path, runs: int) -> None:
    """Print what 32 sampled frames cost beside decoding the whole clip."""
    print("| 10 s | decode only, CPU | 32 frames, CPU | ratio | decode only | 32 frames | ratio |")
    print("|---" * 7 + "|")
    for name in ("720p", "1080p"):
        path = folder / f"{name}.mp4"
        footage.make_clip(path, name, 10, 0)
        bare = medians(lambda path=path: decode_only(path), runs)  # type: ignore[misc]
        ours = medians(lambda path=path: sample(path, 32, ONE_PASS), runs)  # type: ignore[misc]
        cells = [f"{b:.3f} s | {o:.3f} s | {o / b:.2f}" for b, o in zip(bare, ours, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def find_crossover(folder: Path, runs: int) -> None:
    """Print what reading costs by keyframe distance, sample spacing and ``seek_beyond``."""
    print(f"\n{SECONDS} s of 480p; CPU seconds for one pass, and relative to it for values of seek_beyond\n")
    print(
        "| keyframes every | sample every | one pass | " + " | ".join(f"{v:g} s" for v in LIMITS[1:]) + " |"
    )
    print("|---" * (2 + len(LIMITS)) + "|")
    for keyframes in (0.5, 1, 2, 5):
        path = make_clip(folder / f"keyframes-{keyframes}.mp4", keyframes)
        for spacing in (0.3, 0.6, 1, 2, 4):
            count = round(SECONDS / spacing)
            if len({tuple(sample(path, count, limit)) for limit in LIMITS}) != 1:
                raise SystemExit(f"the frames differ: {path}, {count} samples")
            one_pass, *others = (
                medians(lambda path=path, n=count, v=v: sample(path, n, v), runs)[0]  # type: ignore[misc]
                for v in LIMITS
            )
            cells = [f"{one_pass:.3f} s", *(f"{other / one_pass:.2f}" for other in others)]
            print(f"| {keyframes:g} s | {spacing:g} s | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Make the clips, measure, print tables."""
    folder, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder.mkdir(parents=True, exist_ok=True)
    compare_with_bare(folder, runs)
    find_crossover(folder, runs)


if __name__ == "__main__":
    main()
