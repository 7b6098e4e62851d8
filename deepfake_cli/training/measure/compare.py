"""Compare two detectors on the same faces: what differs, and whether that is more than chance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.io.model_folder import ModelFolder
from deepfake_cli.progress import Track, untracked

from .evaluate import judge
from .examples import examples_of, is_enough, quick_auc
from .judged import Part
from .metrics import Measure, balanced_accuracy, bootstrap

Interval = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """How a measure of A differs from that of B.

    Attributes:
        a: Value of A.
        a_interval: 95 % interval of it.
        b: Value of B.
        b_interval: 95 % interval of it.
        difference: A less B.
        interval: 95 % interval of the difference, both judged on the same drawn sources.
        ahead: Share of the draws in which A is better; a tie counts half.
    """

    a: float
    a_interval: Interval
    b: float
    b_interval: Interval
    difference: float
    interval: Interval
    ahead: float


@dataclass(frozen=True)
class Comparison:
    """One measure of two detectors on one table.

    Attributes:
        dataset: Name of the folder that the table lies in.
        split: Which splits were judged.
        measure: What was measured, over what.
        real: How many real examples there are.
        fake: How many fake ones.
        found: How they differ; None where there are too few of a class.
    """

    dataset: str
    split: str
    measure: str
    real: int
    fake: int
    found: Difference | None

    def say(self, a: str, b: str) -> str:
        """Put into a sentence which of the two is better, if one is; ``a`` and ``b`` are their names."""
        if self.found is None:
            return f"too few to tell: {self.real} real and {self.fake} fake"
        low, high = self.found.interval
        if low > 0:
            return f"{a} is better, and that is more than chance"
        if high < 0:
            return f"{b} is better, and that is more than chance"
        return "no difference beyond chance"


def compare(
    a: ModelFolder, b: ModelFolder, tables: Sequence[Path], splits: Sequence[str], *, track: Track = untracked
) -> list[Comparison]:
    """Compare two classifiers by AUC, and by balanced accuracy, each at its own threshold.

    Raises:
        DataError: A table cannot be read or holds no row of these splits.
    """
    found = []
    for table in tables:
        one, other = (judge(model, table, splits, track=track) for model in (a, b))
        part_a, part_b = examples_of(one), examples_of(other)
        called_a, called_b = (balanced_accuracy_at(model.config.decision.threshold) for model in (a, b))
        for name, of_a, of_b in (("AUC", quick_auc, quick_auc), ("balanced accuracy", called_a, called_b)):
            difference = differ(part_a, part_b, of_a, of_b) if is_enough(part_a) else None
            measure = f"{name}, {part_a.name}"
            found.append(Comparison(one.dataset, one.split, measure, *part_a.count(), found=difference))
    return found


def differ(a: Part, b: Part, of_a: Measure, of_b: Measure) -> Difference:
    """Measure two judgements of the same examples, and their difference on the same drawn sources.

    Args:
        a: Examples as A judges them, both classes among them.
        b: The same examples as B judges them.
        of_a: What is measured of A.
        of_b: The same of B; another function where it has a threshold of its own.
    """
    both = np.stack([a.scores, b.scores], axis=1)
    drawn: list[float] = []

    def difference(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
        value = of_a(labels, scores[:, 0]) - of_b(labels, scores[:, 1])
        drawn.append(value)
        return value

    interval = bootstrap(difference, a.labels, both, a.sources)
    differences = np.array(drawn)
    return Difference(
        a=of_a(a.labels, a.scores),
        a_interval=bootstrap(of_a, a.labels, a.scores, a.sources),
        b=of_b(b.labels, b.scores),
        b_interval=bootstrap(of_b, b.labels, b.scores, b.sources),
        difference=difference(a.labels, both),
        interval=interval,
        ahead=float(np.mean(differences > 0) + np.mean(differences == 0) / 2),
    )


def balanced_accuracy_at(threshold: float) -> Measure:
    """Make the measure of how well a threshold parts the classes; both must be there."""

    def measure(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
        return balanced_accuracy(labels, scores >= threshold)

    return measure


def to_json(a: str, b: str, found: Sequence[Comparison]) -> dict[str, Any]:
    """Turn comparisons into JSON values; ``a`` and ``b`` are the names of the models."""
    return {
        "a": a,
        "b": b,
        "comparisons": [{**asdict(one), "verdict": one.say(a, b)} for one in found],
    }
