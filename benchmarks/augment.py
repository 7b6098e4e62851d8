"""Measure what augmenting a video costs: CPU time a frame for every kind, and memory by length.

usage: python benchmarks/augment.py FOLDER

The clips are made in FOLDER unless they are there. Every figure is that of a process of its own with one
thread, in CPU milliseconds a frame, so that other work on the machine counts little.
"""

import json
import subprocess
import sys
from pathlib import Path

import footage

SECONDS = 4
KINDS: dict[str, list[dict[str, object]]] = {
    "unchanged": [],
    "rotation": [{"kind": "rotation", "degrees": 10.0}],
    "flip": [{"kind": "flip"}],
    "rescale": [{"kind": "rescale", "size": "800x600"}],
    "contrast": [{"kind": "contrast", "amount": 20}],
    "blur": [{"kind": "blur", "kernel": 9}],
    **{
        f"noise: {noise}": [{"kind": "noise", "noise": noise, strength: value, "seed": 1}]
        for noise, strength, value in (
            ("gaussian", "variance", 0.01),
            ("speckle", "variance", 0.01),
            ("local-variance", "variance", 0.01),
            ("salt", "amount", 0.05),
            ("poisson", "peak", 256),
        )
    },
    "rolling-text": [
        {
            "kind": "rolling-text",
            "text": "aB3xYz9Q",
            "height": 0.1,
            "colour": "red",
            "x": 0.5,
            "y": 0.5,
            "direction": "left",
            "speed": 0.2,
        }
    ],
}
WORK = """
import json, sys, time
from pathlib import Path
import cv2
from deepfake_cli.io.encode import Encoding, rewrite_video
from deepfake_cli.pipeline.augmentations import ENTRY, Chain
from deepfake_cli.profile import load_profile
settings = load_profile().augment
cv2.setNumThreads(1)
chain = Chain(tuple(ENTRY.validate_python(entry) for entry in json.loads(sys.argv[2])))
target, begun = Path(sys.argv[1]).with_suffix(".out"), time.process_time()
made = rewrite_video(Path(sys.argv[1]), target, chain, encoding=Encoding(settings.crf, settings.preset))
spent = (time.process_time() - begun) / made.frames
# Not ru_maxrss, which counts what the parent had when it started us.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
print(json.dumps([1000 * spent, target.stat().st_size / made.frames / 1000, peak / 1024]))
target.unlink()
"""


def measure(path: Path, entries: list[dict[str, object]]) -> list[float]:
    """Augment a video; return CPU milliseconds a frame, kilobytes a frame, and megabytes of memory."""
    command = [sys.executable, "-c", WORK, str(path), json.dumps(entries)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(value) for value in json.loads(run.stdout)]


def main() -> None:
    """Make the clips, measure, print tables."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    clips = {name: folder / f"{name}-{SECONDS}s.mp4" for name in ("480p", "1080p")}
    for name, path in clips.items():
        footage.make_clip(path, name, SECONDS, 0)
    print("| CPU ms a frame (kB a frame) | " + " | ".join(clips) + " |\n|---" + "|---" * len(clips) + "|")
    for kind, entries in KINDS.items():
        cells = [measure(path, entries) for path in clips.values()]
        print(f"| {kind} | " + " | ".join(f"{ms:.1f} ({kb:.0f})" for ms, kb, _ in cells) + " |", flush=True)
    print("\n| 1080p, blur | most memory |\n|---|---|")
    for seconds in (SECONDS, 5 * SECONDS):
        path = folder / f"1080p-{seconds}s.mp4"
        footage.make_clip(path, "1080p", seconds, 0)
        print(f"| {seconds} s | {measure(path, KINDS['blur'])[2]:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
