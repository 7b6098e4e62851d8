"""The index: every file once, with its company, in the right split."""

import csv
import json
import random
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.index import IndexRow, Source, read_index, write_source
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.index import IndexReport, index_dataset
from deepfake_cli.profile import load_profile

SPLITS = {"train", "choose", "report"}


def adopt(folder: Path, dataset: str, root: Path) -> DatasetFolder:
    folder.mkdir(parents=True, exist_ok=True)
    target = DatasetFolder(folder)
    write_source(target, Source(dataset, root, {}))
    return target


def index(
    folder: DatasetFolder, *, check: bool = False, **options: object
) -> tuple[list[IndexRow], IndexReport]:
    chosen = {name.replace("__", "."): value for name, value in options.items()}
    report = index_dataset(folder, load_profile(options={"data.jobs": 1, **chosen}), check=check)
    return list(read_index(folder.index)), report


def plant_csv(root: Path, rows: list[dict[str, str]]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for row in rows:
        (root / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        (root / row["path"]).write_bytes(b"x")
    names = ["path", "label", "original", "identity", "method", "split"]
    with (root / "table.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, names, restval="")
        table.writeheader()
        table.writerows(rows)


def oddities(report: IndexReport) -> dict[str, int]:
    return {one.what.split(",")[0]: one.count for one in report.oddities}


def plant_celeb(root: Path, people: int = 12, listed: str = "") -> None:
    for a in range(people):
        for n in range(3):
            paths = [f"Celeb-real/id{a}_{n}.mp4"]
            paths += [f"Celeb-synthesis/id{a}_id{b}_{n}.mp4" for b in range(people) if b != a and b % 3 == 0]
            for path in paths:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(b"x")
    if listed:
        (root / "List_of_testing_videos.txt").write_text(listed)


def test_rows_are_sorted_by_path_and_name_their_original(tmp_path: Path) -> None:
    plant_celeb(tmp_path / "raw")
    rows, report = index(adopt(tmp_path / "w", "celeb-df-v2", tmp_path / "raw"))
    assert [row.path for row in rows] == sorted(row.path for row in rows)
    reals = {row.id for row in rows if not row.fake}
    assert all(row.original in reals for row in rows)
    assert all(row.original == row.id for row in rows if not row.fake)
    assert report.counts == {"real": 36, "fake": len(rows) - 36}
    assert not report.oddities


def test_a_person_is_in_one_split(tmp_path: Path) -> None:
    plant_celeb(tmp_path / "raw", people=30)
    rows, _ = index(adopt(tmp_path / "w", "celeb-df-v2", tmp_path / "raw"))
    splits = defaultdict(set)
    for row in rows:
        splits[row.identity].add(row.split)
    assert {len(found) for found in splits.values()} == {1}
    assert {row.split for row in rows} == SPLITS


@pytest.mark.parametrize("follow", ["nothing", "original", "identity"])
def test_what_follows_an_official_test_list(tmp_path: Path, follow: str) -> None:
    plant_celeb(tmp_path / "raw", listed="0 Celeb-synthesis/id1_id0_0.mp4\n1 Celeb-real/id2_1.mp4\n")
    rows, report = index(adopt(tmp_path / "w", "celeb-df-v2", tmp_path / "raw"), index__follow=follow)
    reporting = {row.path for row in rows if row.split == "report"}
    assert {"Celeb-synthesis/id1_id0_0.mp4", "Celeb-real/id2_1.mp4"} <= reporting
    if follow == "nothing":
        assert len(reporting) == 2
    elif follow == "original":
        assert reporting == {row.path for row in rows if row.original.endswith(("id1_0", "id2_1"))}
    else:
        assert reporting == {row.path for row in rows if row.identity in ("id1", "id2")}
    told = oddities(report)
    shown = "to learn from that show someone who is also in the official test list"
    assert told.get(shown, 0) == sum(row.identity in ("id1", "id2") for row in rows) - len(reporting)
    assert {row.split for row in rows} - {"report"} <= {"train", "choose"}


def test_shares_are_kept_and_a_list_of_one_split_leaves_the_others(tmp_path: Path) -> None:
    rows = [{"path": f"{i}.mp4", "label": "fake" if i % 2 else "real"} for i in range(2000)]
    plant_csv(tmp_path / "raw", rows)
    found, _ = index(adopt(tmp_path / "w", "folder", tmp_path / "raw"), index__train=0.5, index__choose=0.5)
    counts = {split: sum(row.split == split for row in found) for split in SPLITS}
    assert counts["train"] == pytest.approx(2000 * 0.5 / 1.1, abs=80)
    plant_csv(
        tmp_path / "raw", [row | {"split": "test" if i < 100 else "train"} for i, row in enumerate(rows)]
    )
    found, _ = index(adopt(tmp_path / "w", "folder", tmp_path / "raw"))
    assert sum(row.split == "report" for row in found) == 100
    assert 100 < sum(row.split == "choose" for row in found) < 320
    with pytest.raises(UsageError, match="no split"):
        index(DatasetFolder(tmp_path / "w"), index__train=0, index__choose=0, index__report=0)


def test_nothing_moves_when_a_data_set_grows(tmp_path: Path) -> None:
    plant_celeb(tmp_path / "raw", people=9)
    before, _ = index(adopt(tmp_path / "w", "celeb-df-v2", tmp_path / "raw"))
    plant_celeb(tmp_path / "raw", people=14)
    after = {row.path: row for row in index(DatasetFolder(tmp_path / "w"))[0]}
    assert all(after[row.path] == row for row in before)


def test_faceforensics_without_lists_keeps_tied_videos_together(tmp_path: Path) -> None:
    root = tmp_path / "raw"
    for i in range(40):
        for path in (
            f"original_sequences/youtube/c23/videos/{i:03}.mp4",
            f"manipulated_sequences/FaceSwap/c23/videos/{i:03}_{i ^ 1:03}.mp4",
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"x")
    rows, _ = index(adopt(tmp_path / "w", "faceforensics", root))
    split = {row.identity: row.split for row in rows}
    assert all(row.split == split[row.identity] for row in rows)
    assert all(split[f"{i:03}"] == split[f"{i ^ 1:03}"] for i in range(40))
    assert len(set(split.values())) > 1


def test_ids_that_would_be_shared_keep_their_extension(tmp_path: Path) -> None:
    paths = ["real/a.mp4", "real/a.png", "real/b/c.mp4", "real/b__c.mp4", "fake/é.mp4", "fake/è.mp4"]
    paths += ["real/a.mp4.avi"]
    for path in paths:
        (tmp_path / "raw" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / path).write_bytes(b"x")
    rows, report = index(adopt(tmp_path / "w", "folder", tmp_path / "raw"))
    ids = {row.path: row.id for row in rows}
    assert len(set(ids.values())) == len(paths)
    assert ids["real/a.png"] == "real__a.png"
    assert ids["real/b/c.mp4"].startswith("real__b__c.mp4-")
    assert ids["fake/é.mp4"] != ids["fake/è.mp4"]
    assert oddities(report)["would have shared an id"] == 6


NAME = st.sampled_from(["a", "b", "c d", "ü", "x/y", "x__y", "x/y.z"])
SUFFIX = st.sampled_from([".mp4", ".png"])
TREES = st.lists(
    st.fixed_dictionaries(
        {
            "path": st.builds("{}{}{}".format, NAME, st.integers(0, 3), SUFFIX),
            "label": st.sampled_from(["real", "fake"]),
            "original": st.just("")
            | st.builds("{}{}{}".format, NAME, st.integers(0, 3), SUFFIX | st.just("")),
            "identity": st.sampled_from(["", "", "p", "q", "r"]),
            "split": st.sampled_from(["", "", "", "train", "test"]),
        }
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda row: row["path"],
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TREES, seed=st.integers(0, 5), chance=st.randoms(use_true_random=False))
def test_company_is_kept_whatever_a_table_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], seed: int, chance: random.Random
) -> None:
    """A fake never leaves its original, and an identity is whole where no official list divides it."""
    tmp = tmp_path_factory.mktemp("tree")
    plant_csv(tmp / "raw", rows)
    folder = adopt(tmp / "w", "folder", tmp / "raw")
    found, _ = index(folder, data__seed=seed)
    assert sorted(row.path for row in found) == sorted(row["path"] for row in rows)
    assert len({row.id for row in found}) == len(found)
    by_id = {row.id: row for row in found}
    for row in found:
        if row.original in by_id:
            assert row.split == by_id[row.original].split
            assert not by_id[row.original].fake
    listed = {row["path"] for row in rows if row["split"] == "test"}
    assert all(row.split == "report" for row in found if row.path in listed)
    named = {row["path"]: row["original"] for row in rows}
    for original in set(named.values()) - {""}:
        assert len({row.split for row in found if named[row.path] == original}) == 1
    if not listed:
        for identity in ("p", "q", "r"):
            assert len({row.split for row in found if row.identity == identity}) <= 1
    before = folder.index.read_bytes()
    chance.shuffle(rows)
    plant_csv(tmp / "raw", rows)
    index(folder, data__seed=seed)
    assert folder.index.read_bytes() == before


@pytest.mark.parametrize("suffix", ["", ".mp4"])
def test_real_files_may_name_themselves_or_their_group(tmp_path: Path, suffix: str) -> None:
    rows = []
    for i in range(60):
        rows += [{"path": f"r{i}.mp4", "label": "real", "original": f"r{i}{suffix}"}]
        rows += [{"path": f"f{i}.mp4", "label": "fake", "original": f"r{i}{suffix}"}]
        rows += [{"path": f"{name}{i}.mp4", "label": "real", "original": f"scene{i}"} for name in "ab"]
    plant_csv(tmp_path / "raw", rows)
    found, report = index(adopt(tmp_path / "w", "folder", tmp_path / "raw"))
    split = {row.id: row.split for row in found}
    assert all(split[f"r{i}"] == split[f"f{i}"] and split[f"a{i}"] == split[f"b{i}"] for i in range(60))
    assert all(row.original == row.id for row in found if not row.fake)
    assert not report.oddities


def test_what_is_wrong_with_files_is_reported(tmp_path: Path) -> None:
    rows = [{"path": "a.mp4", "label": "real"}, {"path": "b.mp4", "label": "fake", "original": "gone.mp4"}]
    rows += [{"path": "gone.mp4", "label": "real"}, {"path": "empty.mp4", "label": "fake"}]
    rows += [{"path": "a.mp4", "label": "real"}, {"path": "both.mp4", "label": "real"}]
    rows += [{"path": "both.mp4", "label": "fake"}, {"path": "folder.mp4/x.png", "label": "what"}]
    plant_csv(tmp_path / "raw", rows)
    (tmp_path / "raw/gone.mp4").unlink()
    (tmp_path / "raw/empty.mp4").write_bytes(b"")
    found, report = index(adopt(tmp_path / "w", "folder", tmp_path / "raw"))
    assert [(row.path, row.original) for row in found] == [("a.mp4", "a"), ("b.mp4", "gone")]
    reasons = {bad.path: bad.reason for bad in report.bad}
    assert reasons["gone.mp4"] == "missing"
    assert reasons["empty.mp4"] == "empty file (0 bytes)"
    assert reasons["both.mp4"] == "listed as real and as fake"
    assert "neither real nor fake" in reasons["folder.mp4/x.png"]
    assert oddities(report) == {"listed twice": 2, "fakes whose original is missing": 1}
    stored = json.loads((tmp_path / "w/reports/index.json").read_text())
    assert len(stored["bad"]) == 4
    assert stored["counts"] == {"fake": 1, "real": 1}


def test_nothing_to_index_is_an_error_and_an_older_index_stays(tmp_path: Path) -> None:
    plant_csv(tmp_path / "raw", [{"path": "a.mp4", "label": "real"}])
    folder = adopt(tmp_path / "w", "folder", tmp_path / "raw")
    _, report = index(folder)
    assert oddities(report) == {"fake files: there is nothing to tell them from": 0}
    (tmp_path / "raw/a.mp4").unlink()
    with pytest.raises(DataError, match="no usable"):
        index(folder)
    assert len(list(read_index(folder.index))) == 1
    (tmp_path / "raw/table.csv").unlink()
    (tmp_path / "raw").rmdir()
    with pytest.raises(DataError, match="are not in"):
        index(folder)
    assert not list(folder.path.glob(".index.part*"))


@pytest.fixture
def videos(tmp_path: Path, portrait_video: Path) -> DatasetFolder:
    """Whole and broken videos and pictures."""
    root = tmp_path / "raw"
    for kind in ("real", "fake"):
        (root / kind).mkdir(parents=True)
    whole = portrait_video.read_bytes()
    (root / "real/whole.mp4").write_bytes(whole)
    (root / "fake/noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (root / "fake/cut.png").write_bytes(
        cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()[:80]
    )
    cv2.imwrite(str(root / "fake/whole.png"), np.full((64, 64, 3), 99, np.uint8))
    return adopt(tmp_path / "w", "folder", root)


def test_a_check_leaves_out_what_cannot_be_decoded(videos: DatasetFolder) -> None:
    assert len(index(videos)[0]) == 4
    rows, report = index(videos, check=True)
    assert [row.path for row in rows] == ["fake/whole.png", "real/whole.mp4"]
    assert {bad.path for bad in report.bad} == {"fake/noise.mp4", "fake/cut.png"}
    assert all(bad.reason for bad in report.bad)
    again, _ = index(videos)  # what is known to be bad stays out
    assert again == rows
    (videos.path.parent / "raw/fake/cut.png").unlink()
    cv2.imwrite(str(videos.path.parent / "raw/fake/cut.png"), np.full((64, 64, 3), 9, np.uint8))
    assert len(index(videos)[0]) == 3  # until it is another file


def test_a_check_that_was_killed_goes_on(videos: DatasetFolder) -> None:
    index(videos, check=True)
    table = videos.path / "reports/checked.csv"
    complete, listed = table.read_bytes(), videos.index.read_bytes()
    lines = complete.splitlines(keepends=True)
    for journal in (lines[0], lines[0] + lines[1][:9], b"", b"torn,1"):
        table.unlink()
        (videos.path / "reports/checked.csv.part").write_bytes(journal)
        index(videos, check=True)
        assert table.read_bytes() == complete
        assert videos.index.read_bytes() == listed
        assert not (videos.path / "reports/checked.csv.part").exists()


def test_a_check_killed_for_real_ends_as_if_undisturbed(tmp_path: Path, portrait_video: Path) -> None:
    for i in range(12):
        (tmp_path / "raw/real").mkdir(parents=True, exist_ok=True)
        shutil.copy(portrait_video, tmp_path / f"raw/real/{i}.mp4")
    folders = [adopt(tmp_path / workspace / "set", "folder", tmp_path / "raw") for workspace in "ab"]
    command = [sys.executable, "-m", "deepfake_cli", "data", "index", "set", "--check", "-j", "1", "-w"]
    journal = folders[0].path / "reports/checked.csv.part"
    process = subprocess.Popen(
        [*command, tmp_path / "a"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.005)
    process.kill()
    process.wait()
    for workspace in "ab":
        subprocess.run([*command, tmp_path / workspace], check=True, capture_output=True)
    one, other = (
        {
            str(path.relative_to(folder.path)): path.read_bytes()
            for path in folder.path.rglob("*")
            if path.is_file()
        }
        for folder in folders
    )
    assert one == other
    assert "index.csv" in one


def test_what_was_checked_is_not_decoded_again(videos: DatasetFolder) -> None:
    index(videos, check=True)
    table = videos.path / "reports/checked.csv"
    table.write_text(table.read_text().replace(",\n", ",told so\n", 1))
    rows, report = index(videos, check=True)
    assert [row.path for row in rows] == ["real/whole.mp4"]
    assert "told so" in {bad.reason for bad in report.bad}


def test_the_command_shows_counts(tmp_path: Path, dfdetect: Callable[..., object]) -> None:
    plant_celeb(tmp_path / "raw", people=4)
    adopt(tmp_path / "w" / "celeb", "celeb-df-v2", tmp_path / "raw")
    run = dfdetect("data", "index", "celeb", "--workspace", tmp_path / "w", "--shares", "1,0,0")
    assert run.returncode == 0, run.stderr
    assert [line.split() for line in run.stdout.splitlines()] == [
        ["label", "method", "compression", "train", "choose", "report", "files"],
        ["real", "-", "-", "12", "0", "0", "12"],
        ["fake", "celeb-df", "-", "18", "0", "0", "18"],
    ]
    assert "30 files are in" in run.stderr
    run = dfdetect("data", "index", "celeb", "-w", tmp_path / "w", "--json")
    assert json.loads(run.stdout)["counts"] == {"fake": 18, "real": 12}
    run = dfdetect("data", "index", "celeb", "-w", tmp_path / "w", "--shares", "1,2")
    assert run.returncode == 2
    assert "three numbers" in run.stderr
