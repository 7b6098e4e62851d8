"""Training from the command line: killed and resumed, and without what it needs."""

import csv
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepfake_cli.core import perturbations as perturb
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.io.png import encode_png
from deepfake_cli.training.tables import read_faces

Run = Callable[..., subprocess.CompletedProcess[str]]

TINY = {
    "DFDETECT_CLASSIFIER__ARCHITECTURE": "test_efficientnet",
    "DFDETECT_CLASSIFIER__START": "scratch",
    "DFDETECT_CLASSIFIER__SIZE": "64",
    "DFDETECT_CLASSIFIER__PAIRS": "6",
    "DFDETECT_CLASSIFIER__BATCH": "4",
    "DFDETECT_CLASSIFIER__WORKERS": "0",
    "DFDETECT_CLASSIFIER__PRECISION": "32-true",
    "DFDETECT_CLASSIFIER__PACK": "false",
}


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from deepfake_cli.cli._app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "classifier", "train", "faces.csv", "--output", "run"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'dfdetect[train]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("table", ["faces.csv=0", "faces.csv=much", "faces.csv=nan"])
def test_a_share_must_be_a_number_above_zero(table: str, dfdetect: Run) -> None:
    done = dfdetect("classifier", "train", table, "--output", "run")
    assert done.returncode == 2
    assert "is not a share" in done.stderr


@pytest.mark.parametrize("text", ["classifier.epochs", "epochs=2", "=3"])
def test_what_sets_nothing_is_told(text: str, dfdetect: Run) -> None:
    done = dfdetect("classifier", "train", "faces.csv", "--output", "run", "--set", text)
    assert done.returncode == 2
    assert "sets nothing" in done.stderr


def test_a_key_that_is_set_wrongly_is_told(dfdetect: Run) -> None:
    wrong = ("--set", "classifier.epoch=2", "--set", "fakes.labelled=-1")
    done = dfdetect("classifier", "train", "faces.csv", "--output", "run", *wrong)
    assert done.returncode == 2
    assert "did you mean classifier.epochs?" in done.stderr
    assert "fakes.labelled (command line)" in done.stderr


