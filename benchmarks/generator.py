"""Measure generators of maps: painting, a training step, and `dfdetect scan --method mri`.

    python benchmarks/generator.py [--runs 5]

Each figure is a ratio of two things done in turn in this run, medians of all turns, and printed as a row of
the table in benchmarks/generator.md. Weights
are random, which takes as long as trained ones, but for the compact generator and the scan.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import footage
import numpy as np
import torch
from scan import FRAMES
from torch import nn

from deepfake_cli.inference.mri_generator import MriGenerator
from deepfake_cli.io.model_folder import EMBEDDED, load_generator_folder
from deepfake_cli.models.discriminator import PatchDiscriminator
from deepfake_cli.models.generator import Painter, begin_gan, build_generator
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import GanSettings
from deepfake_cli.training.export import export_onnx
from deepfake_cli.training.gan.learner import GanLearner, scaled
from deepfake_cli.training.gan.perceptual import perceptual_loss

HERE = Path(__file__).parent
HALF = (0.5, 0.5, 0.5)
STEPS = 8  # of training, in a turn


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print("| | measured | target | met |\n|---|---|---|---|")
    painting(runs)
    training(runs)
    scanning(min(runs, 3))


def painting(runs: int) -> None:
    """Compare, a face at a time: the full-size generator eager and in ONNX Runtime, and the compact one."""
    full = Painter(build_generator("unet", width=64, depth=8, dropout=0.5)).eval()
    compact = load_generator_folder(EMBEDDED / "mri-gan")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full.onnx"
        export_onnx(full, 256, path, ("maps",))
        exported = MriGenerator(path, size=256, mean=HALF, std=HALF, threads=torch.get_num_threads())
    given = compact.config.input
    small = MriGenerator(compact.onnx, size=given.size, mean=HALF, std=HALF, threads=torch.get_num_threads())
    face = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    little = np.ascontiguousarray(face[:, : given.size, : given.size])

    def eager() -> None:
        with torch.inference_mode():
            full(scaled(torch.from_numpy(face)))

    taken = in_turn(
        {"eager": eager, "onnx": lambda: exported.paint(face), "compact": lambda: small.paint(little)},
        runs * 4,
    )
    row("full-size generator: ONNX Runtime / eager torch", taken["onnx"] / taken["eager"], 0.8)
    row("compact / full-size generator, ONNX Runtime", taken["compact"] / taken["onnx"], 0.2)
    times = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in taken.items())
    print(f"| a face: {times} | | | |")


def training(runs: int) -> None:
    """Compare steps of the trainer with the same loop in bare torch."""
    settings = load_profile().gan
    batches = [
        tuple(
            torch.randint(0, 256, (settings.batch, settings.size, settings.size, 3), dtype=torch.uint8)
            for _ in "ab"
        )
        for _ in range(STEPS)
    ]
    learner = GanLearner(settings)
    bare = BareLoop(settings)
    taken = in_turn(
        {"bare": lambda: bare(batches), "trainer": lambda: list(learner.learn(batches, 0, STEPS))}, runs
    )
    row("training step / bare torch", taken["trainer"] / taken["bare"], 1.1)
    print(f"| images a second: {STEPS * settings.batch / taken['trainer']:.0f} | | | |")


class BareLoop:
    """The same networks and losses in a loop of torch alone, moving average and clipping included."""

    def __init__(self, settings: GanSettings) -> None:
        self.settings = settings
        self.generator = build_generator(
            settings.architecture, width=settings.width, depth=settings.depth, dropout=settings.dropout
        )
        self.discriminator = PatchDiscriminator(settings.discriminator_width, settings.discriminator_depth)
        begin_gan(self.discriminator)
        self.average = {name: t.clone() for name, t in self.generator.state_dict().items()}
        self.optimizers = []
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last)
            rate, betas = settings.learning_rate, settings.betas
            self.optimizers.append(torch.optim.Adam(network.parameters(), rate, betas))

    def __call__(self, batches: list[tuple[torch.Tensor, ...]]) -> None:
        """Take a step a batch."""
        mse, settings = nn.functional.mse_loss, self.settings
        self.generator.train()
        for faces, maps in batches:
            x, y = scaled(faces), scaled(maps)
            painted = self.generator(x)
            self.discriminator.requires_grad_(False)
            taken = self.discriminator(painted, x)
            self.discriminator.requires_grad_(True)
            mine, truth = (painted + 1) / 2, (y + 1) / 2
            with torch.set_grad_enabled(settings.tau < 1):
                perceptual = perceptual_loss(settings.perceptual, mine, truth).mean()
            likeness = settings.tau * mse(mine, truth) + (1 - settings.tau) * perceptual
            loss = mse(taken, torch.ones_like(taken)) + settings.fidelity * likeness
            self._descend(loss, self.generator, self.optimizers[0])
            true, false = self.discriminator(torch.cat((y, painted.detach())), torch.cat((x, x))).chunk(2)
            apart = (mse(true, torch.ones_like(true)) + mse(false, torch.zeros_like(false))) / 2
            self._descend(apart, self.discriminator, self.optimizers[1])
            with torch.no_grad():
                for name, tensor in self.generator.state_dict().items():
                    if tensor.is_floating_point():
                        self.average[name].lerp_(tensor, 0.002)
            loss.item()

    def _descend(self, loss: torch.Tensor, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), self.settings.clip)
        optimizer.step()
        optimizer.zero_grad()


def scanning(runs: int) -> None:
    """Compare scan --method mri with the reference pipeline that paints with the full-size generator."""
    scan = [str(Path(sys.executable).with_name("dfdetect")), "scan", "--quiet", *FRAMES]
    reference = [sys.executable, str(HERE / "reference_pipeline.py")]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "1080p-web.mp4"
        footage.make_clip(clip, "1080p-web", 10, 0)

        def process(*command: str) -> Callable[[], object]:
            return lambda: subprocess.run([*command, str(clip)], capture_output=True, check=False)

        taken = in_turn(
            {
                "reference": lambda: subprocess.run(
                    [*reference, str(clip), "--mri"], capture_output=True, check=True
                ),
                "mri": process(*scan, "--method", "mri"),
                "plain": process(*scan),
            },
            runs,
        )
    row(
        "reference pipeline with generator / scan --method mri, 10 s of 1080p",
        taken["reference"] / taken["mri"],
        4,
        least=True,
    )
    print(f"| scan --method mri / plain | {taken['mri'] / taken['plain']:.2f} | none | |")


def in_turn(works: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Do each piece of work in turn, after a first time that does not count; return median seconds."""
    for work in works.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in taken.items()}


def row(what: str, ratio: float, target: float, least: bool = False) -> None:
    """Print a row of the table."""
    met = ratio >= target if least else ratio <= target
    print(
        f"| {what} | {ratio:.2f} | {'≥' if least else '≤'} {target:g} | {'yes' if met else '**no**'} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
