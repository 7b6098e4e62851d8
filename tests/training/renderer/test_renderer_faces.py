"""The faces of a renderer: real ones alone, and maps of normals that stay in step with them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from deepfake_cli.errors import DataError
from deepfake_cli.training.renderer.faces import FacesToJudge, RealFaces
from deepfake_cli.training.renderer.geometry import (
    decode_normals,
    encode_normals,
    find_normals,
    mirror_map,
    write_normals,
)
from deepfake_cli.training.tables import Source

HEAD = "image,box,points,label,video,original,method,compression,split,pair"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Four real faces and a fake, 64 pixels wide; the maps are the pictures themselves."""
    rng = np.random.default_rng(0)
    lines, maps, names = [HEAD], [], []
    for number, (label, split) in enumerate(
        (("real", "train"),) * 3 + (("real", "choose"), ("fake", "train"))
    ):
        picture = cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (64, 64))
        picture[32, 32, 2] = 255  # a normal that is known, in every map
        name = f"{number}.png"
        cv2.imwrite(str(tmp_path / name), picture[..., ::-1])
        lines.append(f"{name},0 0 64 64,,{label},{number},{number},,,{split},")
        if label == "real":
            maps.append(picture)
            names.append(name)
    file = tmp_path / "faces.csv"
    file.write_text("\n".join(lines) + "\n")
    write_normals(file, names, maps, size=64, margin=1.0)
    return file


def test_normals_survive_their_code() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(8, 8, 3))
    normals[..., 2] = np.abs(normals[..., 2]) + 0.5
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    known = rng.random((8, 8)) < 0.7
    coded = encode_normals(normals, known)
    found, where = decode_normals(torch.from_numpy(np.stack((coded, mirror_map(coded)))))
    assert (where[0, 0].numpy() == known).all()
    cosine = (found[0].numpy().transpose(1, 2, 0) * normals).sum(2)
    assert cosine[known].min() > np.cos(np.deg2rad(1.5))
    turned = normals[:, ::-1] * (-1, 1, 1)
    cosine = (found[1].numpy().transpose(1, 2, 0) * turned).sum(2)
    assert cosine[known[:, ::-1]].min() > np.cos(np.deg2rad(1.5))


def test_maps_are_cut_and_mirrored_with_their_faces(table: Path) -> None:
    faces = RealFaces([Source(table)], faces=40, size=32, margin=1.0, seed=0)
    assert (len(faces), faces.taught) == (20, 3)
    mirrored = 0
    for pictures, maps in (faces[i] for i in range(20)):
        assert torch.equal(pictures[..., 1:], maps[..., 1:])
        for picture, coded in zip(pictures, maps, strict=True):
            same, turned = picture[..., 0] == coded[..., 0], picture[..., 0] == 255 - coded[..., 0]
            assert same.all() or turned.all()
            mirrored += bool(turned.all())
    assert 8 < mirrored < 32


def test_faces_depend_on_seed_epoch_and_place_alone(table: Path) -> None:
    one, other = (RealFaces([Source(table)], faces=8, size=32, margin=1.0, seed=3) for _ in range(2))
    assert torch.equal(one[2][0], other[2][0])
    other.epoch = 1
    assert not torch.equal(one[2][0], other[2][0])


def test_faces_to_judge_are_whole(table: Path) -> None:
    faces = FacesToJudge([Source(table)], "choose", most=0, size=64, margin=1.0, seed=0)
    ((picture, coded),) = (faces[i] for i in range(len(faces)))
    assert (picture == coded).all()
    assert (picture == cv2.imread(str(table.parent / "3.png"))[..., ::-1]).all()


def test_without_maps_nothing_is_known(faces_table: Path) -> None:
    assert find_normals(faces_table) is None
    faces = RealFaces([Source(faces_table)], faces=2, size=32, margin=1.0, seed=0)
    assert faces.taught == 0
    assert decode_normals(faces[0][1])[1].sum() == 0


def test_what_cannot_be_used_is_told(table: Path) -> None:
    with pytest.raises(DataError, match=r"show less than renderer\.margin 1\.3"):
        RealFaces([Source(table)], faces=2, size=32, margin=1.3, seed=0)
    text = table.read_text()
    table.write_text(text.replace(",choose,", ",report,"))
    with pytest.raises(DataError, match="'choose' of the tables needs real faces"):
        FacesToJudge([Source(table)], "choose", most=0, size=32, margin=1.0, seed=0)
    table.write_text(text.replace(",real,", ",fake,"))
    with pytest.raises(DataError, match="no real face in the split 'train'"):
        RealFaces([Source(table)], faces=2, size=32, margin=1.0, seed=0)


def npy(header: str) -> bytes:
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + bytes(100)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing",
        b"PK\3\4" + bytes(30),
        npy(""),
        npy("{'descr': (1,), 'fortran_order': False, 'shape': (4,)}"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4, 64, 64, 3)}"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (" + "9" * 30 + ",)}"),
        npy("{" + 3 * "'"),
        npy("(" * 5000),
    ],
)
def test_damaged_maps_are_told(table: Path, data: bytes) -> None:
    table.with_suffix(".normals.npy").write_bytes(data)
    with pytest.raises(DataError, match="are damaged"):
        find_normals(table)


@pytest.mark.parametrize(
    "notes",
    [
        "",
        "[]",
        "3",
        "[" * 100_000,
        '{"images": 3, "margin": 1}',
        '{"images": [1], "margin": 1}',
        '{"images": ["0.png"]}',
        '{"images": ["0.png"], "margin": "wide"}',
    ],
)
def test_damaged_notes_are_told(table: Path, notes: str) -> None:
    table.with_suffix(".normals.json").write_text(notes)
    with pytest.raises(DataError, match="are damaged"):
        find_normals(table)


@pytest.mark.parametrize(
    ("shape", "kind", "margin", "words"),
    [
        ((4, 8, 8, 3), np.float32, 1.0, "is not as"),
        ((4, 8, 8), np.uint8, 1.0, "is not as"),
        ((4, 8, 9, 3), np.uint8, 1.0, "is not as"),
        ((4, 8, 8, 4), np.uint8, 1.0, "is not as"),
        ((4, 8, 8, 3), np.uint8, 0.0, "is not as"),
        ((4, 8, 8, 3), np.uint8, float("nan"), "is not as"),
        ((5, 8, 8, 3), np.uint8, 1.0, "has 5 maps"),
    ],
)
def test_maps_of_another_kind_are_told(
    table: Path, shape: tuple[int, ...], kind: type[np.generic], margin: float, words: str
) -> None:
    np.save(table.with_suffix(".normals.npy"), np.zeros(shape, kind))
    notes = table.with_suffix(".normals.json")
    notes.write_text(json.dumps(json.loads(notes.read_text()) | {"margin": margin}))
    with pytest.raises(DataError, match=words):
        find_normals(table)


def test_only_maps_with_known_normals_count(table: Path) -> None:
    maps = np.zeros((4, 64, 64, 3), np.uint8)
    maps[0, ..., 2], maps[1, 5, 7, 2], maps[3] = 249, 250, 255  # the last is of the split choose
    write_normals(table, [f"{number}.png" for number in range(4)], maps, size=64, margin=1.0)
    assert RealFaces([Source(table)], faces=2, size=32, margin=1.0, seed=0).taught == 1
