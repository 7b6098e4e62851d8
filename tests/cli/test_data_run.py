"""The whole way from raw videos to the table: undisturbed, killed, interrupted, on a full disk."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from workspaces import tree

from deepfake_cli.io.face_table import read_faces

Run = Callable[..., subprocess.CompletedProcess[str]]
DATASET = "faceforensics"


@pytest.fixture(scope="module")
def raw(
    tmp_path_factory: pytest.TempPathFactory,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
) -> Path:
    """A small FaceForensics++: two real videos, and each with a blurred face as its fake."""
    root = tmp_path_factory.mktemp("raw")
    for target, source in (("000", "001"), ("001", "000")):
        frames = pan(24, step=0.5 if target == "000" else -0.5)
        real = root / "original_sequences/youtube/c23/videos" / f"{target}.mp4"
        fake = root / "manipulated_sequences/Deepfakes/c23/videos" / f"{target}_{source}.mp4"
        for path in (real, fake):
            path.parent.mkdir(parents=True, exist_ok=True)
        make_video(real, frames)
        make_video(fake, [blurred(frame) for frame in frames])
    return root


def blurred(frame: np.ndarray) -> np.ndarray:
    changed = frame.copy()
    changed[80:150, 130:190] = cv2.GaussianBlur(frame[80:150, 130:190], (15, 15), 0)
    return changed


@pytest.fixture
def workspace(tmp_path: Path, raw: Path, dfdetect: Run) -> Path:
    """A workspace that has adopted the data set and planned how to augment it."""
    return begin(tmp_path / "workspace", raw, dfdetect)


def begin(workspace: Path, raw: Path, dfdetect: Run) -> Path:
    where = ["--workspace", workspace, "--quiet"]
    assert dfdetect("data", "fetch", DATASET, "--from", raw, "--partial", *where).returncode == 0
    assert dfdetect("data", "index", DATASET, *where).returncode == 0
    assert dfdetect("data", "augment", "plan", DATASET, "--share", "1", *where).returncode == 0
    return workspace


def options(workspace: Path) -> list[str]:
    return ["data", "run", DATASET, "--forge", "--workspace", str(workspace), "--jobs", "2"]


def start(workspace: Path, **more: Any) -> subprocess.Popen[str]:
    """Start a run in a process group of its own, so that its workers can be killed with it."""
    return subprocess.Popen(
        [sys.executable, "-m", "deepfake_cli", *options(workspace)],
        env={**os.environ, "NO_COLOR": "1", "DFDETECT_MRI__SHARE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **more,
    )


def whole(workspace: Path) -> str:
    """Let a run come to its end; return what it said."""
    said, complaint = start(workspace).communicate(timeout=300)
    assert "train with" in complaint, complaint
    return said


@pytest.mark.slow
def test_from_raw_videos_to_the_table_undisturbed_and_killed(
    workspace: Path, raw: Path, tmp_path: Path, dfdetect: Run
) -> None:
    began = time.monotonic()
    said = whole(workspace)
    took = time.monotonic() - began
    assert [line.split(":")[0] for line in said.splitlines()] == [
        *("index", "augment", "landmarks", "crop", "mri", "forge", "table")
    ]
    faces = read_faces(workspace / DATASET / "faces.csv", ["train", "choose", "report"])
    assert {face.method for face in faces} > {"", "Deepfakes"}
    assert all(face.path.is_file() for face in faces)
    assert all(face.pair and face.pair.is_file() for face in faces if face.method == "Deepfakes")
    assert len({face.split for face in faces}) == 1  # the two are one group: each is in the other's fake

    rough, rng = begin(tmp_path / "rough", raw, dfdetect), random.Random(7)
    killed = 0
    for attempt in range(12):
        process = start(rough)
        time.sleep(took * rng.uniform(0.05, 0.5))
        killed += process.poll() is None
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
        process.communicate()
        if killed >= 5 and attempt >= 5:
            break
    assert killed
    whole(rough)
    assert tree(rough / DATASET) == tree(workspace / DATASET)
    assert whole(rough) == said


@pytest.mark.slow
def test_an_interrupted_run_ends_at_once_and_goes_on(workspace: Path) -> None:
    process = start(workspace)
    deadline = time.monotonic() + 60
    while not (workspace / DATASET / "landmarks").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, complaint = process.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert process.returncode == 130
    assert "interrupted" in complaint
    assert "Traceback" not in complaint
    whole(workspace)


@pytest.mark.slow
def test_a_full_disk_is_told_and_what_is_done_stays(workspace: Path) -> None:
    for most in (12_000, 50_000):  # bytes of a file, which end the run at different stages

        def few_bytes(most: int = most) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        process = start(workspace, preexec_fn=few_bytes)
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 2
        assert "error: cannot" in complaint
        assert "Traceback" not in complaint
    whole(workspace)


def test_a_data_set_that_nobody_knows(dfdetect: Run, tmp_path: Path) -> None:
    run = dfdetect("data", "run", "mine", "--workspace", tmp_path)
    assert run.returncode == 2
    assert "data fetch folder --as mine --from DIR" in run.stderr


def test_a_gated_data_set_tells_the_steps(dfdetect: Run, tmp_path: Path) -> None:
    run = dfdetect("data", "run", "celeb-df-v2", "--workspace", tmp_path)
    assert run.returncode == 2
    assert "data fetch celeb-df-v2 --from DIR" in run.stderr


def test_pictures_of_ones_own_in_one_go(dfdetect: Run, tmp_path: Path, portrait: np.ndarray) -> None:
    for label in ("real", "fake"):
        (tmp_path / "mine" / label).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "mine" / label / "face.png"), portrait[..., ::-1])
    where = ["--workspace", tmp_path / "workspace"]
    assert (
        dfdetect("data", "fetch", "folder", "--as", "mine", "--from", tmp_path / "mine", *where).returncode
        == 0
    )
    run = dfdetect("data", "run", "mine", "--json", *where)
    assert run.returncode == 0, run.stderr
    reports = {report["stage"]: report for report in json.loads(run.stdout)}
    assert list(reports) == ["index", "landmarks", "crop", "table"]
    assert reports["table"]["counts"]["faces"] == 2
