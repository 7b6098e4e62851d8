"""Generalisation: several detectors on several test sets, and where one has seen what it is tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.errors import DataError
from deepfake_cli.io.model_folder import ModelFolder
from deepfake_cli.progress import Track, untracked

from ..tables import read_faces
from .evaluate import judge
from .examples import examples_of, is_enough, label_tables, quick_auc
from .metrics import bootstrap
from .overlap import Learned, Overlap, describe, find_learned, overlap, read_learned

SEEN, SAME, UNKNOWN, APART = "!", "=", "?", ""
LEGEND = {
    SEEN: "the model has seen originals or faces of this test set: the number flatters it",
    SAME: "the model learned from a data set of this name; from other sources as far as is known",
    UNKNOWN: "nothing is known of the pictures that the model learned from, only the names of data sets",
}


@dataclass(frozen=True)
class Cell:
    """One model on one test set.

    Attributes:
        model: What the model is called.
        trained_on: Names of the data sets it learned from.
        dataset: What the test set is called.
        split: Which splits were judged.
        examples: ``videos``, or ``faces`` where there is one of each video.
        auc: None where there are too few of a class.
        interval: 95 % interval of it.
        real: How many real examples there are.
        fake: How many fake ones.
        mark: A key of ``LEGEND``; empty where the model was checked and has seen nothing of this.
        seen: What the model has seen of the test set.
    """

    model: str
    trained_on: tuple[str, ...]
    dataset: str
    split: str
    examples: str
    auc: float | None
    interval: tuple[float, float] | None
    real: int
    fake: int
    mark: str
    seen: Overlap


@dataclass(frozen=True)
class _Test:
    """A test set: its table, its name and what it holds, where that is needed."""

    table: Path
    name: str
    dataset: str
    held: Learned | None


def measure_matrix(
    models: dict[str, ModelFolder],
    tables: Sequence[Path],
    splits: Sequence[str],
    *,
    strict: bool = False,
    track: Track = untracked,
) -> list[Cell]:
    """Judge every table with every model.

    Args:
        models: By what they are called.
        tables: The test sets.
        splits: Of the tables.
        strict: Refuse, before anything is judged, where a model has seen a test set.
        track: Shows the progress.

    Returns:
        One cell for each model and table, model by model.

    Raises:
        DataError: A table cannot be read or holds no row of these splits; or, if ``strict``, a model has seen
            a test set.
    """
    learned = {name: _learned(model) for name, model in models.items()}
    tests = _tests(tables, splits, any(learned.values()), track)
    marks = {
        (name, test.name): _mark(model, learned[name], test)
        for name, model in models.items()
        for test in tests
    }
    seen = [(key, shared) for key, (mark, shared) in marks.items() if mark == SEEN]
    if strict and seen:
        (model, test), shared = seen[0]
        raise DataError(
            f"{model} has seen {say_shared(shared)} of {test}",
            "test it on other sources, or leave out --strict",
        )
    return [
        _measure(name, model, test, splits, *marks[name, test.name], track)
        for name, model in models.items()
        for test in tests
    ]


def say_shared(shared: Overlap) -> str:
    """Put into words what a model has seen of a test set."""
    return f"{shared.originals} originals and {shared.faces} nearly identical faces"


def _learned(model: ModelFolder) -> Learned | None:
    path = find_learned(model.path)
    return read_learned(path) if path else None


def _tests(tables: Sequence[Path], splits: Sequence[str], look: bool, track: Track) -> list[_Test]:
    """Name the test sets, and look at what they hold where a model tells what it learned from."""
    datasets = [table.resolve().parent.name for table in tables]
    names = label_tables(datasets, [str(table) for table in tables])
    return [
        _Test(
            table, name, dataset, describe(dataset, read_faces(table, splits), track=track) if look else None
        )
        for table, name, dataset in zip(tables, names, datasets, strict=True)
    ]


def _mark(model: ModelFolder, learned: Learned | None, test: _Test) -> tuple[str, Overlap]:
    nothing = Overlap(0, 0)
    names = {name.casefold() for name in model.config.trained_on}
    if learned is None or test.held is None:
        return (SAME if test.dataset.casefold() in names else UNKNOWN), nothing
    if shared := overlap(learned, test.held):
        return SEEN, shared
    return (SAME if test.dataset in learned.datasets else APART), nothing


def _measure(
    name: str,
    model: ModelFolder,
    test: _Test,
    splits: Sequence[str],
    mark: str,
    shared: Overlap,
    track: Track,
) -> Cell:
    judged = judge(model, test.table, splits, track=track)
    part = examples_of(judged)
    enough = is_enough(part)
    real, fake = part.count()
    return Cell(
        model=name,
        trained_on=model.config.trained_on,
        dataset=test.name,
        split=judged.split,
        examples=part.name,
        auc=quick_auc(part.labels, part.scores) if enough else None,
        interval=bootstrap(quick_auc, part.labels, part.scores, part.sources) if enough else None,
        real=real,
        fake=fake,
        mark=mark,
        seen=shared,
    )
