import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media import X264, encode, numbered, read, sampling

from deepfake_cli.io.index import IndexRow, Source, write_index, write_source
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.augment import apply_augmentation
from deepfake_cli.pipeline.stages import StageReport, media_path
from deepfake_cli.profile import load_profile

FLIP, BLUR = {"kind": "flip"}, {"kind": "blur", "kernel": 9}
NOISE = {"kind": "noise", "noise": "local-variance", "variance": 0.01, "seed": 3}
ROLLING = {
    "kind": "rolling-shape",
    "shape": "circle",
    "size": 0.08,
    "colour": "red",
    "x": 0.2,
    "y": 0.5,
    "direction": "right",
    "speed": 0.3,
}
NAMES = ["real0", "fake0a", "fake0b", "real1", "fake1a"]


def row(name: str, suffix: str = ".mp4") -> IndexRow:
    label, original = name[:4], f"real{name[4]}"
    return IndexRow(name, f"videos/{name}{suffix}", label, original, "", "", "", "train")


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    """A data set of five small videos, of two originals."""
    (tmp_path / "raw" / "videos").mkdir(parents=True)
    made = DatasetFolder(tmp_path / "workspace" / "set")
    made.path.mkdir(parents=True)
    write_source(made, Source("folder", tmp_path / "raw", {}))
    write_index(made.index, map(row, NAMES))
    for name in NAMES:
        encode(tmp_path / "raw" / "videos" / f"{name}.mp4", numbered(25), options=X264)
    return made


def planned(folder: DatasetFolder, videos: dict[str, list[dict[str, Any]]]) -> None:
    folder.plan.write_text(json.dumps({"settings": {}, "seed": 0, "videos": videos}))


def applied(folder: DatasetFolder, jobs: int = 1, **more: object) -> StageReport:
    options = {"data.jobs": jobs, **{f"augment.{key}": value for key, value in more.items()}}
    return apply_augmentation(folder, load_profile(None, options))


def tree(folder: DatasetFolder) -> dict[str, str]:
    """Hash every file that the stage writes."""
    files = [*folder.augmented.rglob("*"), folder.report("augment")]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_original_and_its_fakes_are_written_alike(folder: DatasetFolder, tmp_path: Path) -> None:
    planned(folder, {"real0": [FLIP, NOISE, ROLLING]})
    report = applied(folder)
    assert report.to_json() == {
        "stage": "augment",
        "videos": 3,
        "counts": {"frames": 75, "videos": 3},
        "bad": [],
    }
    assert sorted(path.name for path in folder.augmented.iterdir()) == [
        f"{name}.{suffix}" for name in ("fake0a", "fake0b", "real0") for suffix in ("json", "mp4")
    ]
    # All three raw videos are the same, so equal files show that their changes are, noise and all.
    assert len({(folder.augmented / f"{name}.mp4").read_bytes() for name in NAMES[:3]}) == 1
    raw = read(tmp_path / "raw" / "videos" / "real0.mp4", sampling())
    new = read(media_path(folder, tmp_path / "raw", row("real0")), sampling())
    assert [frame.time for frame in new] == [frame.time for frame in raw]
    assert media_path(folder, tmp_path / "raw", row("real1")) == tmp_path / "raw" / "videos" / "real1.mp4"


def test_finished_work_is_left_alone(folder: DatasetFolder) -> None:
    planned(folder, {"real0": [FLIP]})
    first = applied(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.augmented.iterdir()}
    assert applied(folder).to_json() == first.to_json()
    assert {path: path.stat().st_mtime_ns for path in folder.augmented.iterdir()} == before


def test_what_the_plan_changes_is_made_anew_or_removed(folder: DatasetFolder) -> None:
    planned(folder, {"real0": [FLIP], "real1": [FLIP]})
    applied(folder)
    before = tree(folder)
    planned(folder, {"real0": [BLUR], "fake0a": [FLIP], "fake0b": []})
    report = applied(folder)
    after = tree(folder)
    assert sorted(after) == sorted(["augment.json", "fake0a.json", "fake0a.mp4", "real0.json", "real0.mp4"])
    assert after["fake0a.mp4"] == before["fake0a.mp4"]
    assert after["real0.mp4"] != before["real0.mp4"]
    assert report.counts["videos"] == 2
    applied(folder, crf=40)
    assert tree(folder)["fake0a.mp4"] != before["fake0a.mp4"]


def test_jobs_do_not_matter(folder: DatasetFolder) -> None:
    planned(folder, {"real0": [NOISE], "real1": [ROLLING, NOISE]})
    applied(folder, jobs=1)
    one = tree(folder)
    for path in folder.augmented.iterdir():
        path.unlink()
    applied(folder, jobs=3)
    assert tree(folder) == one


def test_a_video_without_its_note_is_unfinished(folder: DatasetFolder) -> None:
    planned(folder, {"real1": [NOISE]})
    applied(folder)
    whole = tree(folder)
    (folder.augmented / "real1.json").unlink()
    (folder.augmented / "fake1a.json").write_text('{"settings": ')
    (folder.augmented / "real1.mp4").write_bytes(b"of another plan")
    (folder.augmented / ".fake1a.mp4.12ab34cd.part").write_bytes(b"half")
    applied(folder)
    assert tree(folder) == whole


def test_a_bad_video_costs_itself_and_its_old_result(folder: DatasetFolder, tmp_path: Path) -> None:
    planned(folder, {"real1": [FLIP]})
    applied(folder)
    (tmp_path / "raw" / "videos" / "real1.mp4").write_bytes(b"no video any more")
    planned(folder, {"real1": [BLUR]})
    report = applied(folder)
    assert [(bad.id, bad.path) for bad in report.bad] == [("real1", "videos/real1.mp4")]
    assert sorted(path.name for path in folder.augmented.iterdir()) == ["fake1a.json", "fake1a.mp4"]


def test_pictures_stay_as_they_are_and_are_counted(folder: DatasetFolder, tmp_path: Path) -> None:
    write_index(folder.index, [row("real0", ".png"), row("real1")])
    cv2.imwrite(str(tmp_path / "raw" / "videos" / "real0.png"), np.zeros((8, 8, 3), np.uint8))
    planned(folder, {"real0": [FLIP], "real1": [FLIP]})
    assert applied(folder).counts == {"videos": 1, "frames": 25, "pictures left as they are": 1}


def test_killed_at_any_moment_it_ends_with_the_same_files(folder: DatasetFolder) -> None:
    planned(folder, {"real0": [NOISE, ROLLING], "real1": [BLUR, NOISE]})
    applied(folder)
    undisturbed = tree(folder)
    for path in folder.augmented.iterdir():
        path.unlink()
    command = [sys.executable, "-m", "deepfake_cli", "data", "augment", "apply", "set"]
    command += ["--workspace", str(folder.path.parent), "--jobs", "2", "--quiet"]
    for _ in range(3):
        before = set(os.listdir(folder.augmented))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
            while process.poll() is None and set(os.listdir(folder.augmented)) <= before:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)  # in the middle of a file, or just after one
        assert tree_is_part_of(folder, undisturbed)
    applied(folder, jobs=2)
    assert tree(folder) == undisturbed


def tree_is_part_of(folder: DatasetFolder, whole: dict[str, str]) -> bool:
    """Tell whether every file under a final name is as it should be."""
    return all(
        whole[path.name] == sha256(path.read_bytes()).hexdigest()
        for path in folder.augmented.iterdir()
        if not path.name.startswith(".")
    )
