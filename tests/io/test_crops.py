"""The files that say where faces are: they come back as they were written, and nonsense is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.errors import DataError
from deepfake_cli.io.crops import Crop, Crops, read_crops, write_crops
from deepfake_cli.io.landmarks import FrameFaces, Landmarks, read_landmarks, rounded, write_landmarks

places = st.floats(-1e4, 1e4)
faces = st.builds(
    rounded,
    st.lists(places, min_size=4, max_size=4),
    st.lists(st.tuples(places, places), min_size=5, max_size=5),
    st.floats(0, 1),
)


@given(st.lists(st.lists(faces, max_size=3), max_size=4), st.lists(st.text(), max_size=2))
def test_landmarks_come_back(tmp_path_factory: pytest.TempPathFactory, found: list, notes: list[str]) -> None:
    frames = tuple(FrameFaces(i, i * 0.04, tuple(some)) for i, some in enumerate(found))
    landmarks = Landmarks("abc", 640, 360, frames, 10, 0, tuple(notes))
    path = tmp_path_factory.mktemp("landmarks") / "a.json"
    write_landmarks(path, landmarks)
    assert read_landmarks(path) == landmarks
    assert landmarks.faces == sum(map(len, found))


def test_crops_come_back(tmp_path: Path) -> None:
    one = Crop("00003_0.png", 3, 0, 0.12, (1.5, 2.0, 33.25, 40.0), tuple(map(float, range(10))), 0.9876)
    two = Crop("00003_1.png", 3, 1, 0.12, (0.0, 0.0, 9.0, 9.0), (), 0.9)
    crops = Crops("abc", "other", (one, two), 4)
    write_crops(tmp_path, crops)
    assert read_crops(tmp_path) == crops


@pytest.mark.parametrize(
    "change",
    [
        {"faces": 3},
        {"faces": [{"file": "a.png"}]},
        {"faces": [None]},
        {"settings": "x", "faces": [{"box": [1, 2, 3]}]},
        {"unmatched": "many"},
        {"unmatched": None},
    ],
)
def test_nonsense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_crops(tmp_path, Crops("abc", "other", ()))
    path = tmp_path / "crops.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match="damaged"):
        read_crops(tmp_path)


def test_a_crop_lies_in_its_folder(tmp_path: Path) -> None:
    write_crops(tmp_path, Crops("a", "b", (Crop("../x.png", 0, 0, 0.0, (0.0, 0.0, 1.0, 1.0), (), 1.0),)))
    with pytest.raises(DataError, match="damaged"):
        read_crops(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": ', "null", '{"frames": [1]}', "\xff"])
def test_damaged_landmarks_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="damaged"):
        read_landmarks(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read .*a.json"):
        read_landmarks(tmp_path / "a.json")
    with pytest.raises(DataError, match="cannot read .*crops.json"):
        read_crops(tmp_path)
