"""What each data set tells of its files by names, folders and lists."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from deepfake_cli.errors import DataError
from deepfake_cli.pipeline.conventions import Found, convention_of


def plant(root: Path, paths: Iterable[str]) -> Path:
    """Make files with one byte in them."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def read(dataset: str, root: Path, **options: list[str]) -> dict[str, Found]:
    found = list(convention_of(dataset)(root, options))
    assert len({one.path for one in found}) == len(found)
    return {one.path: one for one in found}


def test_dfdc_reads_the_metadata_of_each_part(tmp_path: Path) -> None:
    plant(tmp_path, ["part_0/a.mp4", "part_0/b.mp4", "part_0/extra.mp4", "part_1/c.mp4", "part_0/notes.txt"])
    entry = {"label": "FAKE", "split": "train", "original": "a.mp4"}
    (tmp_path / "part_0/metadata.json").write_text(
        json.dumps(
            {"a.mp4": {"label": "REAL", "split": "train"}, "b.mp4": entry, "gone.mp4": entry, "d.mp4": {}}
        )
    )
    (tmp_path / "part_1/metadata.json").write_text(json.dumps({"c.mp4": {"label": "REAL"}}))
    found = read("dfdc", tmp_path)
    assert found["part_0/a.mp4"] == Found("part_0/a.mp4", "real", official="train")
    assert found["part_0/b.mp4"] == Found("part_0/b.mp4", "fake", "part_0/a.mp4", "dfdc", official="train")
    assert "part_0/gone.mp4" in found  # that it is missing is found out later
    assert "does not mention" in found["part_0/extra.mp4"].problem
    assert "no label" in found["part_0/d.mp4"].problem
    assert len(found) == 6


def test_dfdc_test_folders_are_for_reporting(tmp_path: Path) -> None:
    plant(tmp_path, ["test/a.mp4", "test/b.mp4", "validation/c.mp4"])
    (tmp_path / "test/metadata.json").write_text('{"a.mp4": {"is_fake": 1}, "b.mp4": {"is_fake": 0}}')
    (tmp_path / "validation/labels.csv").write_text("filename,label\nc.mp4,1\n")
    found = read("dfdc", tmp_path)
    assert [(one.label, one.official) for _, one in sorted(found.items())] == [
        ("fake", "report"),
        ("real", "report"),
        ("fake", "choose"),
    ]


