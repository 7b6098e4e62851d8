import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from media import X264, encode, numbered, read, sampling

from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, Source, write_index, write_source
from deepfake_cli.io.workspace import DatasetFolder

Cli = Callable[..., subprocess.CompletedProcess[str]]
KINDS = 20  # the original, 7 noises, 6 other augmentations, 6 distractions


@pytest.fixture
def folder(tmp_path: Path, portrait_video: Path) -> DatasetFolder:
    """The data set "set" in the workspace of tmp_path: a real video and its fake."""
    made = DatasetFolder(tmp_path / "workspace" / "set")
    made.path.mkdir(parents=True)
    write_source(made, Source("folder", portrait_video.parent, {}))
    name = portrait_video.name
    write_index(
        made.index,
        [
            IndexRow("a", name, "real", "a", "", "", "", "train"),
            IndexRow("b", name, "fake", "a", "", "", "", "train"),
        ],
    )
    return made


def test_a_plan_is_drawn_edited_and_applied(folder: DatasetFolder, dfdetect: Cli) -> None:
    run = dfdetect("data", "augment", "plan", "set", "--share", "1")
    assert run.stderr == ""
    assert run.stdout.startswith("plan: 1 of 1 originals, with their fakes 2 of 2 videos: ")
    plan = json.loads(folder.plan.read_text())
    assert list(plan) == ["settings", "seed", "videos"]
    plan["videos"] = {"a": [{"kind": "flip"}]}
    folder.plan.write_text(json.dumps(plan))

    refused = dfdetect("data", "augment", "plan", "set")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    run = dfdetect("data", "augment", "apply", "set", "--jobs", "1")
    assert (run.returncode, run.stdout) == (0, "augment: 50 frames, 2 videos from 2 files\n"), run.stderr
    again = dfdetect("data", "augment", "apply", "set", "--json")
    assert json.loads(again.stdout)["counts"] == {"frames": 50, "videos": 2}


def test_a_mistake_in_the_plan_is_told(folder: DatasetFolder, dfdetect: Cli) -> None:
    folder.plan.write_text('{"videos": {"a": [{"kind": "blur", "kernel": 1000}]}}')
    run = dfdetect("data", "augment", "apply", "set")
    assert run.returncode == 2
    assert "a, entry 1: kernel: input should be less than or equal to 99" in run.stderr
    assert "Traceback" not in run.stderr
    assert not folder.augmented.exists()


def test_a_preview_shows_every_kind(tmp_path: Path, folder: DatasetFolder, dfdetect: Cli) -> None:
    run = dfdetect("data", "augment", "preview", "set", "--seconds", "0.8")
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"preview: {KINDS} videos and sheet.png in workspace/set/preview\n"
    preview = folder.path / "preview"
    videos = sorted(preview.glob("*.mp4"))
    assert len(videos) == KINDS == len(list(preview.iterdir())) - 1
    original = [frame.image.astype(int) for frame in read(preview / "original.mp4", sampling())]
    for video in videos:
        frames = [frame.image for frame in read(video, sampling())]
        assert len(frames) == 20
        if video.stem != "original" and frames[0].shape == original[0].shape:
            changes = [np.abs(a - b).mean() for a, b in zip(frames, original, strict=True)]
            assert max(changes) > 0.5, video.stem
    sheet = read_image(preview / "sheet.png")
    assert sheet.shape[0] > 4 * 200
    assert sheet.shape[1] > 5 * 300


def test_a_preview_of_a_file_replaces_nothing_but_a_preview(tmp_path: Path, dfdetect: Cli) -> None:
    video = encode(tmp_path / "clip.mp4", numbered(3), options=X264)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    run = dfdetect("data", "augment", "preview", video, "--output", "mine")
    assert run.returncode == 2
    assert "mine holds something else than a preview" in run.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview" / "blur.mp4").write_bytes(b"of an older preview")
    run = dfdetect("data", "augment", "preview", video)
    assert run.stdout == f"preview: {KINDS} videos and sheet.png in preview\n", run.stderr
    assert len(read(tmp_path / "preview" / "blur.mp4", sampling())) == 3


def test_what_cannot_be_previewed_is_told(tmp_path: Path, folder: DatasetFolder, dfdetect: Cli) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    for args, told in (
        (["set", "--video", "c"], "no video 'c' in set"),
        (["other"], "make it first with: dfdetect data index other"),
        (["broken.mp4"], "not a video"),
    ):
        run = dfdetect("data", "augment", "preview", *args)
        assert run.returncode == 2
        assert told in run.stderr
        assert "Traceback" not in run.stderr
    assert not (tmp_path / "preview").exists()
