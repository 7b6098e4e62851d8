"""Judge models on tables of faces, by face and by video, with intervals over sources."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, log_loss

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.inference.mri_generator import MriGenerator
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_config import Decision, Input
from deepfake_cli.io.model_folder import GeneratorFolder, ModelFolder
from deepfake_cli.progress import Track, untracked

from .judged import Judged as Judged
from .judged import Part, by_face, by_video
from .metrics import Measure, auc, bootstrap, calibration_error
from .tables import read_faces, read_picture

Faces = NDArray[np.uint8]  # (N, S, S, 3)
FEWEST = 10  # of either class; with fewer a rate says nothing and only verdicts are counted
_IN_PARTS = ("AUC", "balanced accuracy")  # what is told of every method and compression as well


@dataclass(frozen=True)
class Measurement:
    """One number with what it rests on; ``value`` is None where there are too few of a class."""

    dataset: str
    split: str
    metric: str
    value: float | None
    interval: tuple[float, float] | None
    real: int
    fake: int


@dataclass(frozen=True)
class Called:
    """How many real and how many fake examples were called REAL, UNCERTAIN and FAKE."""

    dataset: str
    split: str
    examples: str
    real: tuple[int, int, int]
    fake: tuple[int, int, int]


def judge(model: ModelFolder, table: Path, splits: Sequence[str], *, track: Track = untracked) -> Judged:
    """Score every face of some splits of a table, cut as scan cuts them.

    Raises:
        DataError: The table cannot be read or holds no row of these splits.
    """
    given = model.config.input
    classifier = Classifier(
        model.onnx,
        size=given.size,
        mean=given.mean,
        std=given.std,
        temperature=model.config.calibration.temperature,
        threads=0,
    )
    return _judged(table, splits, model.config.input, lambda face: float(classifier.score(face)[0]), track)


def judge_maps(
    generator: GeneratorFolder, table: Path, splits: Sequence[str], *, track: Track = untracked
) -> Judged:
    """Score every face of some splits of a table by the mean of the map that a generator paints of it.

    Raises:
        DataError: The table cannot be read or holds no row of these splits.
    """
    given = generator.config.input
    painter = MriGenerator(generator.onnx, size=given.size, mean=given.mean, std=given.std, threads=0)
    return _judged(table, splits, given, lambda face: float(painter.paint(face).mean()), track)


def measure(judged: Judged, decision: Decision) -> list[Measurement]:
    """Compute all measures over faces and over videos, and some over the videos of each kind."""
    whole, kinds = _parts(judged)
    measures = _measures(decision)
    some = {name: measures[name] for name in _IN_PARTS}
    found = [m for part in whole for m in _measure(judged, part, measures)]
    found += [m for part in kinds for m in _measure(judged, part, some)]
    return found


def measure_order(judged: Judged) -> list[Measurement]:
    """Compute how well scores that are no probabilities order faces and videos, and those of each kind."""
    return [m for parts in _parts(judged) for part in parts for m in _measure(judged, part, {"AUC": auc})]


def count_verdicts(judged: Judged, decision: Decision) -> list[Called]:
    """Count what was called what, over faces, over videos and over the videos of each kind."""
    low, high = decision.uncertain
    found = []
    for part in (p for parts in _parts(judged) for p in parts):
        uncertain = (part.scores >= low) & (part.scores < high)
        fake = (part.scores >= decision.threshold) & ~uncertain
        verdict = np.where(uncertain, 1, np.where(fake, 2, 0))
        real, forged = (np.bincount(verdict[part.labels == label], minlength=3) for label in (0, 1))
        found.append(
            Called(judged.dataset, judged.split, part.name, tuple(real.tolist()), tuple(forged.tolist()))
        )
    return found


def save_scores(path: Path, judged: Iterable[Judged]) -> None:
    """Write one CSV row a face, its score last."""
    header = ("dataset", "image", "video", "original", "label", "method", "compression", "split", "score")
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for table in judged:
            for row, score in zip(table.rows, table.scores, strict=True):
                label = "fake" if row.fake else "real"
                names = (table.dataset, row.path.name, row.video, row.original, label)
                writer.writerow((*names, row.method, row.compression, row.split, f"{score:.4f}"))


def to_json(
    measurements: Iterable[Measurement], called: Iterable[Called]
) -> dict[str, list[dict[str, object]]]:
    """Turn what was found into JSON values."""
    return {"measurements": [asdict(m) for m in measurements], "verdicts": [asdict(c) for c in called]}


def _parts(judged: Judged) -> tuple[list[Part], list[Part]]:
    """Group the faces: all of them and all videos; then the videos of each method and compression."""
    videos = by_video(judged)
    if len(videos.rows) == len(judged.rows):
        return [by_face(judged)], []
    return [by_face(judged), videos], list(_kinds(videos))


def _kinds(videos: Part) -> Iterator[Part]:
    """Yield the videos of each kind; those of a method hold the real ones, to be told from, too."""
    for column, always in (("method", ""), ("compression", None)):
        values = np.array([getattr(row, column) for row in videos.rows])
        for value in sorted(set(values.tolist()) - {""}):
            yield videos.only(f"videos, {value}", (values == value) | (values == always))


def _measures(decision: Decision) -> dict[str, Measure]:
    low, high = decision.uncertain
    return {
        "AUC": auc,
        "balanced accuracy": lambda y, s: float(balanced_accuracy_score(y, s >= decision.threshold)),
        "log loss": lambda y, s: float(log_loss(y, s, labels=[0, 1])),
        "Brier score": lambda y, s: float(brier_score_loss(y, s)),
        "calibration error": calibration_error,
        "share UNCERTAIN": lambda y, s: float(np.mean((s >= low) & (s < high))),
    }


def _measure(judged: Judged, part: Part, measures: Mapping[str, Measure]) -> Iterator[Measurement]:
    real, fake = int((part.labels == 0).sum()), int((part.labels == 1).sum())
    enough = min(real, fake) >= FEWEST
    for name, of in measures.items():
        value = of(part.labels, part.scores) if enough else None
        interval = bootstrap(of, part.labels, part.scores, part.sources) if enough else None
        metric = f"{name}, {part.name}"
        yield Measurement(judged.dataset, judged.split, metric, value, interval, real, fake)


def _judged(
    table: Path, splits: Sequence[str], given: Input, score: Callable[[Faces], float], track: Track
) -> Judged:
    rows = read_faces(table, splits)
    if not rows:
        raise DataError(f"{table} has no row in the split {' or '.join(splits)}", "choose one with --split")
    scores = [
        score(cut_face(read_picture(row.path), row.box, given.size, given.margin)[None])
        for row in track(rows, f"scoring {table.parent.name}")
    ]
    return Judged(table.parent.name, "+".join(splits), rows, np.array(scores, np.float64))
