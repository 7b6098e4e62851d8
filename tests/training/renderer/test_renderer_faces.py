"""The faces of a renderer: real ones alone, and maps of normals that stay in step with them."""

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
    faces = FacesToJudge([Source(table)], most=0, size=64, margin=1.0, seed=0)
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
        FacesToJudge([Source(table)], most=0, size=32, margin=1.0, seed=0)
    table.write_text(text.replace(",real,", ",fake,"))
    with pytest.raises(DataError, match="no real face in the split 'train'"):
        RealFaces([Source(table)], faces=2, size=32, margin=1.0, seed=0)
    table.with_suffix(".normals.npy").write_bytes(b"nothing")
    with pytest.raises(DataError, match="are damaged"):
        find_normals(table)
