"""Training from the command line: killed and resumed, and without what it needs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

TINY = {
    "DFDETECT_CLASSIFIER__ARCHITECTURE": "test_efficientnet",
    "DFDETECT_CLASSIFIER__START": "scratch",
    "DFDETECT_CLASSIFIER__SIZE": "64",
    "DFDETECT_CLASSIFIER__PAIRS": "6",
    "DFDETECT_CLASSIFIER__BATCH": "4",
    "DFDETECT_CLASSIFIER__WORKERS": "0",
    "DFDETECT_CLASSIFIER__PRECISION": "32-true",
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
def test_a_share_must_be_a_number_above_zero(
    table: str, dfdetect: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = dfdetect("classifier", "train", table, "--output", "run")
    assert done.returncode == 2
    assert "is not a share" in done.stderr


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(
    faces_table: Path, tmp_path: Path, dfdetect: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
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
