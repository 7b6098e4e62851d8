"""Measure the training of classifiers: its step, its sharper step, and what reading and forging faces costs.

    python benchmarks/training.py [--runs 5]

Each figure is a ratio of two things done in turn in this run, medians of all turns, and printed as a row of
the table in benchmarks/training.md. The recipe is that of the default profile, from random weights.
"""

import argparse
import ctypes
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from generator import in_turn, row
from skimage import data
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader

from deepfake_cli.io.face_table import Entry, read_picture, write_entries
from deepfake_cli.models.classifier import build_classifier
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import ClassifierSettings, Profile
from deepfake_cli.training.learner import Learner, normalise
from deepfake_cli.training.memory import keep_memory
from deepfake_cli.training.pairs import FacePairs
from deepfake_cli.training.pictures import gather_pictures
from deepfake_cli.training.pools import Pools
from deepfake_cli.training.tables import Source, read_faces

STEPS = 12  # of training, in a turn
FACES = 200  # in the table that is read
POINTS = (65, 72, 106, 68, 88, 92, 72, 112, 108, 109)  # of the face that is cut
Batches = list[tuple[torch.Tensor, torch.Tensor]]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print("| | measured | target | met |\n|---|---|---|---|")
    profile = load_profile(options={"classifier.start": "scratch"})
    with tempfile.TemporaryDirectory() as folder:
        table = write_table(Path(folder))
        reading(table, runs)
        stepping(profile, table, runs)


def write_table(folder: Path) -> Path:
    """Write real faces as the stages before do, PNG files of 256 px; fakes are made of them."""
    rng = np.random.default_rng(0)
    face = cv2.resize(data.astronaut()[40:216, 140:316], (256, 256))
    entries = []
    for number in range(FACES):
        picture = np.clip(face + rng.normal(0, 6, face.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture[..., ::-1])
        entries.append(
            Entry(
                *(f"{number}.png", (30.0, 10.0, 220.0, 245.0), tuple(p * 256 / 176 for p in POINTS)),
                *("real", f"v{number}", f"v{number}", "", "", "train", "", "", 1.0),
            )
        )
    write_entries(folder / "faces.csv", entries)
    return folder / "faces.csv"


def reading(table: Path, runs: int) -> None:
    """Compare reading faces that were decoded once with decoding them each time."""
    rows = read_faces(table, ["train"])
    packed = gather_pictures(table, rows, pack=True)
    kept = gather_pictures(table, rows, pack=False)

    def read(pictures: object) -> None:
        for face in rows:
            pictures.read(face.path).sum()  # type: ignore[attr-defined]  # a mapped page is read when it is used

    read(packed)
    taken = in_turn({"packed": lambda: read(packed), "decoded": lambda: read(kept)}, runs)
    row("reading a face: decoded once / decoded each time", taken["packed"] / taken["decoded"], 0.5)
    print(f"| a face: {', '.join(f'{k} {1000 * v / FACES:.2f} ms' for k, v in taken.items())} | | | |")
    assert np.array_equal(packed.read(rows[0].path), read_picture(rows[0].path))


def stepping(profile: Profile, table: Path, runs: int) -> None:
    """Compare the trainer's steps with a loop of torch alone, and with steps that must wait for faces."""
    settings = profile.classifier
    side, batch = settings.size, settings.batch
    ready: Batches = [
        (torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8), torch.arange(batch) % 2 * 1.0)
        for _ in range(STEPS)
    ]
    learner, bare = Learner(settings), BareLoop(settings)
    sharper = Learner(settings.model_copy(update={"sam": 0.05}))
    pairs = FacePairs(
        Pools([Source(table)], profile.fakes, profile.forge, pack=True),
        settings.model_copy(update={"pairs": STEPS * batch // 2}),
    )
    loader = DataLoader(pairs, batch // 2, num_workers=settings.workers, collate_fn=join)

    def learn(one: Learner, batches: object) -> None:
        for _ in one.learn(batches, 0, 0, STEPS):  # type: ignore[arg-type]
            pass

    taken = in_turn(
        {
            "bare": lambda: bare(ready),
            "trainer": lambda: learn(learner, ready),
            "handing memory back": lambda: handing_back(lambda: learn(learner, ready)),
            "sharper": lambda: learn(sharper, ready),
            "loaded": lambda: learn(learner, loader),
            "faces": lambda: [None for _ in loader],
        },
        runs,
    )
    row("training step / bare torch", taken["trainer"] / taken["bare"], 1.1)
    row("step / step that hands its memory back", taken["trainer"] / taken["handing memory back"], 0.8)
    row("sharper step (SAM) / step", taken["sharper"] / taken["trainer"], 2.2)
    row("step with faces drawn and forged / step on ready faces", taken["loaded"] / taken["trainer"], 1.5)
    count = STEPS * batch
    speeds = ", ".join(f"{name} {count / seconds:.0f}" for name, seconds in taken.items())
    print(f"| faces a second: {speeds} | | | |")


def handing_back(work: Callable[[], object]) -> None:
    """Do work while the C library, glibc, treats freed memory as it does by default."""
    trim, pad, mapped, mapped_blocks = -1, -2, -3, -4  # of mallopt(3)
    for parameter, value in ((trim, 131072), (pad, 131072), (mapped, 131072), (mapped_blocks, 65536)):
        ctypes.CDLL(None).mallopt(parameter, value)
    work()
    keep_memory()


def join(items: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Join pairs to a batch."""
    faces, labels = zip(*items, strict=True)
    return torch.cat(faces), torch.cat(labels)


class BareLoop:
    """The same network and loss in a loop of torch alone, moving average included."""

    def __init__(self, settings: ClassifierSettings) -> None:
        self.settings = settings
        self.network = build_classifier(settings.architecture).to(memory_format=torch.channels_last)
        rate, decay = settings.learning_rate, settings.weight_decay
        self.optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=decay)
        self.average = {name: t.clone() for name, t in self.network.state_dict().items()}

    def __call__(self, batches: Batches) -> None:
        """Take a step a batch."""
        self.network.train()
        for faces, labels in batches:
            logits = self.network(normalise(faces, self.settings))
            binary_cross_entropy_with_logits(logits, labels).backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            with torch.no_grad():
                for name, tensor in self.network.state_dict().items():
                    if tensor.is_floating_point():
                        self.average[name].lerp_(tensor, 0.005)


if __name__ == "__main__":
    main()
