"""The table of faces: made of crops, maps and forgeries, with pairs and weights."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepfake_cli.errors import DataError
from deepfake_cli.io.crops import Crop, Crops, write_crops
from deepfake_cli.io.face_table import Entry, read_entries, write_entries
from deepfake_cli.io.index import IndexRow, Source, write_index, write_source
from deepfake_cli.io.maps import FaceMap, FaceMaps, write_maps
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.stages import StageReport
from deepfake_cli.pipeline.status import StageStatus, status_of
from deepfake_cli.pipeline.table import make_table
from deepfake_cli.profile import load_profile

POINTS = tuple(float(k) for k in range(10))


def row(id: str, original: str, split: str = "train") -> IndexRow:
    label = "real" if id == original else "fake"
    return IndexRow(id, f"{id}.mp4", label, original, "swap" if label == "fake" else "", "", "", split)


def cut(folder: DatasetFolder, video: str, faces: int, boxes_from: str) -> None:
    """Write crops as the stage before leaves them."""
    place = folder.crops / video
    place.mkdir(parents=True)
    names = [f"{k:05}_0.png" for k in range(faces)]
    for name in names:
        (place / name).write_bytes(b"x")
    crops = tuple(Crop(name, k, 0, k / 2, (1, 2, 30.5, 40), POINTS, 0.99) for k, name in enumerate(names))
    write_crops(place, Crops("s" * 12, boxes_from, crops))


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    """A real video of four faces, an aligned fake, one that is not, and a fake of unknown origin."""
    found = DatasetFolder(tmp_path / "w" / "set")
    found.path.mkdir(parents=True)
    write_source(found, Source("folder", tmp_path, {}))
    rows = [row("fake1", "real1"), row("fake2", "real1"), row("fake3", "", "report"), row("real1", "real1")]
    write_index(found.index, rows)
    cut(found, "real1", 4, "real1")
    cut(found, "fake1", 4, "real1")
    cut(found, "fake2", 2, "fake2")
    cut(found, "fake3", 3, "fake3")
    return found


def make(folder: DatasetFolder, **options: object) -> tuple[list[Entry], StageReport]:
    chosen = {f"table.{name}": value for name, value in options.items()}
    report = make_table(folder, load_profile(options=chosen))
    return list(read_entries(folder.faces)), report


def test_every_face_has_a_row_and_aligned_ones_their_pair(folder: DatasetFolder) -> None:
    entries, report = make(folder)
    assert [entry.image for entry in entries[:2]] == ["crops/fake1/00000_0.png", "crops/fake1/00001_0.png"]
    assert len(entries) == 13
    pairs = {entry.image: entry.pair for entry in entries if entry.pair}
    assert pairs == {f"crops/fake1/{k:05}_0.png": f"crops/real1/{k:05}_0.png" for k in range(4)}
    first = entries[0]
    assert (first.label, first.video, first.original, first.method) == ("fake", "fake1", "real1", "swap")
    assert (first.box, first.points, first.split, first.mri) == ((1, 2, 30.5, 40), POINTS, "train", "")
    assert {entry.original for entry in entries if entry.video == "fake3"} == {"fake3"}
    assert dict(report.counts) == {"faces": 13, "fake": 9, "real": 4, "with a pair": 4, "with a map": 0}


def test_a_pair_whose_picture_is_gone_is_none(folder: DatasetFolder) -> None:
    (folder.crops / "real1/00002_0.png").unlink()
    assert sum(bool(entry.pair) for entry in make(folder)[0]) == 3


@pytest.mark.parametrize("weigh", ["video", "face"])
def test_weights(folder: DatasetFolder, weigh: str) -> None:
    entries, _ = make(folder, weigh=weigh)
    sums = defaultdict(float)
    for entry in entries:
        sums[entry.video] += entry.weight
    if weigh == "video":
        assert sums == pytest.approx(dict.fromkeys(("fake1", "fake2", "fake3", "real1"), 1))
    else:
        assert {entry.weight for entry in entries} == {1}


def test_faces_of_a_video_can_be_limited_and_stay_spread(folder: DatasetFolder) -> None:
    entries, _ = make(folder, faces=2)
    assert [entry.image for entry in entries if entry.video == "real1"] == [
        "crops/real1/00001_0.png",
        "crops/real1/00003_0.png",
    ]
    assert len(entries) == 8
    assert {entry.weight for entry in entries} == {0.5}


def test_a_share_keeps_fakes_with_their_original(folder: DatasetFolder) -> None:
    seen = set()
    for seed in range(12):
        profile = load_profile(options={"table.share": 0.5, "data.seed": seed})
        try:
            make_table(folder, profile)
        except DataError:
            continue
        videos = {entry.video for entry in read_entries(folder.faces)}
        assert videos in ({"fake1", "fake2", "real1"}, {"fake3"}, {"fake1", "fake2", "fake3", "real1"})
        seen.add(frozenset(videos))
    assert len(seen) > 1


def test_maps_are_named_and_black_for_real_faces(folder: DatasetFolder) -> None:
    (folder.mri / "fake1").mkdir(parents=True)
    write_maps(folder.mri / "fake1", FaceMaps("s", (FaceMap("00001_0.png", "00001_0.png", 0.2),), {}))
    (folder.mri / "black.png").write_bytes(b"x")
    entries, report = make(folder)
    maps = {entry.image: entry.mri for entry in entries if entry.mri}
    assert maps.pop("crops/fake1/00001_0.png") == "mri/fake1/00001_0.png"
    assert maps == {f"crops/real1/{k:05}_0.png": "mri/black.png" for k in range(4)}
    assert report.counts["with a map"] == 5


def forge(folder: DatasetFolder, video: str, faces: int) -> None:
    rows = []
    for k in range(faces):
        face = Entry(
            f"../crops/{video}/{k:05}_0.png",
            (1, 2, 3, 4),
            POINTS,
            "real",
            video,
            video,
            "",
            "",
            "train",
            "",
            "",
            1,
        )
        rows.append(face)
        rows.append(
            Entry(
                f"{video}/{k:05}_0_warp.png",
                (1, 2, 3, 4),
                POINTS,
                "fake",
                f"{video}__warp",
                video,
                "warp",
                "",
                "train",
                face.image,
                "",
                1,
            )
        )
    folder.forged.mkdir()
    write_entries(folder.forged / "forged.csv", rows)


def test_forged_faces_follow_their_real_video(folder: DatasetFolder) -> None:
    forge(folder, "real1", 4)
    entries, report = make(folder, faces=2)
    forged = [entry for entry in entries if entry.method == "warp"]
    assert [entry.image for entry in forged] == [f"forged/real1/{k:05}_0_warp.png" for k in (1, 3)]
    assert [entry.pair for entry in forged] == [f"crops/real1/{k:05}_0.png" for k in (1, 3)]
    assert [entry.weight for entry in forged] == [0.5, 0.5]
    assert len({entry.image for entry in entries}) == len(entries)
    assert report.counts["forged"] == 2


def test_forgeries_that_do_not_fit_the_index_are_told_and_nothing_is_written(folder: DatasetFolder) -> None:
    make(folder)
    before = folder.faces.read_bytes()
    forge(folder, "someone-else", 1)
    with pytest.raises(DataError, match="does not fit the index"):
        make(folder)
    assert folder.faces.read_bytes() == before


def test_a_video_without_crops_costs_only_itself(folder: DatasetFolder) -> None:
    shutil.rmtree(folder.crops / "fake2")
    (folder.crops / "fake3/crops.json").write_text("{")
    entries, report = make(folder)
    assert {entry.video for entry in entries} == {"fake1", "real1"}
    assert {bad.id: bad.reason for bad in report.bad}["fake2"] == "no faces were cut out of it"
    assert len(report.bad) == 2
    assert json.loads((folder.path / "reports/table.json").read_text())["counts"]["faces"] == 8


def test_without_faces_there_is_no_table(folder: DatasetFolder) -> None:
    for video in ("fake1", "fake2", "fake3", "real1"):
        shutil.rmtree(folder.crops / video)
    with pytest.raises(DataError, match="no face"):
        make(folder)
    assert not folder.faces.exists()


def test_the_table_is_what_training_reads(folder: DatasetFolder, portrait: np.ndarray) -> None:
    import cv2
    from recipes import make_pairs

    for picture in folder.crops.rglob("*.png"):
        cv2.imwrite(str(picture), portrait[60:200:4, 160:300:4])
    make(folder)
    pairs = make_pairs(folder.faces)
    assert pairs[0][1].tolist() == [0, 1]


def test_status_tells_how_far_each_stage_is(folder: DatasetFolder) -> None:
    profile = load_profile(options={"workspace.path": folder.path.parent})
    (found,) = status_of(profile, [])
    stages = {stage.stage: stage for stage in found.stages}
    assert list(stages) == ["fetch", "index", "augment", "landmarks", "crop", "mri", "forge", "table"]
    assert stages["fetch"].state == "done"
    assert stages["crop"] == StageStatus("crop", 4, 4, 0)
    assert (stages["landmarks"].done, stages["landmarks"].state) == (0, "")
    assert (stages["forge"].total, stages["augment"].total) == (1, 0)
    assert stages["table"].state == ""
    shutil.rmtree(folder.crops / "fake2")
    make(folder)
    stages = {stage.stage: stage for stage in status_of(profile, ["set"])[0].stages}
    assert stages["crop"].state == "begun"
    assert stages["table"] == StageStatus("table", 3, 4, 1)
    assert stages["table"].state == "done"


def test_status_of_what_is_not_there(folder: DatasetFolder) -> None:
    profile = load_profile(options={"workspace.path": folder.path.parent})
    with pytest.raises(DataError, match="no data set other"):
        status_of(profile, ["other"])
    folder.index.write_text("id,path\n")
    (found,) = status_of(profile, [])
    assert "lacks the columns" in found.problem


def test_the_commands(folder: DatasetFolder, dfdetect: Callable[..., object]) -> None:
    workspace = folder.path.parent
    run = dfdetect("data", "table", "set", "-w", workspace, "--faces", "1")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("table: 4 faces, 3 fake, 1 real, ")
    run = dfdetect("data", "status", "-w", workspace)
    assert run.stdout.splitlines()[-1].split() == ["set", "table", "4", "4", "0", "done"]
    run = dfdetect("data", "status", "set", "-w", workspace, "--json")
    assert json.loads(run.stdout)[0]["stages"][-1]["state"] == "done"
    run = dfdetect("data", "status", "-w", workspace / "none")
    assert run.returncode == 0
    assert "no data set" in run.stderr
