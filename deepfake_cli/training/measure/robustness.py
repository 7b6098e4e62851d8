"""How much damage to pictures a detector stands."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError
from deepfake_cli.inference.stack import open_scorer
from deepfake_cli.io.model_folder import ModelFolder
from deepfake_cli.progress import Track, untracked

from ..tables import FaceRow
from .batches import Batch, batches, count_batches
from .damage import KINDS, Kind
from .evaluate import FEWEST, read_rows
from .examples import examples_of, is_enough, quick_auc
from .judged import Judged
from .metrics import bootstrap


@dataclass(frozen=True)
class Cell:
    """What is left of a detector under one damage.

    Attributes:
        kind: A key of ``KINDS``; empty for undamaged pictures.
        level: 1 (mild) to 5; 0 for undamaged pictures.
        value: What the level means.
        auc: Over the examples.
        interval: 95 % interval of it.
    """

    kind: str
    level: int
    value: float
    auc: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Robustness:
    """How a detector does on damaged pictures of a table.

    Attributes:
        dataset: Name of the folder that the table lies in.
        split: Which splits were judged.
        examples: ``videos``, or ``faces`` where there is one of each video.
        faces: How many faces were judged.
        real: How many real examples there are.
        fake: How many fake ones.
        clean: On undamaged pictures.
        cells: Of all kinds and levels.
    """

    dataset: str
    split: str
    examples: str
    faces: int
    real: int
    fake: int
    clean: Cell
    cells: tuple[Cell, ...]

    @property
    def mean(self) -> float:
        """Mean AUC over all damage."""
        return float(np.mean([cell.auc for cell in self.cells]))

    @property
    def worst(self) -> Cell:
        """The cell of the lowest AUC."""
        return min(self.cells, key=lambda cell: cell.auc)


def measure_robustness(
    model: ModelFolder,
    table: Path,
    splits: Sequence[str],
    kinds: Sequence[str],
    *,
    faces: int | None = None,
    seed: int = 0,
    track: Track = untracked,
) -> Robustness:
    """Judge faces in undamaged and in damaged pictures; damage comes before the face is cut.

    Args:
        model: The detector.
        table: The ``faces.csv``.
        splits: Of it.
        kinds: Keys of ``KINDS``.
        faces: At most so many are judged; None for all.
        seed: Starts the draws of noise and blocks; each face and cell has its own, whatever else is judged.
        track: Shows the progress, batch by batch.

    Raises:
        DataError: The table or a picture cannot be read, or there are too few of a class.
    """
    rows = read_rows(table, splits)
    rows = draw_faces(rows, faces or len(rows), seed)
    asked = [("", 0, 0.0)] + [
        (name, level, value) for name in kinds for level, value in enumerate(KINDS[name].levels, 1)
    ]
    judged = Judged(table.parent.name, "+".join(splits), rows, np.zeros(len(rows)))
    part = examples_of(judged)
    real, fake = part.count()
    if not is_enough(part):
        words = f"{real} real and {fake} fake {part.name} are too few to measure robustness"
        raise DataError(words, f"take at least {FEWEST} of each: more --faces, or another --split")
    scores = _score(model, rows, asked, seed, track)
    clean, *cells = (
        _cell(replace(judged, scores=mine), *cell) for mine, cell in zip(scores, asked, strict=True)
    )
    return Robustness(judged.dataset, judged.split, part.name, len(rows), real, fake, clean, tuple(cells))


def draw_faces(rows: Sequence[FaceRow], count: int, seed: int = 0) -> list[FaceRow]:
    """Draw at most ``count`` faces: as many real as fake ones where there are, and evenly over videos."""
    rng = np.random.default_rng(seed)
    labels = [
        _over_videos(rows, [place for place, row in enumerate(rows) if row.fake == fake], rng)
        for fake in (False, True)
    ]
    turns = [place for place in chain.from_iterable(zip_longest(*labels)) if place is not None]
    return [rows[place] for place in sorted(turns[:count])]


def _over_videos(rows: Sequence[FaceRow], places: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Put places of faces in an order that takes one of every video before a second of any."""
    videos: dict[str, list[int]] = defaultdict(list)
    for place in rng.permutation(places).tolist():
        videos[rows[place].video].append(place)
    turns = zip_longest(*videos.values())
    return [place for place in chain.from_iterable(turns) if place is not None]


def _score(
    model: ModelFolder,
    rows: Sequence[FaceRow],
    asked: Sequence[tuple[str, int, float]],
    seed: int,
    track: Track,
) -> NDArray[np.float64]:
    """Score every face in every cell, (cells, N)."""
    scorer = open_scorer(model, threads=0)
    scores = np.zeros((len(asked), len(rows)))
    for batch in track(batches(rows), "damaging and scoring", count_batches(rows)):
        inside = slice(batch.first, batch.first + len(batch.rows))
        for number, (name, level, _) in enumerate(asked):
            pictures = _damage(batch, KINDS[name], level, f"{seed}/{name}") if name else batch.pictures
            faces = [scorer.cut(picture, row.box) for picture, row in zip(pictures, batch.rows, strict=True)]
            scores[number, inside] = scorer.score(faces)
    return scores


def _damage(batch: Batch, kind: Kind, level: int, key: str) -> list[NDArray[np.uint8]]:
    return [
        kind.apply(picture, kind.levels[level - 1], _generator(f"{key}/{level}/{row.video}/{row.path.name}"))
        for picture, row in zip(batch.pictures, batch.rows, strict=True)
    ]


def _generator(key: str) -> np.random.Generator:
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _cell(judged: Judged, kind: str, level: int, value: float) -> Cell:
    part = examples_of(judged)
    interval = bootstrap(quick_auc, part.labels, part.scores, part.sources)
    return Cell(kind, level, value, quick_auc(part.labels, part.scores), interval)


def by_kind(found: Robustness) -> Mapping[str, list[Cell]]:
    """Group the cells by kind, the mildest level first."""
    kinds: dict[str, list[Cell]] = defaultdict(list)
    for cell in found.cells:
        kinds[cell.kind].append(cell)
    return kinds
