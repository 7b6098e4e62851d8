"""A renderer in training: resumable to the bit, whole files or none, and better than doing nothing."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pytest
import torch
from safetensors.torch import load_file

from deepfake_cli.errors import DataError, ModelError
from deepfake_cli.inference.face_renderer import Renderer
from deepfake_cli.io.model_folder import load_renderer_folder
from deepfake_cli.models.face_renderer import OUTPUTS, FaceRenderer
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import RendererSettings
from deepfake_cli.training.renderer.run import run_renderer
from deepfake_cli.training.tables import Source

SMALL = {
    "architecture": "test_efficientnet",
    "start": "scratch",
    "width": "4",
    "depth": "3",
    "size": "32",
    "faces": "8",
    "epochs": "2",
    "batch": "4",
    "judged": "0",
    "heads": "4",
    "samples": "3",
    "workers": "0",
}
ENVIRONMENT = {f"DFDETECT_RENDERER__{key.upper()}": value for key, value in SMALL.items()}
Run = Callable[..., subprocess.CompletedProcess[str]]


def recipe(**changes: object) -> RendererSettings:
    options = {f"renderer.{key}": value for key, value in {**SMALL, **changes}.items()}
    return load_profile(options=options).renderer


@pytest.fixture(scope="module")
def run(faces_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs."""
    folder = tmp_path_factory.mktemp("renderer") / "run"
    epochs = list(run_renderer([Source(faces_table)], recipe(keep=2), folder))
    assert [epoch.number for epoch in epochs] == [1, 2]
    return folder


def losses_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_its_documentation_says(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        *("last.safetensors", "best.safetensors", "epoch-0002.safetensors"),
        *("losses.csv", "report", "tensorboard", "model"),
    }
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 7
    assert "epoch-0001.png" in page
    sheet = cv2.imread(str(run / "report" / "epoch-0002.png"))
    assert sheet.shape == (4 * (128 + 22 + 12), 6 * (128 + 12), 3)  # three faces and a head
    assert list((run / "tensorboard").glob("events.*"))
    weights = load_profile().renderer
    for row in losses_of(run):
        parts = [name for name in row if name in RendererSettings.model_fields]
        total = sum(getattr(weights, name) * float(row[name]) for name in parts)
        assert float(row["total"]) == pytest.approx(total, abs=2e-4)
        assert row["judged_face_normals"] == ""  # no map of normals is beside the table
        assert 0 < float(row["judged_head_normals"]) < 90


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    run: Path, faces_table: Path, tmp_path: Path
) -> None:
    for _ in run_renderer([Source(faces_table)], recipe(), tmp_path):
        break  # after the first epoch
    list(run_renderer([Source(faces_table)], recipe(), tmp_path, resume=True))
    assert losses_of(tmp_path) == losses_of(run)
    assert (tmp_path / "last.safetensors").read_bytes() == (run / "last.safetensors").read_bytes()


def test_the_folder_holds_the_averaged_renderer_and_says_where_it_comes_from(run: Path) -> None:
    folder = load_renderer_folder(run / "model")
    renderer = FaceRenderer("test_efficientnet", folder.config.shape.width, folder.config.shape.depth)
    renderer.load_state_dict(load_file(run / "best.safetensors"))
    faces = torch.rand(3, 3, 32, 32) * 2 - 1
    found = ort.InferenceSession(folder.onnx).run(list(OUTPUTS), {"faces": faces.numpy()})
    with torch.inference_mode():
        for mine, theirs in zip(renderer.eval()(faces), found, strict=True):
            assert np.abs(mine.numpy() - theirs).max() < 1e-3
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    parts = Renderer.of(folder).take_apart(pixels)
    with torch.inference_mode():
        mine = renderer(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1)
    for i, part in enumerate(parts):
        assert np.abs(mine.albedo[i].permute(1, 2, 0).numpy() - part.albedo).max() < 1e-3
        assert np.abs(mine.shadow[i, 0].numpy() - part.shadow).max() < 1e-3
    assert b".py" not in folder.onnx.read_bytes()  # no stack trace of the machine's
    card = (run / "model" / "README.md").read_text()
    assert "real faces alone, of the split `train` of tinted" in card
    assert "from shading alone" in card


def test_a_run_can_start_from_another(run: Path, faces_table: Path, tmp_path: Path) -> None:
    start = run / "model" / "model.safetensors"
    tables = [Source(faces_table)]
    (epoch,) = run_renderer(tables, recipe(learning_rate=1e-12, average=0, epochs=1), tmp_path, start=start)
    for name, tensor in load_file(start).items():
        if "running" not in name and "num_batches" not in name:
            assert torch.allclose(epoch.weights[name], tensor, atol=1e-6), name
    with pytest.raises(ModelError, match="do not fit"):
        next(run_renderer(tables, recipe(width=8), tmp_path / "other", start=start))


def test_a_run_is_not_overwritten(run: Path, faces_table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="already holds a run"):
        next(run_renderer([Source(faces_table)], recipe(), run))
    with pytest.raises(DataError, match="no run to resume"):
        next(run_renderer([Source(faces_table)], recipe(), tmp_path, resume=True))


def test_the_command_trains(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    trained = dfdetect("renderer", "train", faces_table, "--output", tmp_path / "run", env=ENVIRONMENT)
    assert trained.returncode == 0, trained.stderr
    *rows, model = trained.stdout.splitlines()
    assert model == str(tmp_path / "run" / "model")
    assert [row.split()[0] for row in rows] == ["epoch", "1/2", "2/2"]
    assert "index.html" in trained.stderr
    assert "from shading alone" in trained.stderr


def test_a_recipe_that_cannot_be_is_told(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    odd = ENVIRONMENT | {"DFDETECT_RENDERER__SIZE": "36"}
    done = dfdetect("renderer", "train", faces_table, "-o", tmp_path / "run", env=odd)
    assert done.returncode == 2
    assert "renderer.size must be a multiple" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_renderer_learns_to_rebuild_faces(faces_table: Path, tmp_path: Path) -> None:
    settings = recipe(faces=80, epochs=4, learning_rate=5e-3, warmup=0, average=0.9)
    first, *_, last = run_renderer([Source(faces_table)], settings, tmp_path)
    assert last.losses.reconstruction < 0.7 * first.losses.reconstruction
    assert last.judged.reconstruction < first.judged.reconstruction


@pytest.mark.slow
def test_a_killed_run_loses_at_most_an_epoch(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    args = ["renderer", "train", str(faces_table), "--output", str(tmp_path / "run")]
    many = {**os.environ, **ENVIRONMENT, "DFDETECT_RENDERER__EPOCHS": "1000"}
    process = subprocess.Popen([sys.executable, "-m", "deepfake_cli", *args], env=many)
    log = tmp_path / "run" / "losses.csv"
    deadline = time.monotonic() + 120
    while not log.exists() or len(log.read_text().splitlines()) < 4:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = losses_of(tmp_path / "run")
    more = ENVIRONMENT | {"DFDETECT_RENDERER__EPOCHS": str(len(before) + 2)}
    resumed = dfdetect(*args, "--resume", env=more)
    assert resumed.returncode == 0, resumed.stderr
    after = losses_of(tmp_path / "run")
    assert [int(row["epoch"]) for row in after] == list(range(1, len(before) + 3))
    assert (tmp_path / "run" / "model" / "model.onnx").exists()
