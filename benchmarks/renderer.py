"""Measure renderers of faces, and `dfdetect scan --method modalities`.

    python benchmarks/renderer.py [--runs 20] [--threads 1]

Each figure is a ratio of two things done in turn in this run, medians of all turns, and printed as a row of
the table in benchmarks/modalities.md. Both networks run eager in torch, on the CPU, with the same threads;
their weights are random, which takes as long as trained ones. The compact one is that of the profile.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import footage
import torch
from generator import in_turn, row
from scan import FRAMES
from torch import nn

from deepfake_cli.models.face_renderer import FaceRenderer
from deepfake_cli.models.inverse_render_net import InverseRenderNet
from deepfake_cli.profile import load_profile

FULL_SIDE = 200  # pixels that InverseRenderNet is made for
CLIPS = ("1080p-web", "480p-web")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    print("| | measured | target | met |\n|---|---|---|---|")
    rendering(asked.runs, asked.threads)
    for clip in CLIPS:
        scanning(clip, min(asked.runs, 3))


def rendering(runs: int, threads: int) -> None:
    """Compare the compact renderer with InverseRenderNet, a face at a time."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    recipe = load_profile().renderer
    compact = FaceRenderer(recipe.architecture, recipe.width, recipe.depth).eval()
    full = InverseRenderNet().eval()
    small, large = (torch.rand(1, 3, side, side) * 2 - 1 for side in (recipe.size, FULL_SIDE))
    work = {
        "compact": lambda: render(compact, small),
        "full": lambda: render(full, large),
        "full, as small": lambda: render(full, small),
    }
    taken = in_turn(work, runs)
    row(
        f"compact at {recipe.size} px / InverseRenderNet at {FULL_SIDE} px",
        taken["compact"] / taken["full"],
        0.25,
    )
    row(f"both at {recipe.size} px", taken["compact"] / taken["full, as small"], 0.25)
    times = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in taken.items())
    print(f"| a face: {times} | | | |", flush=True)


@torch.inference_mode()
def render(network: nn.Module, face: torch.Tensor) -> None:
    """Take a face (1, 3, S, S) apart."""
    network(face)


def scanning(kind: str, runs: int) -> None:
    """Compare ways to scan 10 s of footage with scanning by the face alone, as whole processes."""
    scan = [str(Path(sys.executable).with_name("dfdetect")), "scan", "--quiet", *FRAMES]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        footage.make_clip(clip, kind, 10, 0)

        def process(method: str) -> Callable[[], object]:
            return lambda: subprocess.run(
                [*scan, "--method", method, str(clip)], capture_output=True, check=False
            )

        taken = in_turn({name: process(name) for name in ("plain", "modalities", "all")}, runs)
    row(f"scan --method modalities / plain, 10 s of {kind}", taken["modalities"] / taken["plain"], 3)
    print(f"| scan --method all / plain, 10 s of {kind} | {taken['all'] / taken['plain']:.2f} | none | |")


if __name__ == "__main__":
    main()
