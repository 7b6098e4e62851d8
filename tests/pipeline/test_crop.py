"""Cutting the faces of a data set: real videos and their fakes, real processes, killed ones too."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from workspaces import make_dataset, row, tree

from deepfake_cli.errors import DataError, OutputError
from deepfake_cli.io.crops import Crops, read_crops
from deepfake_cli.io.landmarks import read_landmarks
from deepfake_cli.io.video import read_frames
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.crop import crop_faces
from deepfake_cli.pipeline.landmarks import find_landmarks
from deepfake_cli.pipeline.media import sampling_of
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

LOSSLESS = {"qp": "0", "preset": "ultrafast"}
MOUTH = slice(112, 132), slice(140, 180)  # rows and columns in the frames of `pan`


def settings(**more: object) -> Profile:
    """One job, and any key with two underscores for the point."""
    return load_profile(options={"data.jobs": 1, **{k.replace("__", "."): v for k, v in more.items()}})


def forged(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Change the lower half of the face."""
    changed = [frame.copy() for frame in frames]
    for frame in changed:
        frame[MOUTH] = frame[MOUTH][:, ::-1]
    return changed


def both(folder: DatasetFolder, profile: Profile) -> dict[str, int]:
    """Find and cut; return what cutting counts."""
    find_landmarks(folder, profile)
    return dict(crop_faces(folder, profile).counts)


def picture(folder: DatasetFolder, id: str, file: str) -> np.ndarray:
    image = cv2.imread(str(folder.crops / id / file))
    assert image is not None
    return image


def crops(folder: DatasetFolder, id: str) -> Crops:
    return read_crops(folder.crops / id)


@pytest.fixture
def raw(tmp_path: Path, make_video: Callable[..., Path], pan: Callable[..., list[np.ndarray]]) -> Path:
    """A real video and its fake, to the pixel the same around the face."""
    root = tmp_path / "raw"
    root.mkdir()
    frames = pan(32)
    make_video(root / "real.mp4", frames, options=LOSSLESS)
    make_video(root / "fake.mp4", forged(frames), options=LOSSLESS)
    return root


@pytest.fixture
def pair(tmp_path: Path, raw: Path) -> DatasetFolder:
    rows = [row(raw / "fake.mp4", "real"), row(raw / "real.mp4")]
    return make_dataset(tmp_path / "ws", raw, rows)


def test_a_fake_is_cut_like_its_original(pair: DatasetFolder) -> None:
    assert both(pair, settings()) == {"faces": 8, "paired": 4, "unmatched": 0, "faceless": 0}
    real, fake = crops(pair, "real"), crops(pair, "fake")
    assert (real.boxes_from, fake.boxes_from) == ("real", "real")
    assert real.faces == fake.faces
    assert [face.file for face in real.faces] == [f"{i:05}_0.png" for i in range(4)]
    for face in real.faces:
        one, two = picture(pair, "real", face.file), picture(pair, "fake", face.file)
        differs = np.flatnonzero((one != two).any(axis=(1, 2)))
        assert one.shape == two.shape
        assert 10 <= len(differs) <= 24  # the rows of the mouth, and no other: aligned to the pixel
        assert np.array_equal(one[: differs[0]], two[: differs[0]])


def test_pictures_are_the_pixels_of_the_frame_and_boxes_lie_in_them(pair: DatasetFolder, raw: Path) -> None:
    both(pair, settings())
    stored = read_landmarks(pair.landmarks / "real.json")
    with read_frames(raw / "real.mp4", sampling_of(10, 0), threads=1, seek_beyond=0.2) as frames:
        for frame, found, crop in zip(frames, stored.frames, crops(pair, "real").faces, strict=True):
            box = np.array(found.faces[0].box)
            left, top = np.rint(box[:2] - crop.box[:2]).astype(int)
            image = picture(pair, "real", crop.file)[..., ::-1]
            height, width = image.shape[:2]
            assert np.array_equal(image, frame.image[top : top + height, left : left + width])
            assert width == pytest.approx(1.2 * (box[2] - box[0]), abs=1)
            assert height == pytest.approx(1.2 * (box[3] - box[1]), abs=1)
            assert np.allclose(
                np.array(crop.points).reshape(5, 2) + (left, top), found.faces[0].points, atol=0.02
            )
            assert (crop.time, crop.probability) == (found.time, found.faces[0].probability)


