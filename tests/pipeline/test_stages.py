"""What all stages share: bad videos, lost workers, locks, reports, and what killed runs leave."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from workspaces import make_dataset, row

from deepfake_cli.errors import MediaError, OutputError, UsageError
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.workspace import DatasetFolder, dataset_folder, sweep, write_folder
from deepfake_cli.pipeline.stages import StageReport, fingerprint, media_path, run_stage


@dataclass(frozen=True)
class Count:
    """Counts a video as one, unless its name says what else happens to it."""

    folder: DatasetFolder

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Do what the name says."""
        if row.id.startswith("damaged"):
            raise MediaError("it is damaged", "copy it again")
        if row.id.startswith("full"):
            raise OutputError("cannot write it: no space left on device", "free some space")
        if row.id.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if row.id.startswith("hang"):
            os.kill(os.getpid(), signal.SIGSTOP)
        (self.folder.crops / row.id).write_text("done")
        return {"done": 1}


def dataset(tmp_path: Path, *names: str) -> DatasetFolder:
    return make_dataset(tmp_path / "workspace", tmp_path, [row(Path(f"{name}.mp4")) for name in names])


def run(folder: DatasetFolder, timeout: float = 60, jobs: int = 2) -> StageReport:
    rows = read_index(folder.index)
    return run_stage(folder, "count", Count(folder), rows, output=folder.crops, jobs=jobs, timeout=timeout)


def test_a_bad_video_costs_itself_and_is_reported(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "a", "damaged", "b", "crash", "c")
    report = run(folder)
    assert (report.videos, dict(report.counts)) == (5, {"done": 3})
    assert [(bad.id, bad.path) for bad in report.bad] == [("damaged", "damaged.mp4"), ("crash", "crash.mp4")]
    assert report.bad[0].reason == "it is damaged"
    assert "SIGSEGV" in report.bad[1].reason
    assert json.loads(folder.report("count").read_text()) == report.to_json()


def test_a_hanging_video_is_given_up(tmp_path: Path) -> None:
    report = run(dataset(tmp_path, "hang", "a"), timeout=3)
    assert report.counts["done"] == 1
    assert "took longer than 3 s" in report.bad[0].reason


def test_a_full_disk_ends_the_stage_and_keeps_what_is_done(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "a", "full", "b")
    with pytest.raises(OutputError, match="no space left"):
        run(folder, jobs=1)
    assert (folder.crops / "a").exists()
    assert not folder.report("count").exists()


def test_a_report_does_not_tell_how_often_a_stage_was_run(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "b", "a", "damaged")
    run(folder)
    first = folder.report("count").read_bytes()
    run(folder, jobs=1)
    assert folder.report("count").read_bytes() == first


def test_only_one_process_works_on_a_data_set(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "a")
    code = (
        "import sys; from pathlib import Path; from deepfake_cli.io.workspace import DatasetFolder\n"
        f"with DatasetFolder(Path({str(folder.path)!r})).locked():\n"
        "    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="another dfdetect"):
            run(folder)
        other.kill()
    assert run(folder).counts["done"] == 1  # the system gave the lock back


def test_what_a_killed_run_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "a")
    (folder.crops / ".b.0a1b2c3d.part" / "deeper").mkdir(parents=True)
    (folder.crops / ".c.0a1b2c3d.part").write_text("half")
    (folder.crops / "kept.part").write_text("whole")
    (folder.path / ".index.csv.0a1b2c3d.part").write_text("half")
    run(folder)
    assert not list(folder.path.glob(".*.part"))
    assert sorted(path.name for path in folder.crops.iterdir()) == ["a", "kept.part"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "faces"
    with write_folder(target) as place:
        (place / "1").write_text("one")
        assert not target.exists()
    with pytest.raises(OutputError), write_folder(target) as place:
        (place / "2" / "no such folder").write_text("two")
    assert [path.name for path in target.iterdir()] == ["1"]
    with write_folder(target) as place:
        (place / "3").write_text("three")
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]
    assert [path.name for path in target.iterdir()] == ["3"]
    sweep(tmp_path)
    assert target.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", ".hidden", "a\0"])
def test_no_name_leads_out_of_the_workspace(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        dataset_folder(tmp_path, name)


def test_later_stages_read_the_augmented_video(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "a")
    (video,) = read_index(folder.index)
    assert media_path(folder, tmp_path, video) == tmp_path / "a.mp4"
    folder.augmented.mkdir()
    (folder.augmented / "a.mp4").write_bytes(b"augmented")
    assert media_path(folder, tmp_path, video) == folder.augmented / "a.mp4"


def test_fingerprints_tell_settings_apart() -> None:
    assert fingerprint(1, "a") == fingerprint(1, "a")
    assert len({fingerprint(1, "a"), fingerprint("1", "a"), fingerprint(1, "b"), fingerprint(1)}) == 4


def test_memory_does_not_grow_with_the_number_of_videos(tmp_path: Path) -> None:
    folder = dataset(tmp_path, "a")
    taken = 0

    def many() -> "list[IndexRow]":
        nonlocal taken
        for number in range(300):
            taken = number
            yield row(Path(f"{number}.mp4"))

    seen: list[int] = []

    def watch(items, description, total=None):  # type: ignore[no-untyped-def]
        for item in items:
            seen.append(taken)
            yield item

    run_stage(folder, "count", Count(folder), many(), output=folder.crops, jobs=2, timeout=60, track=watch)
    assert seen[0] < 10  # rows are taken as workers become free, not all at once
    assert len(seen) == 300
