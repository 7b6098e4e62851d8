"""Turn the scores of faces into the score of a person, and those of persons into a verdict with its reason.

A video is as fake as its most suspicious person, so one mistaken face must not condemn it: only a track with
enough faces can make a video FAKE or REAL. Where the evidence is too thin or the score too near the threshold
the verdict says so, in words; nothing is ever replaced by a middling score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, get_args

Aggregation = Literal["mean", "quality-mean"]

_DIGITS = 4  # of every score; verdicts are taken on rounded scores, so they agree with what is shown


class Verdict(StrEnum):
    """What is said about a file."""

    FAKE = "FAKE"
    REAL = "REAL"
    UNCERTAIN = "UNCERTAIN"
    NO_FACE = "NO_FACE"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class Rule:
    """How scores become a verdict; it comes with the model that gives the scores.

    Attributes:
        threshold: Scores from here on mean FAKE; in [0, 1].
        uncertain: (low, high) around the threshold; scores from low up to but not including high are
            UNCERTAIN. None where no score is too near.
        aggregation: How the faces of one track make its score: their plain mean, or the mean weighted by
            quality.
        minimum_faces: Faces a track needs before it counts as enough evidence; fewer are enough where the
            file itself has fewer frames.
        source: Where the threshold comes from, shown to the user.
        crowd: Thresholds for two, three and more people, the last for all beyond: of many people one looks
            like a fake by chance more often. Empty where one threshold is for all.

    Raises:
        ValueError: If a value is out of its range, or the band does not hold the threshold.
    """

    threshold: float
    uncertain: tuple[float, float] | None
    aggregation: Aggregation
    minimum_faces: int
    source: str
    crowd: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold must lie in 0-1, not at {self.threshold}")
        low, high = self.uncertain or (self.threshold, self.threshold)
        if not 0 <= low <= self.threshold <= high <= 1:
            raise ValueError(f"the band {low}-{high} must lie in 0-1 and hold the threshold {self.threshold}")
        if self.aggregation not in get_args(Aggregation):
            known = ", ".join(get_args(Aggregation))
            raise ValueError(f"unknown aggregation '{self.aggregation}', known are {known}")
        if self.minimum_faces < 1:
            raise ValueError(f"a track needs at least one face, not {self.minimum_faces}")
        steps = (self.threshold, *self.crowd)
        if list(steps) != sorted(steps) or steps[-1] > 1:
            raise ValueError(f"thresholds must rise with the number of people, up to 1: {steps}")

    def with_threshold(self, threshold: float) -> "Rule":
        """Return the rule with a threshold of the user's own, which knows no band of uncertainty."""
        return replace(self, threshold=threshold, uncertain=None, source="user", crowd=())

    def among(self, people: int) -> "Rule":
        """Return the rule for a file with so many people who could be called fake; its band moves along."""
        if people < 2 or not self.crowd:
            return self
        threshold = self.crowd[min(people - 2, len(self.crowd) - 1)]
        if self.uncertain is None:
            return replace(self, threshold=threshold, crowd=())
        low, high = (_moved(end, self.threshold, threshold) for end in self.uncertain)
        return replace(self, threshold=threshold, uncertain=(low, high), crowd=())


@dataclass(frozen=True, slots=True)
class TrackScore:
    """What one person's faces say together.

    Attributes:
        track: Number of the track.
        score: P(fake) of the person, in [0, 1], as ``track_score`` gives it.
        faces: How many faces the score rests on; at least 1.
    """

    track: int
    score: float
    faces: int

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1 or self.faces < 1:
            raise ValueError(f"track {self.track}: score {self.score} of {self.faces} faces")


@dataclass(frozen=True, slots=True)
class Decision:
    """What is said about a file, and why.

    Attributes:
        verdict: The verdict.
        score: P(fake) of the person the file is judged by, four digits; None where there is none.
        reason: Why, in words; empty for FAKE and REAL, whose score and threshold speak for themselves.
        track: Number of the track the score belongs to, None without a score.
    """

    verdict: Verdict
    score: float | None
    reason: str
    track: int | None


def track_score(scores: Sequence[float], weights: Sequence[float] | None, rule: Rule) -> float:
    """Aggregate the scores of one person's faces.

    Args:
        scores: P(fake) of each face, in [0, 1]; at least one.
        weights: Quality of each face, in [0, 1]; needed by "quality-mean" only. Where all are 0 the mean is
            plain.
        rule: Says how to aggregate.

    Returns:
        P(fake) of the person, four digits; the same whatever the order of the faces.

    Raises:
        ValueError: If there is no score, a score or weight is out of range, or the weights do not fit.
    """
    if not scores or not all(0 <= score <= 1 for score in scores):
        raise ValueError("a track needs scores, all of them in 0-1")
    if rule.aggregation == "mean":
        weights = [1.0] * len(scores)
    elif weights is None or len(weights) != len(scores) or not all(0 <= weight <= 1 for weight in weights):
        raise ValueError(f"aggregation '{rule.aggregation}' needs one weight in 0-1 for each score")
    total = math.fsum(weights)  # exact sums: neither the order nor the number of faces moves a digit
    if total == 0:
        weights, total = [1.0] * len(scores), float(len(scores))
    mean = math.fsum(score * weight for score, weight in zip(scores, weights, strict=True)) / total
    return round(min(max(mean, min(scores)), max(scores)), _DIGITS)


