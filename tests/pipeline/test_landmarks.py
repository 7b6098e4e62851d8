"""Finding the faces of a data set: real videos and pictures, real networks, real processes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import stage
from workspaces import make_dataset, row, tree

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.inference.face_detector import FaceDetector
from deepfake_cli.io.landmarks import Landmarks, read_landmarks
from deepfake_cli.io.video import read_frames
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.landmarks import find_landmarks, frame_options
from deepfake_cli.pipeline.media import sampling_of
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile


def settings(**more: object) -> Profile:
    """One job, and any key with two underscores for the point."""
    return load_profile(options={"data.jobs": 1, **{k.replace("__", "."): v for k, v in more.items()}})


def found(folder: DatasetFolder, id: str) -> Landmarks:
    return read_landmarks(folder.landmarks / f"{id}.json")


@pytest.fixture
def raw(tmp_path: Path, portrait_video: Path, portrait: np.ndarray) -> Path:
    """A portrait as video and as picture, a video without a face, and one that is none."""
    root = tmp_path / "raw"
    root.mkdir()
    shutil.copy(portrait_video, root / "one.mp4")
    cv2.imwrite(str(root / "photo.png"), portrait[..., ::-1])
    cv2.imwrite(str(root / "wall.png"), np.full((200, 200, 3), 90, np.uint8))
    (root / "broken.mp4").write_bytes(b"no video at all" * 100)
    return root


def test_faces_are_those_that_scanning_sees(tmp_path: Path, raw: Path, portrait_video: Path) -> None:
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "one.mp4")])
    profile = settings()
    report = find_landmarks(folder, profile)
    assert dict(report.counts) == {"frames": 3, "faces": 3, "faceless": 0, "noted": 0}
    detector = FaceDetector(min_face_size=profile.detector.min_face, thresholds=profile.detector.thresholds)
    landmarks = found(folder, "one")
    assert (landmarks.width, landmarks.height, landmarks.every, landmarks.count) == (320, 240, 10, 0)
    with read_frames(portrait_video, sampling_of(10, 0), threads=1, seek_beyond=0.2) as frames:
        for frame, stored in zip(frames, landmarks.frames, strict=True):
            faces = detector.detect_scaled(frame.image, profile.detector.short_side)
            assert (stored.frame, stored.time) == (frame.index, round(frame.time, 3))
            assert np.allclose(stored.faces[0].box, faces.boxes[0], atol=0.006)
            assert np.allclose(stored.faces[0].points, faces.points[0], atol=0.006)
            assert stored.faces[0].probability == pytest.approx(faces.probabilities[0], abs=6e-5)


def test_pictures_faceless_and_damaged_files(tmp_path: Path, raw: Path) -> None:
    files = [raw / name for name in ("broken.mp4", "wall.png", "photo.png", "gone.mp4", "one.mp4")]
    folder = make_dataset(tmp_path / "ws", raw, list(map(row, files)))
    report = find_landmarks(folder, settings())
    assert [bad.id for bad in report.bad] == ["broken", "gone"]
    assert report.videos == 5
    assert report.counts["faceless"] == 1
    assert len(found(folder, "photo").frames[0].faces) == 1
    assert found(folder, "wall").frames[0].faces == ()
    assert json.loads(folder.report("landmarks").read_text())["counts"]["faces"] == 4
    assert sorted(path.name for path in folder.landmarks.iterdir()) == ["one.json", "photo.json", "wall.json"]


def test_two_people_largest_first(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    cast, wall = stage.people(), stage.backdrop(3)
    poses = [stage.Pose(0, 160, 150, 70), stage.Pose(1, 460, 160, 120)]
    frames = [stage.render(cast, wall, poses)] * 12
    video = make_video(tmp_path / "two.mp4", frames)
    folder = make_dataset(tmp_path / "ws", tmp_path, [row(video)])
    find_landmarks(folder, settings())
    for frame in found(folder, "two").frames:
        assert len(frame.faces) == 2
        assert frame.faces[0].box[0] > 320 > frame.faces[1].box[2]


def test_exactly_so_many_frames(tmp_path: Path, raw: Path) -> None:
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "one.mp4")])
    assert find_landmarks(folder, settings(landmarks__frames=7)).counts["frames"] == 7
    assert found(folder, "one").count == 7
    assert [frame.frame for frame in found(folder, "one").frames] == list(range(7))


def test_either_option_switches_the_other_off() -> None:
    assert frame_options(None, 5) == {"landmarks.every": None, "landmarks.frames": 5}
    assert frame_options(3, None) == {"landmarks.every": 3, "landmarks.frames": 0}
    assert load_profile(options=frame_options(None, None)).landmarks.every == 10
    with pytest.raises(UsageError, match="exclude each other"):
        frame_options(3, 5)


def test_what_is_done_is_left_alone_until_something_changes(tmp_path: Path, raw: Path) -> None:
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "one.mp4"), row(raw / "photo.png")])
    first = find_landmarks(folder, settings())
    before = {path.name: path.stat().st_mtime_ns for path in folder.landmarks.iterdir()}
    content = tree(folder.path)

    again = find_landmarks(folder, settings())
    assert again.to_json() == first.to_json()
    assert {path.name: path.stat().st_mtime_ns for path in folder.landmarks.iterdir()} == before

    for change in ({"detector__min_face": 30}, {"landmarks__every": 5}):
        find_landmarks(folder, settings(**change))
        assert tree(folder.landmarks).keys() == {"one.json", "photo.json"}
        assert tree(folder.landmarks)["one.json"] != content["landmarks/one.json"]
    find_landmarks(folder, settings())
    assert tree(folder.path) == content

    shutil.copy(raw / "photo.png", raw / "one.mp4")  # now another file under the same name
    assert find_landmarks(folder, settings()).counts["frames"] == 2


def test_a_damaged_result_is_made_anew(tmp_path: Path, raw: Path) -> None:
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "photo.png")])
    find_landmarks(folder, settings())
    content = tree(folder.path)
    (folder.landmarks / "photo.json").write_text('{"settings": ')
    find_landmarks(folder, settings())
    assert tree(folder.path) == content


def test_an_augmented_video_takes_the_place_of_the_raw_one(
    tmp_path: Path, raw: Path, make_video: Callable[..., Path]
) -> None:
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "one.mp4")])
    find_landmarks(folder, settings())
    folder.augmented.mkdir()
    make_video(folder.augmented / "one.mp4", [np.full((64, 80, 3), 50, np.uint8)] * 4)
    assert find_landmarks(folder, settings()).counts["faceless"] == 1
    assert found(folder, "one").width == 80


def test_fakes_that_name_their_original_can_be_spared(tmp_path: Path, raw: Path) -> None:
    rows = [
        row(raw / "one.mp4"),
        *(row(raw / name, original) for name, original in (("photo.png", "one"), ("wall.png", ""))),
    ]
    folder = make_dataset(tmp_path / "ws", raw, rows)
    assert find_landmarks(folder, settings(landmarks__fakes=False)).videos == 2
    assert tree(folder.landmarks).keys() == {"one.json", "wall.json"}


def test_a_cut_off_video_is_noted(tmp_path: Path, make_video: Callable[..., Path], pan: Callable) -> None:
    whole = make_video(tmp_path / "whole.mkv", pan(50), options={"g": "5"})
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    folder = make_dataset(tmp_path / "ws", tmp_path, [row(tmp_path / "half.mkv")])
    report = find_landmarks(folder, settings())
    assert report.counts["noted"] == 1
    assert 0 < report.counts["frames"] < 5
    assert found(folder, "half").notes


def test_an_index_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"index\.csv is missing") as failure:
        find_landmarks(DatasetFolder(tmp_path / "none"), settings())
    assert "dfdetect data index none" in failure.value.hint
