"""The MRI stage: maps of what was changed, the pairs it leaves out, its tables, and what a kill leaves."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from cut_faces import faces_of, forged, small_dataset, tree, write_faces

from deepfake_cli.errors import DataError
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow, read_index, write_index
from deepfake_cli.io.maps import read_maps
from deepfake_cli.io.workspace import DatasetFolder, dataset_folder
from deepfake_cli.pipeline.mri import make_maps
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

COUNTS = {"maps": 9, "misaligned pairs": 1, "missing pairs": 1, "unchanged pairs": 1}


def profile(**options: object) -> Profile:
    return load_profile(options={"data.jobs": 1, "mri.share": 1.0, "mri.size": 64, **_dotted(options)})


def _dotted(options: dict[str, object]) -> dict[str, object]:
    return {f"mri.{key}" if key != "seed" else "data.seed": value for key, value in options.items()}


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def dataset(tmp_path: Path, portrait: np.ndarray) -> DatasetFolder:
    return small_dataset(tmp_path / "workspace", portrait)


def test_maps_show_what_was_changed(dataset: DatasetFolder) -> None:
    report = make_maps(dataset, profile())
    assert dict(report.counts) == COUNTS
    assert report.bad == []
    maps = read_maps(dataset.mri / "fake0")
    assert [one.face for one in maps.maps] == ["00000_0.png", "00004_0.png"]
    assert maps.left_out == {"misaligned": 1, "missing": 1, "unchanged": 1}
    picture = read_image(dataset.mri / "fake0" / maps.maps[0].file)
    assert picture.shape == (64, 64, 3)
    assert abs(picture.mean() / 255 - maps.maps[0].mean) < 1e-3
    assert picture[28:40, 24:44].mean() > 40  # the eyes and nose of the forged face
    assert picture[:6].mean() < 2  # what lies above it was not touched
    assert not read_image(dataset.mri / "black.png").any()


def test_the_tables_name_faces_and_maps_that_are_there(dataset: DatasetFolder) -> None:
    make_maps(dataset, profile())
    train, test = rows_of(dataset.mri / "train.csv"), rows_of(dataset.mri / "test.csv")
    assert {row["split"] for row in train} == {"train"}
    assert {row["split"] for row in test} == {"choose", "report"}
    assert not {row["original"] for row in train} & {row["original"] for row in test}
    assert sum(row["label"] == "fake" for row in train + test) == COUNTS["maps"]
    for row in train + test:
        assert (dataset.mri / row["mri"]).is_file()
        if row["face"] != "../crops/real0/00003_0.png":  # the one that the fixture took away
            assert (dataset.mri / row["face"]).is_file()
        assert (row["mri"] == "black.png") == (row["label"] == "real")


def test_finished_maps_stay_and_other_settings_make_new_ones(dataset: DatasetFolder) -> None:
    first = make_maps(dataset, profile())
    before = {path: path.stat().st_mtime_ns for path in dataset.mri.rglob("*_0.png")}
    assert make_maps(dataset, profile()) == first
    assert {path: path.stat().st_mtime_ns for path in dataset.mri.rglob("*_0.png")} == before
    make_maps(dataset, profile(metric="gms"))
    assert all(path.stat().st_mtime_ns != stamp for path, stamp in before.items())


def test_faces_that_were_cut_anew_are_compared_anew(dataset: DatasetFolder, portrait: np.ndarray) -> None:
    make_maps(dataset, profile())
    before = tree(dataset.mri / "fake2")
    write_faces(dataset, "fake2", forged(faces_of(portrait, 3), seed=9))
    crops = dataset.crops / "fake2" / "crops.json"
    crops.write_text(crops.read_text().replace('"cut"', '"cut otherwise"'))
    make_maps(dataset, profile())
    after = tree(dataset.mri / "fake2")
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_a_share_holds_originals_with_all_their_fakes(tmp_path: Path, portrait: np.ndarray) -> None:
    folder = small_dataset(tmp_path / "workspace", portrait)
    not_drawn = set()
    for seed in range(4):
        report = make_maps(folder, profile(share=0.5, seed=seed))
        not_drawn.add(report.counts["fakes not drawn"])
        rows = rows_of(folder.mri / "train.csv") + rows_of(folder.mri / "test.csv")
        used = {row["original"] for row in rows}
        assert used == {row["original"] for row in rows if row["label"] == "fake"}
        assert len(used) == 3 - report.counts["fakes not drawn"]
        assert {path.name for path in folder.mri.glob("fake*")} == {f"fake{name[-1]}" for name in used}
    assert len(not_drawn) > 1


def test_a_bad_video_costs_only_itself(dataset: DatasetFolder) -> None:
    make_maps(dataset, profile())
    (dataset.crops / "fake1" / "00002_0.png").write_bytes(b"no picture")
    (dataset.crops / "fake1" / "crops.json").write_text(
        (dataset.crops / "fake1" / "crops.json").read_text().replace('"cut"', '"again"')
    )
    report = make_maps(dataset, profile())
    assert [bad.id for bad in report.bad] == ["fake1"]
    assert report.counts["maps"] == COUNTS["maps"] - 4
    assert not (dataset.mri / "fake1").exists()
    assert not any(row["video"] == "fake1" for row in rows_of(dataset.mri / "test.csv"))
    assert json.loads(dataset.report("mri").read_text())["bad"][0]["id"] == "fake1"


def test_fakes_without_original_or_faces_are_told(dataset: DatasetFolder) -> None:
    rows = [*read_index(dataset.index)]
    rows.append(IndexRow("lost", "lost.mp4", "fake", "", "swap", "", "", "train"))
    rows.append(IndexRow("bare", "bare.mp4", "fake", "real0", "swap", "", "", "train"))
    write_index(dataset.index, rows)
    report = make_maps(dataset, profile())
    assert report.counts["fakes without original"] == 1
    assert [(bad.id, bad.reason) for bad in report.bad] == [("bare", "no faces were cut out of bare")]


def test_it_says_which_stage_is_missing(tmp_path: Path, dataset: DatasetFolder) -> None:
    with pytest.raises(DataError) as caught:
        make_maps(dataset_folder(tmp_path, "new"), profile())
    assert "data index" in caught.value.hint
    dataset.crops.rename(dataset.crops.with_name("elsewhere"))
    with pytest.raises(DataError) as caught:
        make_maps(dataset, profile())
    assert "data crop" in caught.value.hint


def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path, portrait: np.ndarray) -> None:
    undisturbed = small_dataset(tmp_path / "one", portrait)
    make_maps(undisturbed, profile(size=256, metric="ms-ssim"))
    disturbed = small_dataset(tmp_path / "two", portrait)
    command = [sys.executable, "-m", "deepfake_cli", "data", "mri", "small", "-w", disturbed.path.parent]
    command += ["--share", "1", "--metric", "ms-ssim", "--jobs", "2", "--quiet"]
    rng = np.random.default_rng(0)
    killed = 0
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(0.3, 1.2))  # any moment will do
            killed += process.poll() is None
            process.kill()
    assert killed
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert tree(disturbed.path) == tree(undisturbed.path)


def test_the_command_says_what_it_made(
    dataset: DatasetFolder, dfdetect: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    options = ["-w", dataset.path.parent, "--share", "1", "--size", "32", "--metric", "colour"]
    run = dfdetect("data", "mri", "small", *options)
    assert run.returncode == 0
    assert run.stdout == (
        "mri: 9 maps, 1 misaligned pairs, 1 missing pairs, 1 unchanged pairs from 3 files\n"
    )
    assert cv2.imread(str(dataset.mri / "black.png")).shape == (32, 32, 3)
    run = dfdetect("data", "mri", "small", *options, "--json")
    assert json.loads(run.stdout)["counts"] == COUNTS
    wrong = dfdetect("data", "mri", "small", "-w", dataset.path.parent, "--metric", "psnr")
    assert wrong.returncode == 2
    assert "ssim" in wrong.stderr