def test_a_run_shows_its_epochs_and_leaves_a_report(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    run = tmp_path / "run"
    done = dfdetect("classifier", "train", faces_table, "-o", run, "--set", "classifier.epochs=2", env=TINY)
    assert done.returncode == 0, done.stderr
    head, *rows, model = done.stdout.splitlines()
    assert head.split()[:5] == ["epoch", "loss", "rate", "choose", "AUC"]
    assert [row.split()[0] for row in rows] == ["1/2", "2/2"]
    assert model == str(run / "model")
    page = (run / "report.html").read_text()
    assert "AUC over the videos of the split choose" in page
    assert "encoder started from" in page
    assert "fakes.self_blend" in page
    assert list((run / "tensorboard").iterdir())
    other = dfdetect("classifier", "train", faces_table, "-o", run, "--resume", "--real-only", env=TINY)
    assert other.returncode == 2
    assert "fakes.labelled was 0.6, is 0.0" in other.stderr


def test_a_full_disk_is_told_and_what_was_there_stays(
    faces_table: Path, tmp_path: Path, dfdetect: Run
) -> None:
    limit = (200_000, 200_000)  # bytes, less than the network has
    done = dfdetect(
        *("classifier", "train", faces_table, "-o", tmp_path / "run"),
        env=TINY,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert done.returncode == 2
    assert "best.safetensors: file too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "last.safetensors").exists()


@pytest.fixture
def pictures(tmp_path: Path, portrait: np.ndarray) -> Path:
    """A list of 16 real portraits, one picture without a face and one that is none, as `path,label`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    listed = ["path,label"]
    for number in range(16):
        picture = perturb.shift_channels(portrait, rng.uniform(-30, 30, 3))
        (folder / f"{number}.png").write_bytes(encode_png(picture))
        listed.append(f"{number}.png,real")
    (folder / "wall.png").write_bytes(encode_png(np.full((90, 90, 3), 200, np.uint8)))
    (folder / "text.png").write_bytes(b"no picture")
    (folder / "faces.csv").write_text("\n".join([*listed, "wall.png,real", "text.png,real", ""]))
    return folder / "faces.csv"


def test_faces_of_listed_pictures_are_cut_first(pictures: Path, tmp_path: Path, dfdetect: Run) -> None:
    run = tmp_path / "run"
    done = dfdetect("classifier", "train", pictures, "-o", run, "--real-only", env=TINY)
    assert done.returncode == 0, done.stderr
    assert "16 faces cut; 1 pictures have none, 1 cannot be read" in done.stderr
    table = run / "faces" / "faces" / "faces.csv"
    rows = read_faces(table, ["train", "choose", "report"])
    assert Counter(row.split for row in rows) == {"train": 13, "choose": 1, "report": 2}
    assert all(row.points is not None and not row.fake for row in rows)
    assert (
        "1 real and 1 fake faces, some or all made of the real ones"
        in (run / "model" / "config.json").read_text()
    )


PRESETS = {
    "mri-gan-plain": (),
    "mri-gan-mri": (),
    "dessa-resnet18": (),
    "kaist-fwa": (),
    "kaist-fwa xception": ("classifier.architecture=legacy_xception", "fakes.warp_hull=1"),
    "sbi": (),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_on_16_real_faces(
    name: str, pictures: Path, tmp_path: Path, dfdetect: Run
) -> None:
    """Two epochs as published, but for the start from ImageNet, which is on the Hub, and the batch."""
    settings = ("classifier.start=scratch", "classifier.epochs=2", "classifier.batch=8", *PRESETS[name])
    done = dfdetect(
        *("classifier", "train", pictures, "-o", tmp_path / "run", "--preset", name.split()[0]),
        *(part for setting in settings for part in ("--set", setting)),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    model = load_model_folder(tmp_path / "run" / "model")
    assert model.config.decision.threshold > 0
    with (tmp_path / "run" / "epochs.csv").open() as file:
        epochs = list(csv.DictReader(file))
    assert [row["epoch"] for row in epochs] == ["1", "2"]
    assert all(float(row["loss"]) > 0 for row in epochs)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    args = ["classifier", "train", str(faces_table), "--output", str(tmp_path / "run")]
    many = TINY | {"DFDETECT_CLASSIFIER__EPOCHS": "1000"}
    process = subprocess.Popen([sys.executable, "-m", "deepfake_cli", *args], env={**os.environ, **many})
    log = tmp_path / "run" / "epochs.csv"
    deadline = time.monotonic() + 120
    while not log.exists() or len(log.read_text().splitlines()) < 4:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done_before = len(log.read_text().splitlines()) - 1
    more = TINY | {"DFDETECT_CLASSIFIER__EPOCHS": str(done_before + 2)}
    resumed = dfdetect(*args, "--resume", env=more)
    assert resumed.returncode == 0, resumed.stderr
    numbers = [int(line.split(",")[0]) for line in log.read_text().splitlines()[1:]]
    assert numbers == list(range(1, done_before + 3))
    assert (tmp_path / "run" / "model" / "model.onnx").exists()


@pytest.mark.slow
def test_two_processes_learn_what_one_does(faces_table: Path, tmp_path: Path) -> None:
    """With a network that looks at every face by itself; what differs is the order of additions."""
    values = {"ARCHITECTURE": "test_vit", "SIZE": "160", "OPTIMIZER": "sgd", "EPOCHS": "2", "AVERAGE": "0"}
    env = {**os.environ, **TINY, **{f"DFDETECT_CLASSIFIER__{key}": value for key, value in values.items()}}
    command = ["-m", "deepfake_cli", "classifier", "train", str(faces_table), "--output"]
    one, two = tmp_path / "one", tmp_path / "two"
    subprocess.run([sys.executable, *command, str(one)], env=env, check=True, capture_output=True)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *torchrun, *command, str(two)], env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2/2") == 1  # the first process alone speaks
    losses = []
    for run in (one, two):
        with (run / "epochs.csv").open() as file:
            losses.append([float(row["loss"]) for row in csv.DictReader(file)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert (two / "model" / "model.onnx").exists()
