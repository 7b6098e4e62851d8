"""What a detector is trusted by: whole videos, as scan judges them, or faces where that is all there is."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..tables import FaceRow
from .evaluate import FEWEST
from .judged import Judged, Part, by_face, by_video


def has_videos(rows: Sequence[FaceRow]) -> bool:
    """Tell whether there are several faces of a video."""
    return len({row.video for row in rows}) < len(rows)


def examples_of(judged: Judged) -> Part:
    """Take every video as an example, or every face where there is only one of each video."""
    return by_video(judged) if has_videos(judged.rows) else by_face(judged)


def is_enough(part: Part) -> bool:
    """Tell whether there are enough of both classes for a rate to say something."""
    return min(part.count()) >= FEWEST


def label_tables(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Call tables by the names of their data sets, and those of one name by their paths."""
    often = Counter(names)
    return [name if often[name] == 1 else path for name, path in zip(names, paths, strict=True)]


def quick_auc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Compute ``metrics.auc`` without its checks, many times as fast: thousands of draws have to be measured.

    The share of couples of a real and a fake example that are in the right order; ties count half.

    Args:
        labels: (N,) 1 for fake; both classes are there.
        scores: (N,) P(fake).
    """
    real, fake = np.sort(scores[labels == 0]), scores[labels == 1]
    below = np.searchsorted(real, fake, "left") + np.searchsorted(real, fake, "right")
    return float(below.sum()) / (2 * len(real) * len(fake))
