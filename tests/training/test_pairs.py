"""Pairs to learn from: drawn reproducibly, treated alike."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepfake_cli.errors import DataError
from deepfake_cli.settings import ClassifierSettings
from deepfake_cli.training.pairs import FacePairs, FacesOnce
from deepfake_cli.training.tables import Source, read_faces


def make_pairs(table: Path, labelled: float = 0.5, seed: int = 1) -> FacePairs:
    return FacePairs([Source(table)], pairs=8, labelled=labelled, size=64, margin=1.0, seed=seed)


def test_a_pair_is_a_real_face_and_a_fake_one(faces_table: Path) -> None:
    faces, labels = make_pairs(faces_table)[0]
    assert faces.shape == (2, 64, 64, 3)
    assert faces.dtype == torch.uint8
    assert labels.tolist() == [0, 1]
    assert not torch.equal(faces[0], faces[1])


def test_an_item_depends_on_seed_epoch_and_index_alone(faces_table: Path) -> None:
    one, other = make_pairs(faces_table), make_pairs(faces_table)
    other[3]  # what was drawn before does not count
    assert torch.equal(one[5][0], other[5][0])
    one.epoch = 1
    assert not torch.equal(one[5][0], other[5][0])
    assert not torch.equal(make_pairs(faces_table, seed=2)[5][0], other[5][0])


def test_a_self_blended_pair_differs_little(faces_table: Path) -> None:
    """Both halves are one face, cut and damaged alike: most of the picture is the same."""
    pairs = make_pairs(faces_table, labelled=0)
    differences = [np.abs(pairs[i][0][0].numpy().astype(int) - pairs[i][0][1].numpy()) for i in range(8)]
    assert np.median([np.median(d) for d in differences]) <= 4


def test_judged_faces_are_cut_as_scan_cuts_them(faces_table: Path, tiny: ClassifierSettings) -> None:
    from deepfake_cli.core.faces import cut_face
    from deepfake_cli.io.images import read_image

    row = read_faces(faces_table, ["report"])[0]
    trained = FacesOnce([row], tiny.size, tiny.margin)[0]
    assert np.array_equal(trained, cut_face(read_image(row.path), row.box, tiny.size, tiny.margin))


def test_only_the_training_split_is_learned_from(faces_table: Path, tmp_path: Path) -> None:
    text = faces_table.read_text().replace(",train,", ",report,")
    (faces_table.parent / "none.csv").write_text(text)
    with pytest.raises(DataError, match="no training pair"):
        make_pairs(faces_table.parent / "none.csv")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("box,", "cage,", "lacks the columns box"),
        ("10 0 125 140", "10 0 125", "make no sense"),
        (",real,", ",genuine,", "make no sense"),
    ],
)
def test_a_wrong_table_is_told(before: str, after: str, complaint: str, faces_table: Path) -> None:
    wrong = faces_table.parent / "wrong.csv"
    wrong.write_text(faces_table.read_text().replace(before, after, 1))
    with pytest.raises(DataError, match=complaint):
        read_faces(wrong, ["train", "choose", "report"])


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_faces(tmp_path / "none.csv", ["train"])