def test_damaged_metadata_is_told(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        read("dfdc", tmp_path)
    (tmp_path / "metadata.json").write_text("[1]")
    with pytest.raises(DataError, match="not a table of videos"):
        read("dfdc", tmp_path)


def test_the_dfdc_preview_pairs_by_person_and_scene(tmp_path: Path) -> None:
    listed = {
        "original_videos/11/11_A_001.mp4": {"label": "real", "set": "train", "target_id": 11},
        "original_videos/11/11_B_001.mp4": {"label": "real", "set": "train", "target_id": 11},
        "method_A/11_22/11_22_B_001.mp4": {"label": "fake", "set": "test", "target_id": 11, "swapped_id": 22},
        "method_A/33_22/33_22_B_001.mp4": {
            "label": "fake",
            "set": "train",
            "target_id": 33,
            "swapped_id": 22,
        },
    }
    (tmp_path / "dataset.json").write_text(json.dumps(listed))
    found = list(read("dfdc-preview", tmp_path).values())
    assert [one.original for one in found] == ["", "", "original_videos/11/11_B_001.mp4", ""]
    assert [one.official for one in found] == ["train", "train", "report", "train"]
    assert found[2].method == "method_A"
    assert found[2].identity == "11"


def test_celeb_df_pairs_by_name_and_keeps_the_test_list(tmp_path: Path) -> None:
    plant(
        tmp_path / "Celeb-DF-v2",
        ["Celeb-real/id0_0001.mp4", "Celeb-synthesis/id0_id7_0001.mp4", "Celeb-synthesis/odd.mp4"]
        + ["YouTube-real/00001.mp4", "YouTube-real/00170.mp4"],
    )
    listed = "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id7_0001.mp4\n\n"
    (tmp_path / "Celeb-DF-v2/List_of_testing_videos.txt").write_text(listed)
    found = read("celeb-df-v2", tmp_path)
    real = found["Celeb-DF-v2/Celeb-real/id0_0001.mp4"]
    fake = found["Celeb-DF-v2/Celeb-synthesis/id0_id7_0001.mp4"]
    assert (real.label, real.identity, real.official) == ("real", "id0", "train")
    assert (fake.label, fake.identity, fake.official, fake.original) == ("fake", "id0", "report", real.path)
    assert found["Celeb-DF-v2/YouTube-real/00170.mp4"].official == "report"
    assert found["Celeb-DF-v2/YouTube-real/00001.mp4"].official == "train"
    assert "idA_idB_N" in found["Celeb-DF-v2/Celeb-synthesis/odd.mp4"].problem


FF = ["original_sequences/youtube/c23/videos/000.mp4", "original_sequences/youtube/c40/videos/003.mp4"]
FF += [
    "original_sequences/actors/c23/videos/01__kitchen.mp4",
    "manipulated_sequences/Face2Face/c40/videos/003_000.mp4",
]
FF += ["manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"]
FF += ["manipulated_sequences/Deepfakes/masks/videos/000_003.mp4"]
FF += ["manipulated_sequences/DeepFakeDetection/c23/videos/01_02__kitchen__ABCD1234.mp4"]


def test_faceforensics_names_are_target_and_source(tmp_path: Path) -> None:
    found = read("faceforensics", plant(tmp_path, FF))
    assert len(found) == 6  # masks are none
    fake = found["manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"]
    assert fake == Found(fake.path, "fake", FF[0], "Deepfakes", "000", "c23", "", "003")
    scene = found["manipulated_sequences/DeepFakeDetection/c23/videos/01_02__kitchen__ABCD1234.mp4"]
    assert (scene.original, scene.identity) == (FF[2], "actor-01")
    assert found[FF[2]].identity == "actor-01"
    assert found[FF[0]].identity == "000"


@pytest.mark.parametrize("folder", ["splits", "dataset/splits"])
def test_faceforensics_has_published_splits(tmp_path: Path, folder: str) -> None:
    plant(tmp_path, FF)
    (tmp_path / folder).mkdir(parents=True)
    for name, pairs in {"train": [["000", "003"]], "val": [["001", "002"]], "test": []}.items():
        (tmp_path / folder / f"{name}.json").write_text(json.dumps(pairs))
    found = read("faceforensics", tmp_path)
    fake = found["manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"]
    assert (fake.official, fake.tie) == ("train", "")
    assert found[FF[2]].official == ""  # actors are in no list


def test_faceforensics_can_be_restricted(tmp_path: Path) -> None:
    plant(tmp_path, FF)
    found = read("faceforensics", tmp_path, compression=["c23"], methods=["Deepfakes"])
    assert sorted(one.method for one in found.values()) == ["", "", "Deepfakes"]
    assert {one.compression for one in found.values()} == {"c23"}


def test_deepfake_timit_ties_target_and_source(tmp_path: Path) -> None:
    plant(
        tmp_path, ["higher_quality/fadg0/sa1-video-fram1.avi", "vidtimit/fadg0/sa1.avi", "fram1-original.mov"]
    )
    found = read("deepfake-timit", tmp_path)
    fake = found["higher_quality/fadg0/sa1-video-fram1.avi"]
    assert (fake.label, fake.identity, fake.tie, fake.compression) == (
        "fake",
        "fadg0",
        "fram1",
        "higher_quality",
    )
    assert fake.original == "vidtimit/fadg0/sa1.avi"
    assert found["fram1-original.mov"].identity == "fram1"


def test_uadfv_pairs_by_number_videos_and_frames(tmp_path: Path) -> None:
    plant(
        tmp_path, ["UADFV/real/0047.mp4", "UADFV/fake/0047_fake.mp4", "UADFV/fake/frames/0003_fake/012.png"]
    )
    found = read("uadfv", tmp_path)
    assert found["UADFV/fake/0047_fake.mp4"].original == "UADFV/real/0047.mp4"
    frame = found["UADFV/fake/frames/0003_fake/012.png"]
    assert (frame.original, frame.identity) == ("UADFV/real/frames/0003/012.png", "0003")


@pytest.mark.parametrize(
    ("dataset", "path", "identity"),
    [
        ("muct", "muct-a-jpg-v1/jpg/i000qa-fn.jpg", "000"),
        ("utrecht", "m4001s.jpg", "m4001"),
        ("aberdeen", "Alec10.jpg", "alec"),
        ("ffhq", "thumbnails128x128/00000/00003.png", ""),
        ("fdf", "images/128/3.jpg", ""),
        ("unsplash", "portrait/a1B2.jpg", ""),
    ],
)
def test_photographs_are_real(tmp_path: Path, dataset: str, path: str, identity: str) -> None:
    assert read(dataset, plant(tmp_path, [path])) == {path: Found(path, "real", identity=identity)}


def test_generated_faces_are_fake(tmp_path: Path) -> None:
    found = read("stylegan2-ada", plant(tmp_path, ["seed0001.png"]))
    assert found["seed0001.png"] == Found("seed0001.png", "fake", method="stylegan2-ada")


def test_dessa_has_parts_of_which_both_is_the_other_two(tmp_path: Path) -> None:
    plant(
        tmp_path, ["augment_deepfake/real/frames/clip_0001.jpg", "augment_deepfake/val/fake/frames/x-2.jpg"]
    )
    plant(tmp_path, ["both_deepfake/real/frames/clip_0001.jpg", "precomputed/0.jpg"])
    found = read("dessa-youtube", tmp_path)
    assert [(one.label, one.identity, one.official) for _, one in sorted(found.items())] == [
        ("real", "clip", ""),
        ("fake", "x", "choose"),
    ]
    assert list(read("dessa-youtube", tmp_path, parts=["both"])) == [
        "both_deepfake/real/frames/clip_0001.jpg"
    ]


def test_any_tree_with_real_and_fake_folders(tmp_path: Path) -> None:
    plant(
        tmp_path,
        ["set/train/REAL/a.mp4", "set/test/Fake/faceswap/b.mp4", "set/val/fake/videos/c.mp4", "d.mp4"],
    )
    found = read("folder", tmp_path)
    assert [(one.label, one.method, one.official) for _, one in sorted(found.items())] == [
        ("fake", "faceswap", "report"),
        ("real", "", "train"),
        ("fake", "", "choose"),
    ]


def test_a_csv_names_files_labels_and_more(tmp_path: Path) -> None:
    (tmp_path / "annotations.csv").write_text(
        "Path,label,original,identity,split,method\n"
        "a.mp4,real,,p1,,\n"
        "./b/c.mp4,FAKE,a.mp4,p1,test,swap\n"
        f"{tmp_path}/d.png,1\n"
        "e.png,perhaps\n"
        "f.png,0,,,someday,\n"
    )
    found = list(read("folder", tmp_path).values())
    assert found[0] == Found("a.mp4", "real", identity="p1")
    assert found[1] == Found("b/c.mp4", "fake", "a.mp4", "swap", "p1", official="report")
    assert found[2] == Found("d.png", "fake")
    assert "neither real nor fake" in found[3].problem
    assert "no split" in found[4].problem


def test_a_csv_may_be_named_and_lie_deeper(tmp_path: Path) -> None:
    plant(tmp_path, ["lists/x/a.mp4"])
    (tmp_path / "lists/one.csv").write_text("path,label\nx/a.mp4,real\n")
    (tmp_path / "other.csv").write_text("path,label\nz.mp4,real\n")
    assert list(read("folder", tmp_path, csv=["lists/one.csv"])) == ["lists/x/a.mp4"]
    (tmp_path / "lists/one.csv").write_text("file,kind\nx/a.mp4,real\n")
    with pytest.raises(DataError, match="lacks the columns"):
        read("folder", tmp_path, csv=["lists/one.csv"])


def test_a_tree_that_links_to_itself_ends(tmp_path: Path) -> None:
    plant(tmp_path, ["real/a.mp4", "elsewhere/real/b.mp4"])
    os.symlink(tmp_path, tmp_path / "real" / "loop")
    os.symlink(tmp_path / "elsewhere" / "real", tmp_path / "real" / "more")
    assert {path.rpartition("/")[2] for path in read("folder", tmp_path)} == {"a.mp4", "b.mp4"}


def test_an_unknown_data_set_is_told() -> None:
    with pytest.raises(DataError, match="no convention"):
        convention_of("imaginary")
