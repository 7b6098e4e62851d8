"""Tell how far each stage is, by what lies in the workspace."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deepfake_cli.errors import DataError
from deepfake_cli.io.frames import frames_folder
from deepfake_cli.io.index import IndexRow, read_index, read_source
from deepfake_cli.io.modalities import modalities_folder
from deepfake_cli.io.workspace import DatasetFolder, dataset_folder, dataset_folders
from deepfake_cli.settings import Profile

from .augment_plan import read_plan
from .mri import drawn


@dataclass(frozen=True)
class StageStatus:
    """How far a stage is.

    Attributes:
        stage: Its name, as the command's.
        done: Files it has finished.
        total: Files it is for; 0 where that is not known yet, or nobody asked for it.
        bad: Files it could not use.
    """

    stage: str
    done: int
    total: int
    bad: int

    @property
    def state(self) -> str:
        """Put it in a word: done, begun, or nothing."""
        if self.total and self.done + self.bad >= self.total:
            return "done"
        return "begun" if self.done else ""


@dataclass(frozen=True)
class DatasetStatus:
    """How far a data set is.

    Attributes:
        name: Of its folder in the workspace.
        dataset: In the registry.
        root: Where its raw files lie.
        stages: In the order in which they are run.
        problem: Why little can be told, such as a damaged index; empty as a rule.
    """

    name: str
    dataset: str
    root: str
    stages: tuple[StageStatus, ...]
    problem: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        stages = [asdict(stage) | {"state": stage.state} for stage in self.stages]
        return asdict(self) | {"stages": stages}


def status_of(profile: Profile, names: Sequence[str]) -> list[DatasetStatus]:
    """Look at data sets of the workspace.

    Args:
        profile: Names the workspace, and what stages were asked to use.
        names: Which data sets; none for all.

    Raises:
        DataError: A data set that was named is not in the workspace.
        UsageError: A name cannot be that of a data set.
    """
    workspace = profile.workspace.path
    chosen = [dataset_folder(workspace, name) for name in names] or dataset_folders(workspace)
    for folder in chosen:
        if not folder.source.exists():
            raise DataError(
                f"there is no data set {folder.name} in {workspace}",
                f"adopt it with: dfdetect data fetch {folder.name}",
            )
    return [_look(folder, profile) for folder in chosen]


def _look(folder: DatasetFolder, profile: Profile) -> DatasetStatus:
    dataset = root = problem = ""
    stages = []
    try:
        source = read_source(folder)
        dataset, root = source.dataset, str(source.root)
        stages.append(StageStatus("fetch", int(source.root.is_dir()), 1, 0))
        stages += _stages(folder, profile)
    except DataError as error:
        problem = error.message
    return DatasetStatus(folder.name, dataset, root, tuple(stages), problem)


def _stages(folder: DatasetFolder, profile: Profile) -> list[StageStatus]:
    """Count, in one pass over the index, what each stage has made of what it should."""
    expected = _expectations(folder, profile)
    done, total, rows = Counter[str](), Counter[str](), 0
    if folder.index.exists():
        for row in read_index(folder.index):
            rows += 1
            for stage, find in expected.items():
                made = find(row)
                total[stage] += made is not None
                done[stage] += bool(made)
    index = _report(folder, "index")
    bad = len(index.get("bad", []))
    table = len(_report(folder, "table").get("bad", []))
    return [
        StageStatus("index", rows, rows + bad, bad),
        *(StageStatus(stage, done[stage], total[stage], _bad(folder, stage)) for stage in expected),
        StageStatus("table", rows - table if folder.faces.exists() else 0, rows, table),
    ]


def _expectations(folder: DatasetFolder, profile: Profile) -> dict[str, Callable[[IndexRow], bool | None]]:
    """Make, for each stage, the question whether it is done with a row; None where it has nothing to do."""
    plan = read_plan(folder) if folder.plan.exists() else None

    def augment(row: IndexRow) -> bool | None:
        if plan is None or not plan.entries(row):
            return None
        return (folder.augmented / f"{row.id}.mp4").exists()

    def mri(row: IndexRow) -> bool | None:
        return (folder.mri / row.id).is_dir() if row.fake and drawn(row, profile) else None

    # No other stage needs these, so they are told of where somebody does.
    frames: dict[str, Callable[[IndexRow], bool | None]] = {}
    if frames_folder(folder).exists():
        frames["frames"] = lambda row: (frames_folder(folder) / row.id).is_dir()
    modalities: dict[str, Callable[[IndexRow], bool | None]] = {}
    if modalities_folder(folder).exists():
        modalities["modalities"] = lambda row: (modalities_folder(folder) / row.id).is_dir()

    return {
        "augment": augment,
        **frames,
        "landmarks": lambda row: (folder.landmarks / f"{row.id}.json").exists(),
        "crop": lambda row: (folder.crops / row.id).is_dir(),
        "mri": mri,
        **modalities,
        "forge": lambda row: None if row.fake else (folder.forged / row.id).is_dir(),
    }


def _bad(folder: DatasetFolder, stage: str) -> int:
    return len(_report(folder, stage).get("bad", []))


def _report(folder: DatasetFolder, stage: str) -> dict[str, Any]:
    """Read a stage's report; empty where there is none, or none that makes sense."""
    try:
        report = json.loads(folder.report(stage).read_bytes())
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