def test_a_fake_of_another_size_has_its_boxes_scaled(
    tmp_path: Path, raw: Path, make_video: Callable[..., Path], pan: Callable[..., list[np.ndarray]]
) -> None:
    smaller = [cv2.resize(frame, (240, 180), interpolation=cv2.INTER_AREA) for frame in pan(32)]
    make_video(raw / "fake.mp4", smaller, options=LOSSLESS)
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "real.mp4"), row(raw / "fake.mp4", "real")])
    both(folder, settings())
    for one, two in zip(crops(folder, "real").faces, crops(folder, "fake").faces, strict=True):
        large, small = picture(folder, "real", one.file), picture(folder, "fake", two.file)
        assert np.allclose(np.array(small.shape[:2]) * 4 / 3, large.shape[:2], atol=2)
        again = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.corrcoef(again.ravel(), small.ravel())[0, 1] > 0.98


def test_moments_that_a_fake_lacks_are_counted(
    tmp_path: Path, raw: Path, make_video: Callable[..., Path], pan: Callable[..., list[np.ndarray]]
) -> None:
    frames = pan(32)
    make_video(raw / "short.mp4", frames[:15], options=LOSSLESS)
    late = [i * 0.04 + (0.5 if i >= 20 else 0) for i in range(32)]
    make_video(raw / "late.mp4", frames, options=LOSSLESS, times=late)
    near = [i * 0.04 + (0.013 if i else 0) for i in range(32)]
    make_video(raw / "near.mp4", frames, options=LOSSLESS, times=near)
    names = ("short", "late", "near")
    rows = [row(raw / "real.mp4"), *(row(raw / f"{name}.mp4", "real") for name in names)]
    folder = make_dataset(tmp_path / "ws", raw, rows)
    assert both(folder, settings())["unmatched"] == 4
    assert [crops(folder, name).unmatched for name in names] == [2, 2, 0]
    assert [[face.frame for face in crops(folder, name).faces] for name in names] == [
        [0, 1],
        [0, 1],
        [0, 1, 2, 3],
    ]


def test_a_fake_without_its_original_is_cut_by_its_own_boxes(tmp_path: Path, raw: Path) -> None:
    rows = [row(raw / "fake.mp4", "elsewhere")]
    folder = make_dataset(tmp_path / "ws", raw, rows)
    counts = both(folder, settings())
    assert counts["paired"] == 0
    assert crops(folder, "fake").boxes_from == "fake"
    assert len(crops(folder, "fake").faces) == counts["faces"] > 0


def test_how_faces_are_cut_can_be_chosen(tmp_path: Path, raw: Path, portrait: np.ndarray) -> None:
    wide = np.zeros((512, 800, 3), np.uint8)
    wide[:, :512] = portrait
    wide[100:356, 540:796] = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(raw / "two.png"), wide[..., ::-1])
    folder = make_dataset(tmp_path / "ws", raw, [row(raw / "two.png")])
    assert both(folder, settings())["faces"] == 2
    assert [face.face for face in crops(folder, "two").faces] == [0, 1]
    first = tree(folder.crops)

    assert crop_faces(folder, settings(crop__faces="largest")).counts["faces"] == 1
    assert tree(folder.crops).keys() == {"two/00000_0.png", "two/crops.json"}

    crop_faces(folder, settings(crop__format="jpeg", crop__size=64, crop__margin=0.0))
    for face in crops(folder, "two").faces:
        assert face.file.endswith(".jpg")
        assert max(picture(folder, "two", face.file).shape) == 64
        assert max(face.box) == pytest.approx(64, abs=2)

    crop_faces(folder, settings(crop__align=True, crop__size=100))
    for face in crops(folder, "two").faces:
        assert picture(folder, "two", face.file).shape == (100, 100, 3)
        eyes = np.array(face.points).reshape(5, 2)[:2]
        assert abs(eyes[0, 1] - eyes[1, 1]) < 4

    crop_faces(folder, settings())
    assert tree(folder.crops) == first


def test_new_landmarks_mean_new_crops(pair: DatasetFolder) -> None:
    both(pair, settings())
    first = tree(pair.path)
    find_landmarks(pair, settings(landmarks__frames=3))
    crop_faces(pair, settings())  # cuts by what was found, whatever the profile says of sampling
    assert {id: len(crops(pair, id).faces) for id in ("real", "fake")} == {"real": 3, "fake": 3}
    both(pair, settings())
    assert tree(pair.path) == first


