"""Scanning many files on the command line while workers crash, freeze and are interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_models import model_files, write_model

SMALL = ("a.mp4", "b.mp4", "c.mp4")
LARGE = ("large-1.mp4", "large-2.mp4")


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_model(tmp_path_factory.mktemp("models") / "lamp", model_files(gain=8.0)))


@pytest.fixture(scope="module")
def media(
    tmp_path_factory: pytest.TempPathFactory,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
) -> Path:
    """Three small videos, two of them dark, and two that keep a worker busy if all frames are taken."""
    folder = tmp_path_factory.mktemp("media")
    for name, light in zip(SMALL, (1.0, 0.4, 0.2), strict=True):
        make_video(folder / name, [(frame * light).astype(np.uint8) for frame in pan(6)])
    make_video(folder / LARGE[0], pan(500, 480, 360, 0.1), options={"preset": "ultrafast", "crf": "18"})
    (folder / LARGE[1]).write_bytes((folder / LARGE[0]).read_bytes())
    return folder


@contextmanager
def scanning(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``dfdetect scan`` in a folder, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deepfake_cli", "scan", *args],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def workers(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def in_the_middle_of(pid: int, file: Path) -> bool:
    """Whether a process has read a part of a file and not yet all."""
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(link) == str(file):
                position = int(Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().split()[1])
                return 0 < position < file.stat().st_size
    except (FileNotFoundError, ProcessLookupError):
        pass
    return False


def wait_for(condition: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


def worker_on(process: subprocess.Popen[str], file: Path) -> int:
    """Wait until a worker is in the middle of a file."""

    def find() -> int:
        return next((pid for pid in workers(process.pid) if in_the_middle_of(pid, file)), 0)

    return int(wait_for(find))


def records(lines: str) -> dict[str, dict[str, Any]]:
    """Results by file, without what differs from run to run."""
    found = {record["file"]: record for record in map(json.loads, lines.splitlines())}
    for record in found.values():
        del record["timings"]
    return found


def all_frames(lamp: str, *more: str) -> Sequence[str]:
    return ["--model", lamp, "--frames", "all", "--format", "jsonl", *more]


def test_a_crash_and_a_freeze_cost_their_files_only(media: Path, lamp: str) -> None:
    with scanning(media, *SMALL, *all_frames(lamp)) as quiet:
        expected = records(quiet.communicate(timeout=120)[0])
    assert [expected[name]["verdict"] for name in SMALL] == ["FAKE", "REAL", "REAL"]

    files = [SMALL[0], LARGE[0], LARGE[1], *SMALL[1:]]
    with scanning(media, *files, *all_frames(lamp, "--jobs", "3", "--timeout", "20")) as process:
        crashing, freezing = (worker_on(process, media / name) for name in LARGE)
        os.kill(crashing, signal.SIGSEGV)
        os.kill(freezing, signal.SIGSTOP)
        output, errors = process.communicate(timeout=120)
    found = records(output)
    assert found.pop(LARGE[0])["reason"] == "the worker process was killed by SIGSEGV"
    assert found.pop(LARGE[1])["reason"] == "took longer than 20 s"
    assert found == expected
    assert "Traceback" not in errors
    assert process.returncode == 1  # a FAKE wins over what could not be read
    assert is_gone(crashing)
    assert is_gone(freezing)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_an_interrupt_ends_cleanly_with_what_is_done(
    media: Path, lamp: str, number: signal.Signals, code: int, word: str
) -> None:
    with scanning(media, SMALL[0], *LARGE, *all_frames(lamp, "--jobs", "2")) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        busy = [worker_on(process, media / name) for name in LARGE]
        os.killpg(process.pid, number)  # as a terminal does
        output, errors = process.communicate(timeout=60)
    assert records(first + output).keys() == {SMALL[0]}
    assert process.returncode == code
    assert errors.splitlines()[-1] == word
    assert "Traceback" not in errors
    assert all(map(is_gone, busy))


def test_an_interrupt_prints_what_waits_for_an_earlier_file(media: Path, lamp: str) -> None:
    files = [LARGE[0], SMALL[0], SMALL[1]]
    with scanning(media, *files, "--model", lamp, "--frames", "all", "--format", "json") as process:
        wait_for(lambda: len(workers(process.pid)) == 2)
        wait_for(lambda: len(workers(process.pid)) == 1)  # the small ones are done, and with them a worker
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert [record["file"] for record in json.loads(output)] == [SMALL[0], SMALL[1]]
    assert process.returncode == 130


def test_workers_die_with_a_killed_scan(media: Path, lamp: str) -> None:
    with scanning(media, *LARGE, *all_frames(lamp, "--jobs", "2")) as process:
        busy = [worker_on(process, media / name) for name in LARGE]
        process.kill()
        wait_for(lambda: all(map(is_gone, busy)))


def test_a_closed_pipe_ends_the_scan(media: Path, lamp: str) -> None:
    with scanning(media, *SMALL, *LARGE, *all_frames(lamp, "--jobs", "2")) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        process.stderr.close()
        process.stdout = process.stderr = None
