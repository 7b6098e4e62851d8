"""Curves of what scores tell: ROC, precision and recall, reliability, and how scores are spread."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.io.curves import Curves
from deepfake_cli.io.model_config import Decision

from .evaluate import FEWEST
from .judged import Part
from .metrics import Measures

_BINS = 20  # of the score, for how it is spread
_MOST = 500  # points of a curve: more cannot be seen

Named = Sequence[tuple[str, Part]]


def draw_all(parts: Named, decision: Decision) -> dict[str, Curves]:
    """Draw examples that were measured.

    Args:
        parts: Examples by the name that their curve gets.
        decision: Where the threshold lies.

    Returns:
        ``roc``, ``pr`` and ``reliability`` of the parts with at least ten of each class, none if there are
        none; and ``scores`` of the first part.
    """
    enough = [(name, part) for name, part in parts if min(part.count()) >= FEWEST]
    measures = {name: _measures(part, decision) for name, part in enough}
    ones = {name: np.ones(len(part.rows), np.int64) for name, part in enough}
    curves = {}
    if enough:
        values = {name: dict(zip(m.NAMES, m.of(ones[name]), strict=True)) for name, m in measures.items()}
        curves["roc"] = Curves(
            "ROC: how many fakes are found at the price of how many false alarms",
            "false positive rate",
            {
                **{f"{n}, AUC {values[n]['AUC']:.3f}": _thin(*m.roc(ones[n])) for n, m in measures.items()},
                "chance": [(0, 0), (1, 1)],
            },
            y="true positive rate",
            dashed=["chance"],
            square=True,
        )
        curves["pr"] = Curves(
            "Precision and recall: how many of those called fake are fake, and how many fakes are found",
            "recall",
            {
                f"{n}, AP {values[n]['average precision']:.3f}": _thin(*m.precision(ones[n]))
                for n, m in measures.items()
            },
            y="precision",
            square=True,
        )
        curves["reliability"] = Curves(
            "Reliability: how many are fake among those with about the same score",
            "mean score",
            {
                **{
                    f"{n}, error {values[n]['calibration error']:.3f}": m.reliability()
                    for n, m in measures.items()
                },
                "calibrated": [(0, 0), (1, 1)],
            },
            y="share of fakes",
            dashed=["calibrated"],
            square=True,
            dots=True,
        )
    name, part = parts[0]
    return {**curves, "scores": _spread(name, part, decision)}


def _measures(part: Part, decision: Decision) -> Measures:
    return Measures(part.labels, part.scores, decision.threshold, part.verdicts(decision) == "UNCERTAIN")


def _spread(name: str, part: Part, decision: Decision) -> Curves:
    """Draw the histograms of real and fake examples as steps, and the threshold between them."""
    edges = np.linspace(0, 1, _BINS + 1)
    lines: dict[str, list[tuple[float, float]]] = {}
    for label, word in enumerate(("real", "fake")):
        of = part.scores[part.labels == label]
        if len(of):
            shares = np.histogram(of, edges)[0] / len(of)
            xs, ys = np.repeat(edges, 2), np.concatenate([[0], np.repeat(shares, 2), [0]])
            lines[f"{len(of)} {word}"] = list(zip(xs.tolist(), ys.tolist(), strict=True))
    top = max(y for line in lines.values() for _, y in line)
    threshold = f"threshold {decision.threshold:g}"
    lines[threshold] = [(decision.threshold, 0.0), (decision.threshold, top)]
    return Curves(
        f"Scores: which share of real and of fake {name} lies in each of {_BINS} equally wide ranges",
        "score",
        lines,
        y="share",
        dashed=[threshold],
    )


def _thin(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Take points of a curve that has more than can be seen, its first and its last among them."""
    taken = np.unique(np.linspace(0, len(xs) - 1, _MOST).round().astype(int))
    return list(zip(xs[taken].tolist(), ys[taken].tolist(), strict=True))
