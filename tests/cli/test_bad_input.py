"""Whatever is named on the command line gets a verdict or one clear line, and the others are scanned too."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hub_models import model_files, write_model

Run = Callable[..., subprocess.CompletedProcess[str]]
MakeVideo = Callable[..., Path]
Pan = Callable[..., list[np.ndarray]]

LATIN = os.fsdecode(b"caf\xe9.mp4")


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_model(tmp_path_factory.mktemp("models") / "lamp", model_files(gain=30.0)))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo, pan: Pan) -> Path:
    """A video that is called REAL."""
    folder = tmp_path_factory.mktemp("good")
    return make_video(folder / "good.mp4", [(frame * 0.4).astype(np.uint8) for frame in pan(6)])


def sound(path: Path) -> Path:
    """Write half a second of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for start in range(0, 8000, 1000):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1000), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def zoo(
    tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo, pan: Pan, portrait: np.ndarray
) -> Path:
    """A folder of files that are unlike what one expects."""
    folder = tmp_path_factory.mktemp("zoo")
    whole = make_video(folder / "whole.mkv", pan(50), options={"crf": "12"}).read_bytes()
    (folder / "zero.mp4").write_bytes(b"")
    (folder / "random.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    (folder / "no-index.mp4").write_bytes(make_video(folder / "x.mp4", pan(50)).read_bytes()[:4000])
    (folder / "x.mp4").unlink()
    (folder / "cut-off.mkv").write_bytes(whole[: len(whole) // 2])
    sound(folder / "sound.mp4")
    make_video(folder / "one-frame.mp4", pan(1))
    make_video(folder / "tiny.mp4", [cv2.resize(frame, (16, 16)) for frame in pan(5)])
    make_video(folder / "nobody.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 5)
    (folder / LATIN).write_bytes((folder / "one-frame.mp4").read_bytes())
    (folder / "new\nline\x1b[31m.mp4").write_bytes((folder / "one-frame.mp4").read_bytes())
    huge = cv2.resize(portrait, (8000, 8000), interpolation=cv2.INTER_LINEAR)
    cv2.imwrite(str(folder / "huge.jpg"), huge[:, :, ::-1])
    make_video(folder / "huge.mp4", [huge], options={"preset": "ultrafast"})
    face = cv2.resize(portrait[:256, 100:356], (128, 128), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "crowd.png"), np.tile(face, (6, 10, 1))[:, :, ::-1])
    os.symlink("loop.mp4", folder / "loop.mp4")
    os.mkfifo(folder / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.mp4"))
    return folder


@pytest.fixture(scope="module")
def found(zoo: Path, lamp: str) -> dict[str, dict[str, Any]]:
    """What one scan of all of them says; its exit code and errors are checked here."""
    names = sorted(os.listdir(zoo)) + ["missing.mp4", "no*thing.mp4", "/dev/zero", "/dev/null"]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "deepfake_cli",
            "scan",
            *names,
            "--model",
            lamp,
            "--format",
            "json",
            "--quiet",
        ],
        capture_output=True,
        cwd=zoo,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        timeout=280,
    )
    assert run.stderr == b""
    assert run.returncode == 1  # there are FAKEs, which no unreadable neighbour hides
    records = json.loads(run.stdout)
    assert [record["file"] for record in records] == names
    return {record["file"]: record for record in records}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zero.mp4", "0 bytes"),
        ("random.mp4", "unknown format"),
        ("no-index.mp4", "incomplete MP4"),
        ("sound.mp4", "no video stream"),
        ("loop.mp4", "its symbolic links lead in a circle"),
        ("pipe.mp4", "a pipe, not a file"),
        ("socket.mp4", "socket, not a file"),
        ("/dev/zero", "a device"),
        ("/dev/null", "a device"),
        ("missing.mp4", "no such file or directory"),
        ("no*thing.mp4", "no such file or directory"),
    ],
)
def test_what_cannot_be_read_says_why(found: dict[str, dict[str, Any]], name: str, reason: str) -> None:
    record = found[name]
    assert (record["verdict"], record["score"]) == ("UNREADABLE", None)
    assert reason in record["reason"]
    assert "\n" not in record["reason"]


@pytest.mark.parametrize(
    ("name", "verdict", "people"),
    [
        ("whole.mkv", "FAKE", 1),
        ("cut-off.mkv", "FAKE", 1),
        ("one-frame.mp4", "FAKE", 1),
        ("tiny.mp4", "NO_FACE", 0),
        ("nobody.mp4", "NO_FACE", 0),
        ("huge.jpg", "FAKE", 1),
        ("huge.mp4", "FAKE", 1),
        ("crowd.png", "FAKE", 60),
        (LATIN, "FAKE", 1),
        ("new\nline\x1b[31m.mp4", "FAKE", 1),
    ],
)
def test_what_can_be_read_is_judged(
    found: dict[str, dict[str, Any]], name: str, verdict: str, people: int
) -> None:
    record = found[name]
    assert (record["verdict"], len(record["tracks"])) == (verdict, people)


