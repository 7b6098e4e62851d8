"""Measure renderers of faces: the compact one against InverseRenderNet, a face at a time.

    python benchmarks/renderer.py [--runs 20] [--threads 1]

Both run eager in torch, on the CPU, with the same threads. Each figure is a ratio of two things done in turn
in this run, medians of all turns. Weights are random, which takes as long as trained ones. The compact one is
that of the profile; it is made for faces of 128 px, InverseRenderNet for pictures of 200.
"""

import argparse

import torch
from generator import in_turn
from torch import nn

from deepfake_cli.models.face_renderer import FaceRenderer
from deepfake_cli.models.inverse_render_net import InverseRenderNet
from deepfake_cli.profile import load_profile

FULL_SIDE = 200  # pixels that InverseRenderNet is made for


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
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
    taken = in_turn(work, asked.runs)
    weights = {name: sum(p.numel() for p in net.parameters()) for name, net in (("c", compact), ("f", full))}
    print(f"{asked.threads} thread(s), torch {torch.__version__}, medians of {asked.runs} runs in turn.\n")
    print("| a face | InverseRenderNet | compact | ratio |\n|---|---|---|---|")
    row("each as it is made for", (FULL_SIDE, taken["full"]), (recipe.size, taken["compact"]))
    row("both alike", (recipe.size, taken["full, as small"]), (recipe.size, taken["compact"]))
    print(
        f"| weights | {weights['f'] / 1e6:.1f} million | {weights['c'] / 1e6:.1f} million "
        f"| {weights['f'] / weights['c']:.1f} |"
    )


@torch.inference_mode()
def render(network: nn.Module, face: torch.Tensor) -> None:
    """Take a face (1, 3, S, S) apart."""
    network(face)


def row(what: str, full: tuple[int, float], compact: tuple[int, float]) -> None:
    """Print a row: sides in pixels and seconds of both."""
    cells = [f"{1000 * seconds:.1f} ms ({side} px)" for side, seconds in (full, compact)]
    print(f"| {what} | {cells[0]} | {cells[1]} | {full[1] / compact[1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
