"""Other ways to judge a video by its frames, beside the mean that scan takes: for comparison only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..measure.metrics import balanced_accuracy

STEPS = tuple(round(0.1 * i, 1) for i in range(1, 10))

Square = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class FrameRules:
    """How well it does to call a video fake where a share of its frames is.

    The grid is that of the reports of MRI-GAN (Prajapati and Pollett, arXiv 2203.00108).

    Attributes:
        steps: Thresholds of a frame's score, the rows; and shares of fake frames from which a video is fake,
            the columns.
        accuracy: Of each pair.
        balanced_accuracy: Of each pair.
        best: Row and column of the greatest balanced accuracy, the first of equals.
        mean_accuracy: Of the mean over the frames, with the threshold of the model.
        mean_balanced_accuracy: The same.
    """

    steps: tuple[float, ...]
    accuracy: Square
    balanced_accuracy: Square
    best: tuple[int, int]
    mean_accuracy: float
    mean_balanced_accuracy: float


def try_frame_rules(
    labels: NDArray[np.int64],
    which: NDArray[np.int64],
    scores: NDArray[np.float64],
    called: NDArray[np.bool_],
) -> FrameRules:
    """Judge videos by every pair of a frame's threshold and a share of fake frames.

    Args:
        labels: (V,) 1 for fake, of the videos.
        which: (N,) the video of each face.
        scores: (N,) P(fake) of each face.
        called: (V,) whether the mean rule calls the video fake.
    """
    counts = np.bincount(which, minlength=len(labels))
    # A share of 0.3 is reached by 3 frames of 10, whatever binary fractions make of it.
    shares = [np.bincount(which, scores >= step, len(labels)) / counts + 1e-9 for step in STEPS]
    calls = [[share >= step for step in STEPS] for share in shares]
    balanced = tuple(tuple(balanced_accuracy(labels, call) for call in row) for row in calls)
    best = int(np.argmax(balanced))
    return FrameRules(
        steps=STEPS,
        accuracy=tuple(tuple(_accuracy(labels, call) for call in row) for row in calls),
        balanced_accuracy=balanced,
        best=(best // len(STEPS), best % len(STEPS)),
        mean_accuracy=_accuracy(labels, called),
        mean_balanced_accuracy=balanced_accuracy(labels, called),
    )


def _accuracy(labels: NDArray[np.int64], called: NDArray[np.bool_]) -> float:
    return float(np.mean(called == (labels == 1)))
