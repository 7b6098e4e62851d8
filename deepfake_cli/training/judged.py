"""Faces with the scores that a model gave them, and how they are grouped to be measured."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tables import FaceRow


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


@dataclass(frozen=True)
class Part:
    """Examples that are measured together.

    Attributes:
        name: What they are, such as ``videos``.
        rows: (N,) the face, or the first face of the video.
        labels: (N,) 1 for fake.
        scores: (N,) P(fake).
        sources: (N,) what intervals keep whole.
    """

    name: str
    rows: list[FaceRow]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    sources: NDArray[np.str_]

    def only(self, name: str, kept: NDArray[np.bool_]) -> "Part":
        """Take some of the examples, (N,), under another name."""
        rows = [self.rows[i] for i in np.flatnonzero(kept)]
        return Part(name, rows, self.labels[kept], self.scores[kept], self.sources[kept])


def by_face(judged: Judged) -> Part:
    """Take every face as an example."""
    return _part("faces", judged.rows, judged.scores)


def by_video(judged: Judged) -> Part:
    """Take every video as an example: its score is the mean over its faces, as in scan."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(judged.rows):
        members[row.video].append(index)
    rows = [judged.rows[indices[0]] for indices in members.values()]
    return _part("videos", rows, np.array([judged.scores[indices].mean() for indices in members.values()]))


def _part(name: str, rows: list[FaceRow], scores: NDArray[np.float64]) -> Part:
    labels = np.array([row.fake for row in rows], np.int64)
    return Part(name, rows, labels, scores, np.array([row.original for row in rows]))
