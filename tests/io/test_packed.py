"""Decoded pictures in one file: the same pixels, made anew when a picture changes."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from deepfake_cli.errors import DataError
from deepfake_cli.io.face_table import read_picture
from deepfake_cli.io.packed import find_packed, has_room, pack_pictures
from deepfake_cli.io.png import encode_png


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    found = []
    for number, (height, width) in enumerate([(8, 5), (1, 1), (30, 40)]):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode_png(rng.integers(0, 256, (height, width, 3), np.uint8)))
        found.append(path)
    return found


def test_pictures_come_back_as_they_were(paths: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "faces.pixels"
    assert find_packed(file, paths) is None
    packed = pack_pictures(file, paths, read_picture)
    again = find_packed(file, paths)
    assert again is not None
    for each in (packed, again, pickle.loads(pickle.dumps(packed))):
        for path in paths:
            assert np.array_equal(each.read(path), read_picture(path))
    with pytest.raises(ValueError, match="read-only"):
        packed.read(paths[0])[0, 0, 0] = 1


def test_a_changed_picture_is_noticed(paths: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "faces.pixels"
    pack_pictures(file, paths, read_picture)
    assert find_packed(file, paths[:2]) is None
    paths[1].write_bytes(encode_png(np.full((2, 2, 3), 7, np.uint8)))
    assert find_packed(file, paths) is None
    pack_pictures(file, paths, read_picture)
    assert find_packed(file, paths) is not None
    file.write_bytes(file.read_bytes()[:-1])
    assert find_packed(file, paths) is None


def test_a_picture_that_cannot_be_decoded_leaves_nothing_behind(paths: list[Path], tmp_path: Path) -> None:
    paths[2].write_bytes(b"no picture")
    file = tmp_path / "packed" / "faces.pixels"
    file.parent.mkdir()
    with pytest.raises(DataError, match="cannot read the picture"):
        pack_pictures(file, paths, read_picture)
    assert list(file.parent.iterdir()) == []


def test_room_is_asked_for_before_it_is_used(tmp_path: Path) -> None:
    assert has_room(tmp_path / "faces.pixels", 10)
    assert not has_room(tmp_path / "faces.pixels", 1 << 60)
    assert not has_room(tmp_path / "missing" / "faces.pixels", 10)
