"""A generator in training: resumable to the bit, the same in two processes as in one, whole files or none."""

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
import pytest
import torch
from safetensors.torch import load_file

from deepfake_cli.errors import DataError, ModelError, UsageError
from deepfake_cli.io.model_folder import load_generator_folder
from deepfake_cli.models.generator import build_generator
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import GanSettings
from deepfake_cli.training.gan.run import run_gan
from deepfake_cli.training.tables import Source

SMALL = {
    "architecture": "unet",
    "width": "4",
    "depth": "3",
    "discriminator_width": "4",
    "discriminator_depth": "2",
    "size": "32",
    "tau": "0.3",
    "fidelity": "100",
    "pairs": "8",
    "epochs": "2",
    "batch": "4",
    "judged": "0",
    "samples": "2",
    "workers": "0",
}
ENVIRONMENT = {f"DFDETECT_GAN__{key.upper()}": value for key, value in SMALL.items()}


def recipe(**changes: object) -> GanSettings:
    return load_profile(options={f"gan.{key}": value for key, value in {**SMALL, **changes}.items()}).gan


@pytest.fixture(scope="module")
def run(faces_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs."""
    folder = tmp_path_factory.mktemp("gan") / "run"
    epochs = list(run_gan([Source(faces_table)], recipe(keep=2), folder))
    assert [epoch.number for epoch in epochs] == [1, 2]
    return folder


def losses_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_its_documentation_says(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {
        *("last.safetensors", "best.safetensors", "epoch-0002.safetensors"),
        *("losses.csv", "report", "tensorboard", "model"),
    }
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 6
    assert "epoch-0001.png" in page
    sheet = cv2.imread(str(run / "report" / "epoch-0002.png"))
    assert sheet.shape[1] == 6 * (128 + 12)
    assert list((run / "tensorboard").glob("events.*"))
    for row in losses_of(run):
        assert 0 <= float(row["auc"]) <= 1
        assert float(row["generator"]) == pytest.approx(
            float(row["adversarial"]) + 100 * (0.3 * float(row["squared"]) + 0.7 * float(row["perceptual"])),
            abs=2e-3,
        )


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    run: Path, faces_table: Path, tmp_path: Path
) -> None:
    for _ in run_gan([Source(faces_table)], recipe(), tmp_path):
        break  # after the first epoch
    list(run_gan([Source(faces_table)], recipe(), tmp_path, resume=True))
    assert losses_of(tmp_path) == losses_of(run)
    assert (tmp_path / "last.safetensors").read_bytes() == (run / "last.safetensors").read_bytes()


def test_the_generator_of_the_folder_is_the_averaged_one(run: Path) -> None:
    folder = load_generator_folder(run / "model")
    shape = folder.config.shape
    generator = build_generator("unet", width=shape.width, depth=shape.depth, dropout=0)
    generator.load_state_dict(load_file(run / "best.safetensors"))
    generator.eval()
    faces = torch.rand(3, 3, 32, 32) * 2 - 1
    import onnxruntime as ort

    (maps,) = ort.InferenceSession(folder.onnx).run(["maps"], {"faces": faces.numpy()})
    with torch.inference_mode():
        assert np.abs(maps - (generator(faces).numpy() + 1) / 2).max() < 1e-3
    assert b".py" not in folder.onnx.read_bytes()  # no stack trace of the machine's


def test_a_run_can_start_from_another(run: Path, faces_table: Path, tmp_path: Path) -> None:
    start = run / "model" / "model.safetensors"
    rate = {"learning_rate": 1e-12, "average": 0, "epochs": 1}
    (epoch,) = run_gan([Source(faces_table)], recipe(**rate), tmp_path, start=start)
    for name, tensor in load_file(start).items():
        assert torch.allclose(epoch.weights[name], tensor, atol=1e-6)


def test_weights_of_another_generator_are_refused(run: Path, faces_table: Path, tmp_path: Path) -> None:
    start = run / "model" / "model.safetensors"
    with pytest.raises(ModelError, match="do not fit"):
        next(run_gan([Source(faces_table)], recipe(width=8), tmp_path, start=start))


def test_a_run_is_not_overwritten(run: Path, faces_table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="already holds a run"):
        next(run_gan([Source(faces_table)], recipe(), run))
    with pytest.raises(DataError, match="no run to resume"):
        next(run_gan([Source(faces_table)], recipe(), tmp_path, resume=True))


def test_a_damaged_checkpoint_is_told(run: Path, faces_table: Path, tmp_path: Path) -> None:
    (tmp_path / "last.safetensors").write_bytes((run / "last.safetensors").read_bytes()[:1000])
    with pytest.raises(DataError, match="is not a checkpoint"):
        next(run_gan([Source(faces_table)], recipe(), tmp_path, resume=True))


def test_a_batch_that_processes_cannot_share_is_refused(
    faces_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="cannot be shared by 3 processes"):
        next(run_gan([Source(faces_table)], recipe(), tmp_path))


def test_an_encoder_serves_as_the_contracting_half(faces_table: Path, tmp_path: Path) -> None:
    settings = recipe(architecture="test_efficientnet", start="scratch", epochs=1)
    list(run_gan([Source(faces_table)], settings, tmp_path))
    assert load_generator_folder(tmp_path / "model").config.architecture == "test_efficientnet"


@pytest.mark.slow
def test_two_processes_learn_what_one_does(faces_table: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    environment = {**os.environ, **ENVIRONMENT, "DFDETECT_GAN__DROPOUT": "0", "OMP_NUM_THREADS": "1"}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for folder, launcher in ((one, []), (two, torchrun)):
        command = [sys.executable, *launcher, "-m", "deepfake_cli", "gan", "train", str(faces_table)]
        done = subprocess.run(
            [*command, "--output", str(folder)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == str(folder / "model")
    for alone, together in zip(losses_of(one), losses_of(two), strict=True):
        for name in ("generator", "adversarial", "squared", "perceptual", "discriminator"):
            assert float(together[name]) == pytest.approx(float(alone[name]), rel=1e-4, abs=1e-4), name


@pytest.mark.slow
def test_a_killed_run_loses_at_most_an_epoch(
    faces_table: Path, tmp_path: Path, dfdetect: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    args = ["gan", "train", str(faces_table), "--output", str(tmp_path / "run")]
    many = {**os.environ, **ENVIRONMENT, "DFDETECT_GAN__EPOCHS": "1000"}
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
    more = ENVIRONMENT | {"DFDETECT_GAN__EPOCHS": str(len(before) + 2)}
    resumed = dfdetect(*args, "--resume", env=more)
    assert resumed.returncode == 0, resumed.stderr
    after = losses_of(tmp_path / "run")
    assert [int(row["epoch"]) for row in after] == list(range(1, len(before) + 3))
    assert (tmp_path / "run" / "model" / "model.onnx").exists()


@pytest.mark.slow
def test_the_paper_trains(faces_table: Path, tmp_path: Path) -> None:
    """One step of the published configuration, but for its batch and what a step costs."""
    settings = load_profile(
        options={
            f"gan.{key}": value for key, value in {"pairs": 1, "batch": 2, "epochs": 1, "workers": 0}.items()
        },
        preset="paper",
    ).gan
    (epoch,) = run_gan([Source(faces_table)], settings, tmp_path)
    assert sum(tensor.numel() for tensor in epoch.weights.values()) == 54_404_099
    assert load_generator_folder(tmp_path / "model").config.input.size == 256
