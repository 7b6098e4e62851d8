"""Tables of faces whose brightness is what a detector sees, for tests that need to know every score."""

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from hub_models import model_files, write_model

from deepfake_cli.training.tables import COLUMNS


class Face(NamedTuple):
    """A face: its label, what it belongs to, and how bright it is, 0 to 255."""

    fake: bool
    video: str
    original: str
    brightness: float
    split: str = "report"


def write_bright(folder: Path, faces: list[Face]) -> Path:
    """Write faces of 48 pixels, each original with a pattern of its own, and their table."""
    (folder / "faces").mkdir(parents=True)
    with (folder / "faces.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        for number, face in enumerate(faces):
            name = f"faces/{number:04}.png"
            cv2.imwrite(str(folder / name), _picture(f"{folder.name}/{face.original}", face.brightness))
            table.writerow(
                {
                    "image": name,
                    "box": "0 0 48 48",
                    "label": "fake" if face.fake else "real",
                    "video": face.video,
                    "original": face.original,
                    "method": "lamp" if face.fake else "",
                    "split": face.split,
                }
            )
    return folder / "faces.csv"


def lamp_faces(
    count: int, apart: float, each: int = 1, split: str = "report", seed: int = 0, first: int = 0
) -> list[Face]:
    """Draw originals with a real and a fake video of some faces each; fakes are brighter by ``apart``."""
    rng = np.random.default_rng(seed)
    return [
        Face(
            fake,
            f"{split}{i}{'f' if fake else 'r'}",
            f"{split}{i}",
            rng.normal(120 + fake * apart, 15),
            split,
        )
        for i in range(first, first + count)
        for fake in (False, True)
        for _ in range(each)
    ]


def write_lamp(folder: Path, gain: float, **changes: object) -> Path:
    """Write a model that takes bright faces for fake, the surer the greater the gain."""
    return write_model(folder, model_files(gain, **changes))


def _picture(original: str, brightness: float) -> np.ndarray:
    rng = np.random.default_rng(list(original.encode()))
    pattern = cv2.resize(
        rng.normal(0, 1, (16, 16)).astype(np.float32), (48, 48), interpolation=cv2.INTER_CUBIC
    )
    pattern = (pattern - pattern.mean()) * 25 + brightness
    return np.repeat(np.rint(pattern.clip(0, 255)).astype(np.uint8)[..., None], 3, axis=2)
