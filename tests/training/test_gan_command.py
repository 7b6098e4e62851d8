"""Generators from the command line: trained, measured, and refused where something is missing."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

TINY = {
    "DFDETECT_GAN__ARCHITECTURE": "unet",
    "DFDETECT_GAN__WIDTH": "4",
    "DFDETECT_GAN__DEPTH": "3",
    "DFDETECT_GAN__DISCRIMINATOR_WIDTH": "4",
    "DFDETECT_GAN__DISCRIMINATOR_DEPTH": "2",
    "DFDETECT_GAN__SIZE": "32",
    "DFDETECT_GAN__PAIRS": "8",
    "DFDETECT_GAN__BATCH": "4",
    "DFDETECT_GAN__EPOCHS": "2",
    "DFDETECT_GAN__WORKERS": "0",
}


def test_a_generator_is_trained_and_measured(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    trained = dfdetect("gan", "train", faces_table, "--output", tmp_path / "run", env=TINY)
    assert trained.returncode == 0, trained.stderr
    *rows, model = trained.stdout.splitlines()
    assert model == str(tmp_path / "run" / "model")
    assert [row.split()[0] for row in rows] == ["epoch", "1/2", "2/2"]
    assert "index.html" in trained.stderr

    scores = tmp_path / "scores.csv"
    tested = dfdetect("gan", "test", model, faces_table, "--record", "--json", "--scores", scores)
    assert tested.returncode == 0, tested.stderr
    (found,) = json.loads(tested.stdout)["measurements"]
    assert (found["metric"], found["real"], found["fake"]) == ("AUC, faces", 10, 10)
    assert len(scores.read_text().splitlines()) == 21
    shown = dfdetect("models", "info", model)
    assert "AUC, faces" in shown.stdout
    assert "| tinted | report | AUC, faces |" in (Path(model) / "README.md").read_text()


def test_quiet_says_only_where_the_model_is(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    one = TINY | {"DFDETECT_GAN__EPOCHS": "1"}
    done = dfdetect("gan", "train", faces_table, "-o", tmp_path / "run", "--quiet", env=one)
    assert (done.stdout, done.stderr) == (f"{tmp_path / 'run' / 'model'}\n", "")


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from deepfake_cli.cli._app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "gan", "train", "faces.csv", "--output", "run"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'dfdetect[train]'" in done.stderr


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"DFDETECT_GAN__SIZE": "36"}, "multiple of 2"),
        ({"DFDETECT_GAN__PERCEPTUAL": "vif"}, "gan.perceptual"),
        ({"DFDETECT_GAN__BATCH": "5"}, "gan.batch"),
    ],
)
def test_a_recipe_that_cannot_be_is_told(
    changed: dict[str, str], complaint: str, faces_table: Path, tmp_path: Path, dfdetect: Run
) -> None:
    done = dfdetect("gan", "train", faces_table, "-o", tmp_path / "run", env=TINY | changed)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_table_without_aligned_fakes_is_told(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    """Without points nothing can be self-blended, and without originals fakes have no map."""
    with faces_table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    lonely = faces_table.parent / "lonely.csv"
    with lonely.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows({**row, "points": "", "pair": ""} for row in rows)
    done = dfdetect("gan", "train", lonely, "-o", tmp_path / "run", env=TINY)
    assert done.returncode == 2
    assert "with its original" in done.stderr


def test_the_paper_is_a_preset(dfdetect: Run) -> None:
    shown = dfdetect("config", "show", "--preset", "paper", "--json")
    values = json.loads(shown.stdout)
    assert values["gan.width"] == {"value": 64, "origin": "preset paper"}
    published = {
        **{"architecture": "unet", "depth": 8, "size": 256, "tau": 0.3, "fidelity": 100.0, "batch": 128},
        **{"epochs": 100, "learning_rate": 2e-4, "betas": [0.5, 0.999], "perceptual": "ssim", "clip": 0},
    }
    assert {key: values[f"gan.{key}"]["value"] for key in published} == published
    unknown = dfdetect("config", "show", "--preset", "papper")
    assert unknown.returncode == 2
    assert "there are: dessa-resnet18" in unknown.stderr
