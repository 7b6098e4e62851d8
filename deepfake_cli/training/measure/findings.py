"""All that scores tell about the model that gave them: measures, counts, and what to beware of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.io.model_config import Decision

from .evaluate import FEWEST, Measurement
from .judged import VERDICTS, Judged, Part, join, kinds, left_out, whole_parts
from .metrics import Measures, bootstrap_all

Estimates = dict[str, tuple[float, tuple[float, float] | None]]  # value and interval by name of the measure

_IN_PARTS = ("AUC", "balanced accuracy")  # what is told of every method, compression and face size as well
_DIGITS = 4  # of a score where it is told


@dataclass(frozen=True)
class Called:
    """What the real and the fake examples were called.

    Attributes:
        dataset: Name of the data set.
        split: Which splits.
        examples: Which examples.
        real: How many real ones were called REAL, UNCERTAIN and FAKE.
        fake: How many fake ones.
        matrix: How many real ones lie below the threshold and how many do not; the same of fake ones.
        shares: The matrix as shares of the real ones and of the fake ones; None where there are none.
    """

    dataset: str
    split: str
    examples: str
    real: tuple[int, ...]
    fake: tuple[int, ...]
    matrix: tuple[tuple[int, int], ...]
    shares: tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True)
class Found:
    """All that was found of some examples of a data set.

    Attributes:
        kind: ``whole``, ``method``, ``compression`` or ``face size``.
        examples: Which examples, in words.
        real: How many are real.
        fake: How many are fake.
        sources: How many sources intervals are drawn over.
        measurements: By the name of the measure; values are None with fewer than ten of a class, intervals
            also where all is from one source.
        called: What they were called.
    """

    kind: str
    examples: str
    real: int
    fake: int
    sources: int
    measurements: Mapping[str, Measurement]
    called: Called

    @property
    def measured(self) -> bool:
        """Whether there are enough of both classes for measures."""
        return any(m.value is not None for m in self.measurements.values())


@dataclass(frozen=True)
class Findings:
    """What was found of a data set.

    Attributes:
        judged: Its faces and their scores.
        found: All faces, all videos, then those of each kind.
        warnings: What makes the numbers doubtful.
        remarks: Why numbers are not there.
        joined: Whether it is several data sets together.
    """

    judged: Judged
    found: tuple[Found, ...]
    warnings: tuple[str, ...]
    remarks: tuple[str, ...]
    joined: bool


def examine_all(judged: Sequence[Judged], decision: Decision) -> list[Findings]:
    """Find out everything of each data set, and, last, of all of them together where there are several."""
    findings = [examine(one, decision) for one in judged]
    return findings if len(judged) == 1 else [*findings, examine(join(judged), decision, joined=True)]


def examine(judged: Judged, decision: Decision, *, joined: bool = False) -> Findings:
    """Find out everything: all measures over faces and over videos, and some of each kind of them."""
    parts = [("whole", part) for part in whole_parts(judged)] + list(kinds(judged))
    found = tuple(_examine(judged, kind, part, decision) for kind, part in parts)
    return Findings(judged, found, tuple(_warnings(judged)), tuple(_remarks(judged, found)), joined)


def to_record(findings: Sequence[Findings]) -> list[Measurement]:
    """Take what belongs into the card of a model: numbers with an interval, of each data set by itself."""
    each = [m for one in findings if not one.joined for part in one.found for m in part.measurements.values()]
    return [m for m in each if m.interval is not None]


def _examine(judged: Judged, kind: str, part: Part, decision: Decision) -> Found:
    real, fake = part.count()
    verdicts = part.verdicts(decision)
    estimates: Estimates = {}
    if min(real, fake) >= FEWEST:
        measures = Measures(part.labels, part.scores, decision.threshold, verdicts == "UNCERTAIN")
        estimates = _estimate(measures, part)
    measurements = {}
    for name in Measures.NAMES if kind == "whole" else _IN_PARTS:
        value, interval = estimates.get(name, (None, None))
        metric = f"{name}, {part.name}"
        measurements[name] = Measurement(judged.dataset, judged.split, metric, value, interval, real, fake)
    called = _called(judged, part, verdicts, decision.threshold)
    return Found(kind, part.name, real, fake, len(set(part.sources.tolist())), measurements, called)


def _estimate(measures: Measures, part: Part) -> Estimates:
    values = measures.of(np.ones(len(part.rows), np.int64)).tolist()
    if len(set(part.sources.tolist())) == 1:  # drawn again and again, one source is always the same
        return {name: (value, None) for name, value in zip(Measures.NAMES, values, strict=True)}
    intervals = bootstrap_all(measures, part.labels, part.sources).tolist()
    return {
        name: (value, (low, high))
        for name, value, (low, high) in zip(Measures.NAMES, values, intervals, strict=True)
    }


def _called(judged: Judged, part: Part, verdicts: NDArray[np.str_], threshold: float) -> Called:
    groups = [part.labels == label for label in (0, 1)]
    real, fake = (tuple(int((verdicts[of] == name).sum()) for name in VERDICTS) for of in groups)
    over = [int((part.scores[of] >= threshold).sum()) for of in groups]
    matrix = tuple((int(of.sum()) - count, count) for of, count in zip(groups, over, strict=True))
    shares = tuple((a / (a + b), b / (a + b)) if a + b else None for a, b in matrix)
    return Called(judged.dataset, judged.split, part.name, real, fake, matrix, shares)


def _warnings(judged: Judged) -> Iterator[str]:
    """Say what makes the numbers doubtful: scores that are all the same, and what was left out."""
    told = np.unique(judged.scores.round(_DIGITS))
    if len(told) == 1 and len(judged.scores) > 1:
        yield (
            f"{judged.dataset}: all {len(judged.scores)} faces have the same score, {told[0]:.{_DIGITS}f}: "
            "the model tells nothing apart here, and its AUC of 0.5 is no finding"
        )
    yield from left_out(judged)


def _remarks(judged: Judged, found: Sequence[Found]) -> Iterator[str]:
    """Say why numbers are not there."""
    for one in found:
        if one.kind != "whole":
            continue
        what = f"{judged.dataset}, {one.examples}"
        if not one.real or not one.fake:
            only = "fake" if one.fake else "real"
            yield f"{what}: all are {only}, so there is no AUC nor any other rate of two classes, only counts"
        elif min(one.real, one.fake) < FEWEST:
            few = f"{one.real} real and {one.fake} fake"
            yield f"{what}: {few} are too few for rates, which need {FEWEST} of each: only counts"
        elif one.sources < FEWEST:
            yield f"{what}: intervals rest on {one.sources} sources only and are too narrow"