def unclear(score: float, quality: float, threshold: float, *, fake: bool) -> float:
    """Tell how little a face speaks for what is said of its person; the lowest is the best evidence.

    Args:
        score: P(fake) of the face, in [0, 1].
        quality: How well it can be seen, in [0, 1].
        threshold: Scores from here on mean FAKE.
        fake: Whether the person's score does.
    """
    return (threshold - score if fake else score - threshold) * quality


def decide(tracks: Sequence[TrackScore], rule: Rule, frames: int) -> Decision:
    """Judge a file by its persons.

    The file's score is the highest among the tracks with enough evidence. It decides FAKE, REAL or, inside
    the band, UNCERTAIN. A track with too few faces cannot make a file FAKE, but where it alone would, the
    file is not called REAL either. Among several people with enough evidence the thresholds are those of the
    rule for so many. Where no track has enough evidence the file is UNCERTAIN, with the highest
    score there is.

    Args:
        tracks: One entry for each person, in any order.
        rule: Threshold, band and evidence needed.
        frames: How many frames of the file were looked at; a picture has one.

    Returns:
        The decision; its score is rounded and agrees with its verdict.

    Raises:
        ValueError: If no frame was looked at: such a file is UNREADABLE, which only its reader can explain.
    """
    if frames < 1:
        raise ValueError("no frame was looked at")
    if not tracks:
        return Decision(Verdict.NO_FACE, None, f"no face found in {_count(frames, 'frame')}", None)
    rule = rule_among(tracks, rule, frames)
    needed = min(rule.minimum_faces, frames)
    thin = [track for track in tracks if track.faces < needed]
    enough = [track for track in tracks if track.faces >= needed]
    top = _highest(enough or thin)
    score = round(top.score, _DIGITS)
    if not enough:
        return Decision(Verdict.UNCERTAIN, score, _too_few(top, needed), top.track)
    if rule.uncertain is not None and rule.uncertain[0] <= score < rule.uncertain[1]:
        low, high, threshold = (_number(value) for value in (*rule.uncertain, rule.threshold))
        reason = f"score {_number(score)} lies within {low}-{high} of the threshold {threshold}"
        return Decision(Verdict.UNCERTAIN, score, reason, top.track)
    if score >= rule.threshold:
        return Decision(Verdict.FAKE, score, "", top.track)
    if thin and _means_fake(suspect := _highest(thin), rule):
        reason = f"{_too_few(suspect, needed)}, but its score is {_number(suspect.score)}"
        return Decision(Verdict.UNCERTAIN, score, reason, top.track)
    return Decision(Verdict.REAL, score, "", top.track)


def rule_among(tracks: Sequence[TrackScore], rule: Rule, frames: int) -> Rule:
    """Return the rule for the number of people with enough evidence, see ``decide``."""
    return rule.among(sum(track.faces >= min(rule.minimum_faces, frames) for track in tracks))


def _moved(end: float, old: float, new: float) -> float:
    """Move the end of a band as far as its threshold moved, in logits, rounded; ends of the range stay."""
    if not 0 < end < 1 or not 0 < old < 1 or not 0 < new < 1:
        return end if new == old else new
    odds = end / (1 - end) * (new / (1 - new)) / (old / (1 - old))
    return round(odds / (1 + odds), _DIGITS)


def _highest(tracks: Sequence[TrackScore]) -> TrackScore:
    """Return the track with the highest shown score; of equals that with more faces, then the earlier."""
    return max(tracks, key=lambda track: (round(track.score, _DIGITS), track.faces, -track.track))


def _means_fake(track: TrackScore, rule: Rule) -> bool:
    """Tell whether the track would make the file FAKE, had it enough faces."""
    return round(track.score, _DIGITS) >= (rule.uncertain[1] if rule.uncertain else rule.threshold)


def _too_few(track: TrackScore, needed: int) -> str:
    return f"only {_count(track.faces, 'face')} seen of person {track.track}, {needed} needed"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _number(value: float) -> str:
    """Write a score with at least two and at most four decimals."""
    text = f"{value:.{_DIGITS}f}".rstrip("0")
    return text + "0" * (2 - len(text.split(".")[1]))
