"""Measure renderers of faces, and `dfdetect scan --method modalities`.

    python benchmarks/renderer.py [--runs 20] [--threads 1]
    python benchmarks/renderer.py --quality WORKSPACE [--model face-renderer]

Each figure is a ratio of two things done in turn in this run, medians of all turns, and printed as a row of
the table in benchmarks/modalities.md. Both networks run eager in torch, on the CPU, with the same threads;
their weights are random, which takes as long as trained ones. The compact one is that of the profile.

With ``--quality``: what a renderer achieves on real faces of DFDC's split ``report`` and on made-up heads
that no epoch was picked by. WORKSPACE is what ``tools/research_tables.py`` makes.
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
from deepfake_cli.pipeline.models import resolve_renderer
from deepfake_cli.profile import load_profile
from deepfake_cli.training.inner import inner_weights
from deepfake_cli.training.renderer.judge import RendererJudge
from deepfake_cli.training.renderer.learner import RendererLearner
from deepfake_cli.training.tables import Source

FULL_SIDE = 200  # pixels that InverseRenderNet is made for
REAL, HEADS, SEED = 1000, 256, 7  # to tell quality by; heads of another seed than those of training
CLIPS = ("1080p-web", "720p-web")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quality", type=Path, metavar="WORKSPACE")
    parser.add_argument("--model", default="face-renderer")
    asked = parser.parse_args()
    if asked.quality:
        quality(asked.quality, asked.model)
        return
    print("| | measured | target | met |\n|---|---|---|---|")
    rendering(asked.runs, asked.threads)
    for clip in CLIPS:
        scanning(clip, min(asked.runs, 3))


def quality(workspace: Path, reference: str) -> None:
    """Print what a renderer achieves, and what doing nothing does."""
    folder = resolve_renderer(reference)
    given, shape = folder.config.input, folder.config.shape
    recipe = load_profile().renderer.model_copy(
        update={
            "architecture": folder.config.architecture,
            "width": shape.width,
            "depth": shape.depth,
            "size": given.size,
            "margin": given.margin,
            "judged": REAL,
            "heads": HEADS,
            "seed": SEED,
        }
    )
    judge = RendererJudge([Source(workspace / "dfdc" / "faces.csv")], recipe, "report")
    found = judge.judge(RendererLearner(recipe, inner_weights(folder)))
    print(f"| {REAL} real faces of report, {HEADS} made-up heads | measured | doing nothing |\n|---|---|---|")
    rebuilt, turned, painted = found.nothing
    for what, value, nothing in (
        ("difference of faces and what they are rebuilt as", found.reconstruction, rebuilt),
        ("degrees to the true normals of heads", found.head_normals, turned),
        ("difference to the true albedo of heads", found.head_albedo, painted),
        ("difference of the albedo of heads under two lights", found.constancy, judge.untouched),
    ):
        print(f"| {what} | {value:.3f} | {nothing:.3f} |")


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
