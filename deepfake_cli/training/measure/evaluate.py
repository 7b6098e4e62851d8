"""Judge models on tables of faces, by face and by video, with intervals over sources."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError
from deepfake_cli.inference.mri_generator import MriGenerator
from deepfake_cli.inference.stack import open_scorer
from deepfake_cli.io.files import reason, write_atomically
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.io.model_folder import ModelFolder as ModelFolder
from deepfake_cli.progress import Track, untracked

from ..tables import FaceRow, read_faces, read_picture
from .judged import Judged as Judged
from .judged import Unscored, keep_apart, kinds, whole_parts
from .metrics import auc, bootstrap

Score = Callable[[NDArray[np.uint8], NDArray[np.float64]], float]  # of the face in a box (4,) of a picture
FEWEST = 10  # of either class; with fewer a rate says nothing and only verdicts are counted


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

    @property
    def estimate(self) -> str:
        """Value and interval in words."""
        if self.value is None:
            return "\u2013"
        if self.interval is None:
            return f"{self.value:.3f} (one source)"
        return f"{self.value:.3f} ({self.interval[0]:.3f} to {self.interval[1]:.3f})"


def judge(model: ModelFolder, table: Path, splits: Sequence[str], *, track: Track = untracked) -> Judged:
    """Score every face of some splits of a table, cut as scan cuts them.

    Raises:
        DataError: The table cannot be read, holds no row of these splits, or none of its pictures
            can be read.
    """
    scorer = open_scorer(model, threads=0)
    return _judged(
        table, splits, lambda picture, box: float(scorer.score([scorer.cut(picture, box)])[0]), track
    )


def judge_maps(
    generator: GeneratorFolder, table: Path, splits: Sequence[str], *, track: Track = untracked
) -> Judged:
    """Score every face of some splits of a table by the mean of the map that a generator paints of it.

    Raises:
        DataError: The table cannot be read, holds no row of these splits, or none of its pictures
            can be read.
    """
    given = generator.config.input
    painter = MriGenerator(generator.onnx, size=given.size, mean=given.mean, std=given.std, threads=0)

    def brightness(picture: NDArray[np.uint8], box: NDArray[np.float64]) -> float:
        return float(painter.paint(cut_face(picture, box, given.size, given.margin)[None]).mean())

    return _judged(table, splits, brightness, track)


def measure_order(judged: Judged) -> list[Measurement]:
    """Compute how well scores that are no probabilities order faces and videos, and those of each kind."""
    parts = whole_parts(judged)
    if len(parts) > 1:
        parts += [part for _, part in kinds(judged) if part.name.startswith("videos")]
    found = []
    for part in parts:
        real, fake = part.count()
        value, interval = None, None
        if min(real, fake) >= FEWEST:
            value = auc(part.labels, part.scores)
            interval = bootstrap(auc, part.labels, part.scores, part.sources)
        name = f"AUC, {part.name}"
        found.append(Measurement(judged.dataset, judged.split, name, value, interval, real, fake))
    return found


def save_scores(path: Path, judged: Iterable[Judged]) -> None:
    """Write one CSV row a face, its score last."""
    names = ("dataset", "image", "video", "original", "label", "method", "compression", "split")
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*names, "time", "box", "score"))
        for table in judged:
            times = [f"{time:.3f}" for time in table.times] or [""] * len(table.rows)
            for row, time, score in zip(table.rows, times, table.scores, strict=True):
                label = "fake" if row.fake else "real"
                cells = (table.dataset, row.path.name, row.video, row.original, label)
                box = " ".join(f"{side:g}" for side in row.box)
                more = (row.method, row.compression, row.split, time, box)
                writer.writerow((*cells, *more, f"{score:.4f}"))


def to_json(measurements: Iterable[Measurement]) -> list[dict[str, object]]:
    """Turn measurements into JSON values."""
    return [asdict(m) for m in measurements]


def _judged(table: Path, splits: Sequence[str], score: Score, track: Track) -> Judged:
    dataset = table.absolute().parent.name
    rows, scores, unread = [], [], []
    for row in track(read_rows(table, splits), f"scoring {dataset}"):
        try:
            picture = read_picture(row.path)
        except (DataError, OSError) as error:
            unread.append(_unread(row, error))
            continue
        rows.append(row)
        scores.append(score(picture, row.box))
    if not rows:
        raise DataError(
            f"cannot read a single picture of {table}; {unread[0].path}: {unread[0].reason}",
            "make the table and its pictures again",
        )
    return Judged(dataset, "+".join(splits), rows, np.array(scores, np.float64), tuple(unread))


def read_rows(table: Path, splits: Sequence[str]) -> list[FaceRow]:
    """Read the rows of some splits of a table.

    Raises:
        DataError: The table cannot be read, or holds no row of these splits.
    """
    rows = read_faces(table, splits)
    if not rows:
        raise DataError(f"{table} has no row in the split {' or '.join(splits)}", "choose one with --split")
    return rows


def read_all(tables: Sequence[Path], splits: Sequence[str]) -> list[FaceRow]:
    """Read the rows of some splits of all tables; videos and sources of two tables stay two.

    Raises:
        DataError: As ``read_rows``.
    """
    return [
        keep_apart(row, number) for number, table in enumerate(tables) for row in read_rows(table, splits)
    ]


def datasets_of(tables: Iterable[Path]) -> list[str]:
    """Name the data sets of tables, each once: a table lies in the folder of its data set."""
    return list(dict.fromkeys(table.resolve().parent.name for table in tables))


def _unread(row: FaceRow, error: DataError | OSError) -> Unscored:
    if isinstance(error, OSError):
        why = reason(error)
    else:
        why = "cannot be decoded" if row.path.is_file() else "no such file"
    return Unscored(
        path=row.path,
        video=row.video,
        original=row.original,
        fake=row.fake,
        method=row.method,
        compression=row.compression,
        split=row.split,
        verdict="UNREADABLE",
        reason=why,
    )
