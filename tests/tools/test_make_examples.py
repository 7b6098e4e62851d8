"""The example clips: what they promise about themselves."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from deepfake_cli import scan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    subprocess.run(
        [sys.executable, "tools/make_examples.py", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


def frames(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_the_twin_differs_from_the_clip_in_the_face_alone(clips: Path) -> None:
    real, fake = frames(clips / "real.mp4"), frames(clips / "fake.mp4")
    assert real.shape == fake.shape == (80, 480, 640, 3)
    difference = np.abs(real.astype(np.int16) - fake).mean((0, 3))
    beside = max(difference[:, :200].mean(), difference[:, 440:].mean())
    # The face stays near the middle of the picture; what lies beside it was only encoded anew.
    assert beside < 2.5
    assert difference[150:330, 230:410].mean() > 4 * beside


def test_the_camera_moves_and_the_light_changes(clips: Path) -> None:
    real = frames(clips / "real.mp4").astype(np.int16)
    assert np.abs(real[0] - real[40]).mean() > 5.0
    assert np.ptp(real.mean((1, 2, 3))) > 5.0


def test_the_embedded_detector_tells_them_apart(clips: Path) -> None:
    real, fake = scan([clips / "real.mp4", clips / "fake.mp4"])
    assert (real.verdict, fake.verdict) == ("REAL", "FAKE")


@pytest.mark.slow
def test_the_same_bytes_come_again(clips: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "tools/make_examples.py", tmp_path], cwd=ROOT, check=True, capture_output=True
    )
    for name in ("real.mp4", "fake.mp4"):
        assert (tmp_path / name).read_bytes() == (clips / name).read_bytes()
