"""Judge a model folder on tables of faces, by face and by video, with intervals over sources."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, log_loss

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_folder import ModelFolder
from deepfake_cli.progress import Track, untracked

from .metrics import Measure, auc, bootstrap, calibration_error
from .tables import FaceRow, read_faces, read_picture

FEWEST = 10  # of either class; with fewer an AUC says nothing and only counts are given


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
class Judged:
    """Scores of one table.

    Attributes:
        dataset: Name of the folder that the table lies in.
        split: Which splits were judged.
        rows: The faces.
        scores: (N,) P(fake) of each.
    """

    dataset: str
    split: str
    rows: list[FaceRow]
    scores: NDArray[np.float64]


def judge(model: ModelFolder, table: Path, splits: Sequence[str], *, track: Track = untracked) -> Judged:
    """Score every face of some splits of a table, cut as scan cuts them.

    Raises:
        DataError: The table cannot be read or holds no row of these splits.
    """
    rows = read_faces(table, splits)
    if not rows:
        raise DataError(f"{table} has no row in the split {' or '.join(splits)}", "choose one with --split")
    config = model.config
    classifier = Classifier(
        model.onnx,
        size=config.input.size,
        mean=config.input.mean,
        std=config.input.std,
        temperature=config.calibration.temperature,
        threads=0,
    )
    scores = [
        classifier.score(
            cut_face(read_picture(row.path), row.box, config.input.size, config.input.margin)[None]
        )[0]
        for row in track(rows, f"scoring {table.parent.name}")
    ]
    return Judged(table.parent.name, "+".join(splits), rows, np.array(scores, np.float64))


def measure(judged: Judged, threshold: float, band: tuple[float, float]) -> list[Measurement]:
    """Compute all measures of a table: over faces, over videos, and over videos of each kind.

    Args:
        judged: Scores of the table.
        threshold: Scores from here on mean FAKE.
        band: Scores between these two are called UNCERTAIN.
    """
    labels = np.array([row.fake for row in judged.rows], np.int64)
    groups = np.array([row.original for row in judged.rows])
    found = _measure(judged, "faces", labels, judged.scores, groups, threshold, band)
    videos = _by(judged.rows, lambda row: row.video)
    if len(videos) == len(judged.rows):
        return found
    first = [rows[0] for rows in videos]
    means = np.array([judged.scores[rows].mean() for rows in videos])
    found += _measure(judged, "videos", labels[first], means, groups[first], threshold, band)
    for key in ("method", "compression"):
        for name in sorted({getattr(judged.rows[i], key) for i in first} - {""}):
            kept = np.array([getattr(judged.rows[i], key) in ("", name) for i in first])
            part = _measure(
                judged,
                f"videos, {name}",
                labels[first][kept],
                means[kept],
                groups[first][kept],
                threshold,
                band,
            )
            found += [m for m in part if m.metric.startswith(("AUC", "balanced"))]
    return found


def save_scores(path: Path, judged: Iterable[Judged]) -> None:
    """Write one CSV row a face, its score last."""
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["dataset", "image", "video", "original", "label", "method", "compression", "split", "score"]
        )
        for table in judged:
            for row, score in zip(table.rows, table.scores, strict=True):
                label = "fake" if row.fake else "real"
                source = [
                    row.path.name,
                    row.video,
                    row.original,
                    label,
                    row.method,
                    row.compression,
                    row.split,
                ]
                writer.writerow([table.dataset, *source, f"{score:.4f}"])


def to_json(measurements: Iterable[Measurement]) -> list[dict[str, object]]:
    """Turn measurements into JSON values."""
    return [asdict(m) for m in measurements]


def _measure(
    judged: Judged,
    unit: str,
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    groups: NDArray[np.str_],
    threshold: float,
    band: tuple[float, float],
) -> list[Measurement]:
    real, fake = int((labels == 0).sum()), int((labels == 1).sum())
    kinds: dict[str, Measure] = {
        "AUC": auc,
        "balanced accuracy": lambda y, s: float(balanced_accuracy_score(y, s >= threshold)),
        "log loss": lambda y, s: float(log_loss(y, s, labels=[0, 1])),
        "Brier score": lambda y, s: float(brier_score_loss(y, s)),
        "calibration error": calibration_error,
        "share in the UNCERTAIN band": lambda y, s: float(np.mean((s >= band[0]) & (s <= band[1]))),
    }
    enough = min(real, fake) >= FEWEST
    found = []
    for name, kind in kinds.items():
        value = kind(labels, scores) if enough else None
        interval = bootstrap(kind, labels, scores, groups) if enough else None
        found.append(
            Measurement(judged.dataset, judged.split, f"{name}, {unit}", value, interval, real, fake)
        )
    return found


def _by(rows: list[FaceRow], key: Callable[[FaceRow], str]) -> list[list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        members[key(row)].append(index)
    return list(members.values())