def test_what_is_done_is_left_alone(pair: DatasetFolder) -> None:
    both(pair, settings())
    first = crop_faces(pair, settings())
    before = {path: path.stat().st_mtime_ns for path in pair.crops.rglob("*")}
    assert crop_faces(pair, settings()).to_json() == first.to_json()
    assert {path: path.stat().st_mtime_ns for path in pair.crops.rglob("*")} == before


@pytest.mark.parametrize("fakes", [True, False])
def test_cutting_while_seeking_makes_the_same(pair: DatasetFolder, tmp_path: Path, fakes: bool) -> None:
    both(pair, settings())
    first = tree(pair.crops)
    shutil.rmtree(pair.crops)
    shutil.rmtree(pair.landmarks)
    profile = settings(landmarks__fakes=fakes)
    find_landmarks(pair, profile, crops=True)
    assert {path.name for path in pair.crops.iterdir()} == {"real"}
    crop_faces(pair, profile)
    assert tree(pair.crops) == first
    shutil.rmtree(pair.crops)
    find_landmarks(pair, profile, crops=True)  # landmarks are there, crops are not
    assert {path.name for path in pair.crops.iterdir()} == {"real"}


def test_a_bad_video_costs_only_itself(tmp_path: Path, raw: Path) -> None:
    (raw / "broken.mp4").write_bytes((raw / "real.mp4").read_bytes()[:600])
    (raw / "twin.mp4").write_bytes(b"nothing")
    cv2.imwrite(str(raw / "wall.png"), np.full((90, 90, 3), 80, np.uint8))
    rows = [row(raw / f"{name}.mp4") for name in ("broken", "real", "gone")]
    rows += [row(raw / "twin.mp4", "real"), row(raw / "fake.mp4", "broken"), row(raw / "wall.png")]
    folder = make_dataset(tmp_path / "ws", raw, rows)
    find_landmarks(folder, settings())
    report = crop_faces(folder, settings())
    assert [bad.id for bad in report.bad] == ["broken", "gone", "twin"]
    assert report.bad[0].reason == "no faces were sought in it"
    assert report.counts["faceless"] == 1
    assert crops(folder, "wall").faces == ()
    assert crops(folder, "fake").boxes_from == "fake"
    assert {path.name for path in folder.crops.iterdir()} == {"real", "fake", "wall"}


def test_landmarks_are_needed(pair: DatasetFolder) -> None:
    with pytest.raises(DataError, match="landmarks is missing") as failure:
        crop_faces(pair, settings())
    assert "dfdetect data landmarks small" in failure.value.hint


def test_a_place_that_takes_no_pictures_ends_the_stage(pair: DatasetFolder) -> None:
    find_landmarks(pair, settings())
    pair.crops.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot make"):
        crop_faces(pair, settings())


@pytest.mark.slow
def test_killed_at_any_moment_and_begun_again_the_tree_is_the_same(tmp_path: Path, raw: Path) -> None:
    names = [f"{kind}{i}.mp4" for i in range(3) for kind in ("real", "fake")]
    for name in names:
        shutil.copy(raw / f"{name[:4]}.mp4", raw / name)
    rows = [row(raw / name, f"real{name[4]}" if name.startswith("fake") else None) for name in names]
    calm = make_dataset(tmp_path / "calm", raw, rows)
    rough = make_dataset(tmp_path / "rough", raw, rows)
    both(calm, settings())
    rng = random.Random(0)
    for stage, more in (("landmarks", ["--crops"]), ("crop", [])):
        for _ in range(2):
            kill_after(rng.randint(0, 3), rough, stage, more)
        command = [
            sys.executable,
            "-m",
            "deepfake_cli",
            "data",
            stage,
            "small",
            "-w",
            str(tmp_path / "rough"),
        ]
        subprocess.run([*command, *more, "-j", "2"], check=True, capture_output=True, timeout=60)
    assert tree(rough.path) == tree(calm.path)


def kill_after(count: int, folder: DatasetFolder, stage: str, more: list[str]) -> None:
    """Start a stage, and kill it once it has made so many files more, or is done."""
    shutil.rmtree(folder.crops if stage == "crop" else folder.landmarks, ignore_errors=True)
    before = count_below(folder.path)
    command = [sys.executable, "-m", "deepfake_cli", "data", stage, "small", "-w", str(folder.path.parent)]
    process = subprocess.Popen(
        [*command, *more, "-j", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while process.poll() is None and count_below(folder.path) <= before + count:
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()


def count_below(folder: Path) -> int:
    """Count files and folders; parts that are renamed meanwhile make rglob fail, and walk not."""
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))
