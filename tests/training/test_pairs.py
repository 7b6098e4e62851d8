"""Pairs to learn from: drawn reproducibly, treated alike."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from recipes import make_pairs, make_pools, tiny_recipe

from deepfake_cli.errors import DataError
from deepfake_cli.settings import Profile
from deepfake_cli.training.faces_once import FacesOnce, faces_to_choose_by
from deepfake_cli.training.pairs import FacePairs
from deepfake_cli.training.tables import Source, read_faces

REALS_ONLY = {"fakes.labelled": 0}


def edited(table: Path, name: str, edit: Callable[[dict[str, str]], dict[str, str] | None]) -> Path:
    """Write a table beside another, its rows changed or left out."""
    with table.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in map(edit, reader) if row is not None]
        columns = list(reader.fieldnames or ())
    target = table.with_name(name)
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*columns, "weight"], restval="")
        writer.writeheader()
        writer.writerows(rows)
    return target


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
    pairs = make_pairs(faces_table, **REALS_ONLY)
    differences = [np.abs(pairs[i][0][0].numpy().astype(int) - pairs[i][0][1].numpy()) for i in range(8)]
    assert np.median([np.median(d) for d in differences]) <= 4


@pytest.mark.parametrize("kind", ["self_blend", "warp_rectangle", "warp_hull"])
def test_fakes_are_made_of_the_kind_that_the_recipe_names(kind: str, faces_table: Path) -> None:
    weights = {f"fakes.{name}": 0 for name in ("labelled", "self_blend", "warp_rectangle", "warp_hull")}
    pairs = make_pairs(faces_table, treatment="none", **{**weights, f"fakes.{kind}": 1})
    real, fake = pairs[0][0].numpy().astype(int)
    assert 0 < np.abs(real - fake).mean() < 40  # one face, changed


def test_forged_faces_stand_beside_others_where_the_recipe_says_so(faces_table: Path) -> None:
    beside, apart = (
        make_pairs(faces_table, treatment="none", **REALS_ONLY, **{"fakes.forged_beside": share})
        for share in (1, 0)
    )

    def difference(pairs: FacePairs) -> float:
        return float(
            np.mean([np.abs(np.diff(pairs[i][0].numpy().astype(int), axis=0)).mean() for i in range(8)])
        )

    assert difference(apart) > 2 * difference(beside)


def test_without_balanced_labels_fakes_are_as_frequent_as_in_the_table(faces_table: Path) -> None:
    few = edited(
        faces_table,
        "few.csv",
        lambda row: row if row["label"] == "real" or row["image"][-9] in "01" else None,
    )
    pairs = make_pairs(few, balance=["video"], pairs=150, **{"fakes.self_blend": 0})
    share = np.mean([pairs[i][1].mean() for i in range(150)])
    assert share == pytest.approx(2 / 12, abs=0.07)


def test_faces_are_drawn_by_weight_where_videos_are_not_drawn_evenly(faces_table: Path) -> None:
    def heavier(row: dict[str, str]) -> dict[str, str]:
        return {**row, "weight": "9" if row["image"].endswith("train3real.png") else "0.125"}

    heavy = edited(faces_table, "heavy.csv", heavier)
    recipe = tiny_recipe(balance=["label"], **{"fakes.labelled": 1, "fakes.self_blend": 0, "fakes.beside": 0})
    pools, rng = make_pools(recipe, heavy), np.random.default_rng(0)
    drawn = Counter(pools.draw(rng).real.tobytes() for _ in range(60))
    assert max(drawn.values()) > 40


def test_a_rare_method_is_drawn_as_often_as_a_frequent_one(faces_table: Path) -> None:
    def rename(row: dict[str, str]) -> dict[str, str]:
        return {**row, "method": "rare"} if row["image"].endswith("train3fake.png") else row

    recipe = tiny_recipe(**{"fakes.self_blend": 0, "fakes.labelled": 1})
    rare = make_pools(recipe, edited(faces_table, "rare.csv", rename))
    rng = np.random.default_rng(0)
    drawn = Counter(rare.draw(rng).fake.tobytes() for _ in range(100))
    assert max(drawn.values()) == pytest.approx(50, abs=15)


def test_a_share_of_the_originals_is_learned_from(faces_table: Path) -> None:
    fakes = [make_pools(tiny_recipe(sample=share), faces_table).fakes for share in (1.0, 0.5)]
    assert fakes[0] == 10
    assert 1 <= fakes[1] < 10


def test_an_epoch_may_be_as_long_as_there_are_fakes(faces_table: Path) -> None:
    assert len(make_pairs(faces_table, pairs=0)) == 10


def test_real_faces_stand_in_where_there_are_no_labelled_fakes(faces_table: Path) -> None:
    reals = edited(faces_table, "reals.csv", lambda row: row if row["label"] == "real" else None)
    recipe = tiny_recipe(**{"fakes.labelled": 1, "fakes.self_blend": 0})
    pools = make_pools(recipe, reals)
    assert pools.substituted == [reals]
    assert pools.examples == 10
    chosen = faces_to_choose_by([Source(reals)], recipe)
    assert chosen.labels.tolist() == [0] * 10 + [1] * 10
    assert not np.array_equal(chosen[0], chosen[10])
    assert np.array_equal(chosen[10], faces_to_choose_by([Source(reals)], recipe)[10])


def test_judged_faces_are_cut_as_scan_cuts_them(faces_table: Path, recipe: Profile) -> None:
    from deepfake_cli.core.faces import cut_face
    from deepfake_cli.io.images import read_image

    row, settings = read_faces(faces_table, ["report"])[0], recipe.classifier
    trained = FacesOnce([row], recipe)[0]
    assert np.array_equal(trained, cut_face(read_image(row.path), row.box, settings.size, settings.margin))


def test_only_the_training_split_is_learned_from(faces_table: Path) -> None:
    none = edited(
        faces_table, "none.csv", lambda row: {**row, "split": row["split"].replace("train", "report")}
    )
    with pytest.raises(DataError, match="no training pair"):
        make_pairs(none)


def test_missing_pictures_are_told_before_anything_is_learned(faces_table: Path) -> None:
    def lose(row: dict[str, str]) -> dict[str, str]:
        return {**row, "image": row["image"].replace("train4fake", "gone")}

    with pytest.raises(DataError, match=r"1 of 20 pictures that are not there: .*gone\.png"):
        make_pairs(edited(faces_table, "gone.csv", lose))


@pytest.mark.parametrize(
    ("column", "what"), [("image", "1 pictures both real and fake"), ("video", "1 videos both real and fake")]
)
def test_labels_that_contradict_each_other_are_told(column: str, what: str, faces_table: Path) -> None:
    def contradict(row: dict[str, str]) -> dict[str, str]:
        return {**row, column: row[column].replace("train2fake", "train2real"), "pair": ""}

    with pytest.raises(DataError, match=what):
        make_pairs(edited(faces_table, "both.csv", contradict))


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
