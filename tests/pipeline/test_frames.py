"""Taking frames out of a data set: real videos and pictures, real processes, killed ones too."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media import X264, encode, number_of, numbered
from workspaces import make_dataset, row, tree

from deepfake_cli.errors import DataError, OutputError
from deepfake_cli.io.frames import TakenFrames, frames_folder, frames_sheet, read_taken
from deepfake_cli.io.images import read_image
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.frames import FramesWork, distinct_places, scaled, take_frames
from deepfake_cli.pipeline.frames_sheet import draw_frames
from deepfake_cli.pipeline.status import StageStatus, status_of
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

Run = Callable[..., subprocess.CompletedProcess[str]]


def settings(**more: object) -> Profile:
    """One job, and any key with two underscores for the point."""
    return load_profile(options={"data.jobs": 1, **{k.replace("__", "."): v for k, v in more.items()}})


def dataset(tmp_path: Path, *files: Path) -> DatasetFolder:
    return make_dataset(tmp_path / "ws", files[0].parent, list(map(row, files)))


def taken(folder: DatasetFolder, id: str) -> TakenFrames:
    return read_taken(frames_folder(folder) / id)


def numbers(folder: DatasetFolder, id: str) -> list[int]:
    """Read from the pictures which frames of the video they are."""
    place = frames_folder(folder) / id
    return [number_of(read_image(place / frame.file)) for frame in taken(folder, id).frames]


@pytest.fixture
def steady(tmp_path: Path) -> Path:
    return encode(tmp_path / "steady.mp4", numbered(50), options=X264)


def test_evenly_spaced_frames(tmp_path: Path, steady: Path) -> None:
    folder = dataset(tmp_path, steady)
    report = take_frames(folder, settings())
    assert dict(report.counts) == {"frames": 5, "short": 0, "noted": 0}
    assert numbers(folder, "steady") == [5, 15, 25, 35, 45]
    found = taken(folder, "steady")
    assert (found.source, found.wanted, found.notes) == ("steady.mp4", 5, ())
    assert [(frame.file, frame.frame) for frame in found.frames] == [(f"{i:05}.png", i) for i in range(5)]
    assert [frame.time for frame in found.frames] == [0.2, 0.6, 1.0, 1.4, 1.8]
    assert {(frame.width, frame.height) for frame in found.frames} == {(160, 120)}
    assert sorted(path.name for path in (frames_folder(folder) / "steady").iterdir()) == [
        *(f"{i:05}.png" for i in range(5)),
        "frames.json",
    ]


@pytest.mark.parametrize("late", [0, 7, 29])
@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv"])
def test_a_variable_rate_gives_as_many_though_one_frame_lasts_long(
    tmp_path: Path, name: str, late: int
) -> None:
    pts = [i * 40 + (4000 if i > late else 0) for i in range(30)]
    if late == 29:  # the second to last lasts long, so that later frames run out
        pts[29] += 4000
    video = encode(tmp_path / name, numbered(30), options=X264, pts=pts, time_base=Fraction(1, 1000))
    folder = dataset(tmp_path, video)
    for count in (5, 29, 30):
        report = take_frames(folder, settings(frames__count=count))
        assert dict(report.counts) == {"frames": count, "short": 0, "noted": 0}
        found = numbers(folder, "vfr")
        assert found == sorted(set(found))
        assert len(found) == count
        assert [frame.time for frame in taken(folder, "vfr").frames] == [pts[i] / 1000 for i in found]


def test_a_second_look_that_fails_keeps_what_the_first_found(tmp_path: Path, steady: Path) -> None:
    folder = dataset(tmp_path, steady)
    take_frames(folder, settings())
    (tmp_path / "broken.mp4").write_bytes(steady.read_bytes()[:600])
    place, found, notes = frames_folder(folder) / "steady", taken(folder, "steady").frames, []
    before = tree(place)
    work = FramesWork(folder, tmp_path, settings())
    assert work._take_exactly(tmp_path / "broken.mp4", place, notes, found) == found
    assert tree(place) == before
    assert len(notes) == 1


def test_shorter_videos_give_all_they_have_and_are_counted(tmp_path: Path, steady: Path) -> None:
    three = encode(tmp_path / "three.mkv", numbered(3), options=X264)
    folder = dataset(tmp_path, steady, three)
    report = take_frames(folder, settings())
    assert dict(report.counts) == {"frames": 8, "short": 1, "noted": 0}
    assert numbers(folder, "three") == [0, 1, 2]
    assert taken(folder, "three").wanted == 5
    assert take_frames(folder, settings()).to_json() == report.to_json()
    assert dict(take_frames(folder, settings(frames__count=2)).counts)["short"] == 0


def test_a_picture_is_one_frame_and_not_short(tmp_path: Path, portrait: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / "photo.jpg"), portrait[..., ::-1])
    folder = dataset(tmp_path, tmp_path / "photo.jpg")
    assert dict(take_frames(folder, settings()).counts) == {"frames": 1, "short": 0, "noted": 0}
    stored = read_image(frames_folder(folder) / "photo" / "00000.png")
    assert np.array_equal(stored, read_image(tmp_path / "photo.jpg"))


def test_damaged_files(tmp_path: Path, steady: Path) -> None:
    whole = encode(tmp_path / "whole.ts", numbered(50), options=X264).read_bytes()
    (tmp_path / "cut.ts").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken.mp4").write_bytes(steady.read_bytes()[:600])
    files = [tmp_path / name for name in ("cut.ts", "broken.mp4", "gone.mp4", "steady.mp4")]
    folder = dataset(tmp_path, *files)
    report = take_frames(folder, settings())
    assert [bad.id for bad in report.bad] == ["broken", "gone"]
    assert report.counts["frames"] == 10
    found = numbers(folder, "cut")
    assert found == sorted(set(found))
    assert len(found) == 5
    assert found[-1] < 30
    assert sorted(path.name for path in frames_folder(folder).iterdir()) == ["cut", "steady"]


def test_what_is_wrong_with_a_file_is_noted(tmp_path: Path) -> None:
    quick = {"movflags": "+faststart"}
    whole = encode(tmp_path / "whole.mp4", numbered(50), options=X264, container_options=quick).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    folder = dataset(tmp_path, tmp_path / "cut.mp4")
    assert dict(take_frames(folder, settings()).counts) == {"frames": 5, "short": 0, "noted": 1}
    assert taken(folder, "cut").notes[0].startswith("cut off: ")
    assert len(set(numbers(folder, "cut"))) == 5


def test_sizes(tmp_path: Path, steady: Path) -> None:
    folder = dataset(tmp_path, steady)
    take_frames(folder, settings(frames__size=80))
    for frame in taken(folder, "steady").frames:
        assert (frame.width, frame.height) == (80, 60)
        assert read_image(frames_folder(folder) / "steady" / frame.file).shape == (60, 80, 3)
    assert scaled(np.zeros((1, 400, 3), np.uint8), 100).shape == (1, 100, 3)
    assert scaled(np.zeros((60, 30, 3), np.uint8), 100).shape == (100, 50, 3)


def test_what_is_done_is_left_alone_until_something_changes(tmp_path: Path, steady: Path) -> None:
    folder = dataset(tmp_path, steady)
    first = take_frames(folder, settings())
    content = tree(folder.path)
    before = {path: path.stat().st_mtime_ns for path in frames_folder(folder).rglob("*")}
    assert take_frames(folder, settings()).to_json() == first.to_json()
    assert {path: path.stat().st_mtime_ns for path in frames_folder(folder).rglob("*")} == before

    take_frames(folder, settings(frames__count=2))
    assert [path.name for path in sorted((frames_folder(folder) / "steady").iterdir())] == [
        *("00000.png", "00001.png", "frames.json")
    ]
    take_frames(folder, settings())
    assert tree(folder.path) == content

    folder.augmented.mkdir()
    encode(folder.augmented / "steady.mp4", numbered(20), options=X264)
    take_frames(folder, settings())
    assert taken(folder, "steady").source == "augmented/steady.mp4"
    assert numbers(folder, "steady") == [2, 6, 10, 14, 18]

    table = frames_folder(folder) / "steady" / "frames.json"
    for damaged in ('{"settings": "', table.read_text().replace('"width": 160', '"width": Infinity')):
        table.write_text(damaged)
        with pytest.raises(DataError, match="is damaged"):
            taken(folder, "steady")
        assert take_frames(folder, settings()).counts["frames"] == 5

    (folder.augmented / "steady.mp4").write_bytes(b"no video any more")
    assert [bad.id for bad in take_frames(folder, settings()).bad] == ["steady"]
    assert not list(frames_folder(folder).iterdir())


@pytest.mark.parametrize(
    ("times", "moments", "expected"),
    [
        ([0, 1, 2, 3], [0.5, 2.5], [0, 2]),
        ([0, 1, 2, 3], [0.1, 0.2, 0.3], [0, 1, 2]),
        ([0, 1, 2, 3], [3.1, 3.2, 3.3], [1, 2, 3]),
        ([0, 1, 2, 3, 4], [1.5, 1.6, 9], [1, 2, 4]),
        ([0.5, 1], [0.1], [0]),
        ([0, 1], [0.1, 0.2, 0.3], [0, 1]),
        ([0], [0.1], [0]),
    ],
)
def test_no_frame_is_chosen_twice(times: list[float], moments: list[float], expected: list[int]) -> None:
    assert distinct_places(times, moments).tolist() == expected


def test_chosen_frames_are_distinct_whatever_the_times() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        have, want = rng.integers(1, 40, 2)
        times, moments = np.sort(rng.exponential(1, have)), np.sort(rng.exponential(1, want))
        places = distinct_places(times, moments)
        assert len(places) == min(have, want)
        assert (np.diff(places) > 0).all()
        assert places[0] >= 0
        assert places[-1] < have


def test_contact_sheet(tmp_path: Path, steady: Path) -> None:
    for name in ("a", "b", "c"):
        shutil.copy(steady, tmp_path / f"{name}.mp4")
    short = encode(tmp_path / "short.mp4", numbered(2), options=X264)
    folder = dataset(tmp_path, *(tmp_path / f"{name}.mp4" for name in ("a", "b", "c")), short)
    profile = settings(inspect__side=40, inspect__columns=5, inspect__pictures=20)
    assert draw_frames(folder, profile) is None
    take_frames(folder, profile)
    sheet = draw_frames(folder, profile)
    assert sheet == frames_sheet(folder)
    image = read_image(sheet)
    wide, high = 40 + 12, 40 + 22 + 12
    assert image.shape == (4 * high, 5 * wide, 3)
    cells = image.reshape(4, high, 5, wide, 3)[:, :46]  # without their titles
    lit = cells.max(axis=(1, 3, 4)) > 40
    assert sorted(lit.sum(axis=1)) == [2, 5, 5, 5]
    first = sheet.read_bytes()
    draw_frames(folder, profile)
    assert sheet.read_bytes() == first
    draw_frames(folder, settings(inspect__side=40, inspect__columns=3, inspect__pictures=6))
    assert read_image(sheet).shape == (2 * high, 3 * wide, 3)


def test_status_tells_of_frames_where_there_are_any(tmp_path: Path, steady: Path) -> None:
    folder = dataset(tmp_path, steady, tmp_path / "gone.mp4")
    profile = settings(workspace__path=folder.path.parent)
    assert "frames" not in [stage.stage for stage in status_of(profile, [])[0].stages]
    take_frames(folder, profile)
    (frames,) = (stage for stage in status_of(profile, [])[0].stages if stage.stage == "frames")
    assert frames == StageStatus("frames", 1, 2, 1)
    assert frames.state == "done"


def test_what_cannot_be_is_said(tmp_path: Path, steady: Path) -> None:
    folder = dataset(tmp_path, steady)
    frames_folder(folder).write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot make"):
        take_frames(folder, settings())
    folder.index.unlink()
    with pytest.raises(DataError, match=r"index.csv is missing"):
        take_frames(folder, settings())


def test_as_typed(dfdetect: Run, tmp_path: Path, steady: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    folder = dataset(tmp_path, steady, tmp_path / "broken.mp4")
    command = ["data", "frames", "small", "-w", folder.path.parent, "-j", "1"]
    run = dfdetect(*command, "--frames", "3", "--size", "64", "--sheet")
    assert run.returncode == 0, run.stderr
    assert run.stdout == "frames: 3 frames from 1 file\n"
    assert "broken.mp4: " in run.stderr
    assert f"contact sheet: {frames_sheet(folder)}" in run.stderr
    assert taken(folder, "steady").frames[0].width == 64

    quiet = dfdetect(*command, "--json", "--quiet")
    assert json.loads(quiet.stdout) == json.loads(folder.report("frames").read_text())
    assert json.loads(quiet.stdout)["counts"] == {"frames": 5, "noted": 0, "short": 0}
    assert quiet.stderr == ""
    speck = dfdetect(*command, "--size", "3")
    assert speck.returncode == 2
    assert "frames.size" in speck.stderr


def start(folder: DatasetFolder) -> subprocess.Popen[str]:
    """Start the stage in a process group of its own."""
    command = [sys.executable, "-m", "deepfake_cli", "data", "frames", "small", "-w", str(folder.path.parent)]
    pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, "-j", "2"], start_new_session=True, **pipes)


def wait_for(count: int, folder: DatasetFolder, process: subprocess.Popen[str]) -> None:
    """Wait until so many files lie in the folder, or the process has ended."""
    deadline = time.monotonic() + 60
    while process.poll() is None and len(list(frames_folder(folder).rglob("*"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.slow
def test_killed_at_any_moment_and_begun_again_the_tree_is_the_same(tmp_path: Path, steady: Path) -> None:
    files = [Path(shutil.copy(steady, tmp_path / f"{i}.mp4")) for i in range(8)]
    calm = make_dataset(tmp_path / "calm", tmp_path, list(map(row, files)))
    rough = make_dataset(tmp_path / "rough", tmp_path, list(map(row, files)))
    take_frames(calm, settings())
    rng, killed = random.Random(0), 0
    for most in (3, 20, 40):
        process = start(rough)
        wait_for(rng.randint(1, most), rough, process)
        killed += process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert killed
    process = start(rough)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    assert tree(rough.path) == tree(calm.path)


@pytest.mark.slow
def test_an_interrupted_run_ends_at_once_and_goes_on(tmp_path: Path) -> None:
    video = encode(tmp_path / "0.mp4", numbered(30, 1280, 720), options=X264)
    files = [video, *(Path(shutil.copy(video, tmp_path / f"{i}.mp4")) for i in range(1, 40))]
    folder = make_dataset(tmp_path / "ws", tmp_path, list(map(row, files)))
    process = start(folder)
    wait_for(2, folder, process)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, complaint = process.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert process.returncode == 130
    assert "interrupted" in complaint
    assert "Traceback" not in complaint
    assert take_frames(folder, settings()).counts["frames"] == 200
    assert not list(folder.path.rglob("*.part"))
