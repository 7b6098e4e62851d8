"""`dfdetect data landmarks` and `data crop`, as typed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from workspaces import make_dataset, row

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def workspace(tmp_path: Path, make_video: Callable[..., Path], pan: Callable[..., list[np.ndarray]]) -> Path:
    """A workspace with a data set of one video and one file that is none."""
    make_video(tmp_path / "one.mp4", pan(12))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    make_dataset(tmp_path / "ws", tmp_path, [row(tmp_path / "one.mp4"), row(tmp_path / "broken.mp4")])
    return tmp_path / "ws"


def test_from_videos_to_faces(dfdetect: Run, workspace: Path) -> None:
    found = dfdetect("data", "landmarks", "small", "-w", workspace, "--every", "4", "-j", "1")
    assert found.returncode == 0
    assert found.stdout == "landmarks: 3 faces, 3 frames from 1 file\n"
    assert "broken.mp4: " in found.stderr
    assert "1 of 2 files could not be used" in found.stderr

    cut = dfdetect("data", "crop", "small", "-w", workspace, "--format", "jpeg", "--json", "-j", "1")
    assert cut.returncode == 0
    assert json.loads(cut.stdout)["counts"] == {"faceless": 0, "faces": 3, "paired": 0, "unmatched": 0}
    assert sorted(path.name for path in (workspace / "small/crops/one").iterdir()) == [
        *(f"0000{i}_0.jpg" for i in range(3)),
        "crops.json",
    ]


def test_what_cannot_be_is_said(dfdetect: Run, workspace: Path) -> None:
    both = dfdetect("data", "landmarks", "small", "-w", workspace, "--every", "4", "--frames", "3")
    assert (both.returncode, both.stdout) == (2, "")
    assert "--frames and --every exclude each other" in both.stderr
    early = dfdetect("data", "crop", "small", "-w", workspace)
    assert early.returncode == 2
    assert "dfdetect data landmarks small" in early.stderr
    speck = dfdetect("data", "crop", "small", "-w", workspace, "--size", "3")
    assert speck.returncode == 2
    assert "crop.size" in speck.stderr
