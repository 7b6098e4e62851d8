"""`dfdetect classifier search` as it is run: in one process or several, killed, interrupted, gone on with."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from recipes import TINY

Run = Callable[..., CompletedProcess[str]]

pytestmark = pytest.mark.slow


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """Three trials, long enough to be killed in."""
    keys = '"classifier.epochs" = { choices = [4] }\n"classifier.learning_rate" = { low = 1e-4, high = 1e-2 }'
    (tmp_path / "space.toml").write_text(f"trials = 3\n[space]\n{keys}\n")
    return tmp_path / "space.toml"


def words(table: Path, space: Path, *more: str) -> list[str]:
    settings = [f"classifier.{key}={json.dumps(value)}" for key, value in TINY.items() if key != "epochs"]
    given = [word for setting in settings for word in ("--set", setting)]
    return ["classifier", "search", str(table), "--space", str(space), "--output", "out", *given, *more]


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deepfake_cli", *args],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(what: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def children(process: subprocess.Popen[str]) -> list[int]:
    return list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))


def trials(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "out" / "trials.csv").open()))


def test_a_killed_search_goes_on_where_it_was(
    faces_table: Path, space: Path, dfdetect: Run, tmp_path: Path
) -> None:
    running = start(tmp_path, *words(faces_table, space))
    epochs = tmp_path / "out" / "trials" / "0001" / "epochs.csv"
    wait_for(epochs.exists)
    running.kill()
    shown, _ = running.communicate()
    assert "complete" in shown  # of the first trial, as it ended
    kept = epochs.read_text().splitlines()
    done = dfdetect("classifier", "search", "--output", "out")  # nothing but the folder
    assert done.returncode == 0, done.stderr
    assert epochs.read_text().splitlines()[: len(kept)] == kept
    assert [(one["trial"], one["state"], one["epochs"]) for one in trials(tmp_path)] == [
        (str(number), "complete", "4") for number in range(3)
    ]
    live, best = done.stdout.split("\n\n")
    assert [line.split()[0] for line in live.splitlines()] == ["trial", "1", "2"]
    aucs = [float(line.split()[2]) for line in best.splitlines()[1:-1]]
    assert len(aucs) == 3
    assert aucs == sorted(aucs, reverse=True)
    assert (tmp_path / done.stdout.splitlines()[-1] / "model.onnx").is_file()

    quiet = dfdetect(*words(faces_table, space, "--trials", "3", "--quiet"))
    assert (quiet.returncode, quiet.stdout) == (0, done.stdout.splitlines()[-1] + "\n")
    other = dfdetect(*words(faces_table, space, "--set", "classifier.margin=1.5"))
    assert other.returncode == 2
    assert "classifier.margin was 0.95, is 1.5" in other.stderr


def test_a_killed_process_costs_nothing(faces_table: Path, space: Path, tmp_path: Path) -> None:
    running = start(tmp_path, *words(faces_table, space, "--workers", "2"))
    wait_for(lambda: list(tmp_path.glob("out/trials/*/epochs.csv")))
    os.kill(children(running)[0], signal.SIGKILL)
    shown, told = running.communicate(timeout=180)
    assert running.returncode == 0, told
    assert "a process was killed" in told
    assert [(one["trial"], one["state"]) for one in trials(tmp_path)] == [
        (str(n), "complete") for n in range(3)
    ]
    assert sorted(line.split()[0] for line in shown.split("\n\n")[0].splitlines()[1:]) == ["0", "1", "2"]


def test_an_interrupt_ends_all_processes(faces_table: Path, space: Path, tmp_path: Path) -> None:
    running = start(tmp_path, *words(faces_table, space, "--workers", "2"))
    wait_for(lambda: list(tmp_path.glob("out/trials/*/epochs.csv")))
    workers = children(running)
    assert len(workers) == 2
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_processes_end_when_the_search_is_killed(faces_table: Path, space: Path, tmp_path: Path) -> None:
    running = start(tmp_path, *words(faces_table, space, "--workers", "2", "--trials", "20"))
    wait_for(lambda: list(tmp_path.glob("out/trials/*/epochs.csv")))
    workers = children(running)
    running.kill()
    running.communicate()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_no_trial_that_is_complete_is_told(faces_table: Path, dfdetect: Run, tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text('trials = 2\n[space]\n"classifier.head" = { choices = ["mri-gan"] }\n')
    done = dfdetect(*words(faces_table, space, "--workers", "2"))
    assert done.returncode == 2, done.stderr
    assert "no trial is complete" in done.stderr
    assert "must be 1 or more" in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
