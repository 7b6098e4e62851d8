"""A small table of faces that training can run on in seconds."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from recipes import tiny_recipe

from deepfake_cli.core import perturbations as perturb
from deepfake_cli.core.forgeries import self_blend
from deepfake_cli.settings import ClassifierSettings, Profile
from deepfake_cli.training.tables import COLUMNS

POINTS = np.array([(205.0, 112.0), (246.0, 108.0), (228.0, 132.0), (212.0, 152.0), (248.0, 149.0)])
CORNER = np.array([160.0, 60.0])


@pytest.fixture(scope="session")
def faces_table(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """Eight tinted portraits and a forgery of each in every split."""
    folder = tmp_path_factory.mktemp("tiny") / "tinted"
    (folder / "faces").mkdir(parents=True)
    face = np.ascontiguousarray(portrait[60:200, 160:300])
    rng = np.random.default_rng(0)
    with (folder / "faces.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        for split in ("train", "choose", "report"):
            for number in range(10):
                tinted = perturb.shift_channels(face, rng.uniform(-40, 40, 3))
                real, fake, _ = self_blend(tinted, POINTS - CORNER, rng)
                for label, image in (("real", real), ("fake", fake)):
                    name = f"faces/{split}{number}{label}.png"
                    cv2.imwrite(str(folder / name), image[..., ::-1])
                    points = " ".join(map(str, (POINTS - CORNER).ravel()))
                    table.writerow(
                        {
                            "image": name,
                            "box": "10 0 125 140",
                            "points": points if label == "real" else "",
                            "label": label,
                            "video": f"{split}{number}{label}",
                            "original": f"{split}{number}",
                            "method": "blend" if label == "fake" else "",
                            "split": split,
                            "pair": f"faces/{split}{number}real.png" if label == "fake" else "",
                        }
                    )
    return folder / "faces.csv"


@pytest.fixture(scope="session")
def recipe() -> Profile:
    return tiny_recipe()


@pytest.fixture(scope="session")
def tiny(recipe: Profile) -> ClassifierSettings:
    return recipe.classifier