def test_a_stream_that_ends_early_is_noted(found: dict[str, dict[str, Any]]) -> None:
    assert found["whole.mkv"]["notes"] == []
    assert found["cut-off.mkv"]["notes"] != []
    assert 0 < found["cut-off.mkv"]["frames"] < found["whole.mkv"]["frames"]


@pytest.mark.parametrize("name", ["zero.mp4", "missing.mp4", "pipe.mp4", "/dev/zero", "loop.mp4"])
def test_alone_too_it_is_told_and_exits_2(dfdetect: Run, zoo: Path, lamp: str, name: str) -> None:
    run = dfdetect("scan", name, "--model", lamp, cwd=zoo)
    assert run.returncode == 2
    assert "UNREADABLE" in run.stdout
    assert "Traceback" not in run.stderr


def test_names_cannot_steer_the_terminal(dfdetect: Run, zoo: Path, lamp: str) -> None:
    run = dfdetect("scan", "new\nline\x1b[31m.mp4", "--model", lamp, cwd=zoo)
    assert "\x1b" not in run.stdout + run.stderr
    assert "line\\x1b[31m.mp4" in run.stdout


def test_an_empty_folder_is_told(dfdetect: Run, tmp_path: Path, good: Path, lamp: str) -> None:
    (tmp_path / "empty").mkdir()
    alone = dfdetect("scan", "empty", "--model", lamp)
    assert (alone.returncode, alone.stdout) == (2, "")
    assert alone.stderr.splitlines()[0] == (
        "error: nothing to scan; empty: no video or picture in this folder; "
        "--recursive looks into its folders too"
    )
    beside = dfdetect("scan", "empty", good, "--model", lamp)
    assert beside.returncode == 0
    assert "REAL" in beside.stdout
    assert "warning: empty: no video or picture in this folder" in beside.stderr


def test_a_folder_that_leads_back_to_itself_is_scanned_once(
    dfdetect: Run, tmp_path: Path, good: Path, lamp: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.mp4").write_bytes(good.read_bytes())
    os.symlink("..", tmp_path / "in" / "up")
    run = dfdetect("scan", "in", "--recursive", "--model", lamp, "--format", "csv", "--quiet")
    assert run.returncode == 0
    assert len(run.stdout.splitlines()) == 2


# Nothing is forbidden to root, so it becomes nobody; after a first scan, for nobody may not read its Python.
AS_NOBODY = """
import os, sys
from deepfake_cli.cli._app import run
from deepfake_cli.profile import default_path
profile = default_path()
assert run(["scan", "good.mp4", "--model", "lamp"]) == 0
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    if not os.access(profile, os.R_OK):
        sys.exit("nobody may not read the profile")
sys.exit(run(["scan", "secret.mp4", "--model", "lamp"]))
"""


@pytest.fixture
def forbidden(good: Path) -> Iterator[Path]:
    """A folder that everybody may enter, with a file that nobody may read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_model(folder / "lamp", model_files(gain=30.0))
        for copy in ("good.mp4", "secret.mp4"):
            (folder / copy).write_bytes(good.read_bytes())
        (folder / "secret.mp4").chmod(0)
        yield folder


def test_a_file_without_permission_is_told(forbidden: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", AS_NOBODY],
        capture_output=True,
        text=True,
        cwd=forbidden,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "XDG_CONFIG_HOME": str(forbidden)},
    )
    if run.stderr.endswith("nobody may not read the profile\n"):
        pytest.skip("the user nobody may not enter this project's folder")
    assert run.returncode == 2
    assert "cannot be read: permission denied" in run.stdout
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_a_full_disk_is_told(dfdetect: Run, good: Path, lamp: str, kind: str) -> None:
    run = dfdetect("scan", good, "--model", lamp, "--format", kind, "--output", "/dev/full")
    assert run.returncode == 2
    assert run.stderr.splitlines()[:2] == [
        "error: cannot write /dev/full: no space left on device",
        "hint: free some space or choose another place",
    ]


@pytest.mark.parametrize("kind", ["table", "jsonl"])
def test_a_stdout_without_space_is_told(dfdetect: Run, good: Path, lamp: str, kind: str) -> None:
    with open("/dev/full", "w") as full:
        run = dfdetect(
            *("scan", good, "--model", lamp, "--format", kind, "--quiet"),
            **{"stdout": full, "stderr": subprocess.PIPE, "capture_output": False},
        )
    assert run.returncode == 2
    assert "no space left on device" in run.stderr.splitlines()[0]
    assert "Traceback" not in run.stderr


def test_an_output_in_no_folder_is_told_before_anything_is_scanned(
    dfdetect: Run, good: Path, lamp: str
) -> None:
    run = dfdetect("scan", good, "--model", lamp, "--output", "no/where.json", "--verbose")
    assert run.returncode == 2
    assert run.stderr.splitlines() == [
        "error: cannot write no/where.json: no such file or directory",
        "hint: create the folder first",
    ]
