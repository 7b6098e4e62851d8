"""Run a stage of the data pipeline: the same work for each video of a data set, in worker processes.

What all stages share is here: finished work is skipped, a bad video costs only itself and is reported, and
whatever ends a run early leaves nothing half-made that counts as done.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from deepfake_cli.errors import DfdetectError, MediaError
from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.index import IndexRow
from deepfake_cli.io.workspace import DatasetFolder as DatasetFolder  # every stage is handed one
from deepfake_cli.io.workspace import dataset_folder as dataset_folder
from deepfake_cli.io.workspace import sweep
from deepfake_cli.progress import Track, untracked

from .workers import Done, Lost, supervise


class Work(Protocol):
    """What a stage does with one video; pickled, so a small object that opens its networks late.

    It returns counts of what is there for this video when it is done, such as ``{"faces": 12}``: the same
    ones whether it was made now or found finished from an earlier run. It raises MediaError for what is wrong
    with the video, and any other DfdetectError for what is wrong with the world, such as a full disk: that
    ends the stage.
    """

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Do the work for one video, unless it is done already."""
        ...


@dataclass(frozen=True)
class Bad:
    """A video that a stage could not use."""

    id: str
    path: str
    reason: str


@dataclass
class StageReport:
    """What a stage has made so far, over all its runs.

    Attributes:
        stage: Its name, as the command's.
        videos: How many it was given.
        counts: Sums of what it counts, such as faces.
        bad: What it could not use, in the order of the index.
    """

    stage: str
    videos: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    bad: list[Bad] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the content of the report's file; how often the stage was interrupted does not show."""
        bad = [{"id": one.id, "path": one.path, "reason": one.reason} for one in self.bad]
        return {
            "stage": self.stage,
            "videos": self.videos,
            "counts": dict(sorted(self.counts.items())),
            "bad": bad,
        }


def run_stage(
    folder: DatasetFolder,
    stage: str,
    work: Work,
    rows: Iterable[IndexRow],
    *,
    output: Path,
    jobs: int,
    timeout: float,
    track: Track = untracked,
    total: int | None = None,
) -> StageReport:
    """Do a stage's work for each video and write its report.

    Args:
        folder: Of the data set; locked meanwhile.
        stage: Name of the stage.
        work: Does one video.
        rows: Videos; read as they are needed.
        output: Folder that the work writes to; what a killed run left half-written in it is removed first.
        jobs: Videos at once; 0 is one a processor core.
        timeout: Seconds one video may take.
        track: Progress.
        total: How many rows there are, if known.

    Returns:
        The report.

    Raises:
        UsageError: Another process works on the data set.
        DfdetectError: Something is wrong that is no video's fault; what is done stays done.
    """
    report = StageReport(stage)
    bad: dict[int, Bad] = {}
    with folder.locked():
        make_folder(output, "choose another workspace")
        sweep(output)
        waiting: dict[int, IndexRow] = {}

        def numbered() -> Iterable[IndexRow]:
            for number, row in enumerate(rows):
                waiting[number] = row
                yield row

        jobs = jobs or len(os.sched_getaffinity(0))
        with closing(supervise(_Task(work), numbered(), jobs=jobs, timeout=timeout)) as events:
            finished = (event for event in events if isinstance(event, Done | Lost))
            for event in track(finished, stage, total):
                row = waiting.pop(event.task)
                report.videos += 1
                outcome = event.reason if isinstance(event, Lost) else event.value
                if isinstance(outcome, MediaError):
                    outcome = outcome.message
                if isinstance(outcome, DfdetectError):
                    raise outcome
                if isinstance(outcome, str):
                    bad[event.task] = Bad(row.id, row.path, outcome)
                else:
                    report.counts.update(outcome)
        report.bad = [bad[number] for number in sorted(bad)]
        write_report(folder, report)
    return report


def media_path(folder: DatasetFolder, root: Path, row: IndexRow) -> Path:
    """Name the file that stages read for a row: its augmented video, if there is one, else the raw file.

    Args:
        folder: Of the data set.
        root: Where its raw files lie.
        row: The video or picture.
    """
    augmented = folder.augmented / f"{row.id}.mp4"
    return augmented if augmented.exists() else root / row.path


def write_report(folder: DatasetFolder, report: StageReport) -> None:
    """Write a stage's report to its place.

    Raises:
        OutputError: It cannot be written.
    """
    path = folder.report(report.stage)
    make_folder(path.parent, "choose another workspace")
    with write_atomically(path) as file:
        file.write(json.dumps(report.to_json(), indent=2, ensure_ascii=True) + "\n")


def fingerprint(*parts: object) -> str:
    """Tell settings apart: 12 hex digits that change with any part.

    Stages keep it in what they make: work of other settings does not count as finished.
    """
    return hashlib.sha256("\n".join(map(repr, parts)).encode(errors="surrogateescape")).hexdigest()[:12]


class _Task:
    """What a worker process does; an expected failure travels home as a value."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, row: IndexRow, report: Callable[[Any], None]) -> dict[str, int] | DfdetectError:
        try:
            return self._work(row)
        except DfdetectError as error:
            return error
