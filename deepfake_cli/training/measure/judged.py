"""Faces with the scores that a model gave them, and how they are grouped to be measured."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError
from deepfake_cli.io.labelled import LabelledFile, ScoredFile
from deepfake_cli.io.model_config import Decision

from ..tables import FaceRow

VERDICTS = ("REAL", "UNCERTAIN", "FAKE")
_SIZES = (0, 64, 128, 256)  # pixels from which a class of face sizes begins


@dataclass(frozen=True)
class Unscored:
    """A picture of a table, or a file, that has no score.

    Attributes:
        path: Where it lies.
        video: What it belongs to.
        original: The source that it shares with others.
        fake: Its label.
        method: How it was forged.
        compression: As its data set names it.
        split: Which split it is in; empty for a file.
        verdict: ``NO_FACE`` or ``UNREADABLE``.
        reason: Why, in words.
    """

    path: Path
    video: str
    original: str
    fake: bool
    method: str
    compression: str
    split: str
    verdict: str
    reason: str


@dataclass(frozen=True)
class Said:
    """What scan said of a whole file: its score, P(fake), and its verdict."""

    score: float
    verdict: str


@dataclass(frozen=True)
class Judged:
    """Scores of one table, or of one set of scanned files.

    Attributes:
        dataset: Name of the folder that the table lies in, or of the set of files.
        split: Which splits were judged.
        rows: The faces.
        scores: (N,) P(fake) of each.
        unscored: What could not be scored.
        said: What scan said of each video by its name; empty for a table, whose videos get a mean.
        times: Seconds into its video of each face; empty for a table.
    """

    dataset: str
    split: str
    rows: list[FaceRow]
    scores: NDArray[np.float64]
    unscored: tuple[Unscored, ...] = ()
    said: Mapping[str, Said] = field(default_factory=dict)
    times: tuple[float, ...] = ()


@dataclass(frozen=True)
class Part:
    """Examples that are measured together.

    Attributes:
        name: What they are, such as ``videos``.
        rows: (N,) the face, or the first face of the video.
        labels: (N,) 1 for fake.
        scores: (N,) P(fake).
        sources: (N,) what intervals keep whole.
        said: (N,) verdicts that scan gave; empty where the score alone decides.
    """

    name: str
    rows: list[FaceRow]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    sources: NDArray[np.str_]
    said: NDArray[np.str_]

    def only(self, name: str, kept: NDArray[np.bool_]) -> "Part":
        """Take some of the examples, (N,), under another name."""
        rows = [self.rows[i] for i in np.flatnonzero(kept)]
        return Part(name, rows, self.labels[kept], self.scores[kept], self.sources[kept], self.said[kept])

    def count(self) -> tuple[int, int]:
        """Count the real and the fake examples."""
        fake = int(self.labels.sum())
        return len(self.labels) - fake, fake

    def verdicts(self, decision: Decision) -> NDArray[np.str_]:
        """Tell the verdict on each example, (N,): that of scan, else what its score means."""
        low, high = decision.uncertain
        uncertain = (self.scores >= low) & (self.scores < high)
        by_score = np.where(uncertain, 1, np.where(self.scores >= decision.threshold, 2, 0))
        return np.where(self.said == "", np.array(VERDICTS)[by_score], self.said)


def judged_files(dataset: str, files: Sequence[ScoredFile]) -> Judged:
    """Take the faces and verdicts of a scan of labelled files; a file is a video of its own.

    Raises:
        DataError: None of the files has a score.
    """
    rows = [
        FaceRow(
            path=Path(one.file.path),
            box=np.array(face.box),
            points=None,
            fake=one.file.fake,
            video=one.file.path,
            original=one.file.original,
            method=one.file.method,
            compression=one.file.compression,
            split="",
            pair=None,
            mri=None,
            weight=1.0,
        )
        for one in files
        for face in one.faces
    ]
    unscored = tuple(_unscored(one.file, one.verdict, one.reason) for one in files if one.score is None)
    if not rows:
        raise DataError(
            f"no file of {dataset} has a score: {unscored[0].path}: {unscored[0].reason}",
            "dfdetect scan tells the reason for each",
        )
    return Judged(
        dataset,
        "all",
        rows,
        np.array([face.score for one in files for face in one.faces], np.float64),
        unscored,
        {one.file.path: Said(one.score, one.verdict) for one in files if one.score is not None},
        tuple(face.time for one in files for face in one.faces),
    )


def by_face(judged: Judged) -> Part:
    """Take every face as an example."""
    return _part("faces", judged.rows, judged.scores, [""] * len(judged.rows))


def by_video(judged: Judged) -> Part:
    """Take every video as an example: its score is that of scan, or the mean over its faces."""
    members = faces_of_videos(judged)
    rows = [judged.rows[indices[0]] for indices in members.values()]
    said = [
        judged.said.get(video) or Said(float(judged.scores[indices].mean()), "")
        for video, indices in members.items()
    ]
    return _part("videos", rows, np.array([one.score for one in said]), [one.verdict for one in said])


def faces_of_videos(judged: Judged) -> dict[str, list[int]]:
    """Tell which faces each video has, by its name, in the order of the table."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(judged.rows):
        members[row.video].append(index)
    return members


def whole_parts(judged: Judged) -> list[Part]:
    """Group the faces: all of them, and all videos unless every video of a table is one face."""
    videos = by_video(judged)
    same = len(videos.rows) == len(judged.rows) and not judged.said
    return [by_face(judged)] if same else [by_face(judged), videos]


def kinds(judged: Judged) -> Iterator[tuple[str, Part]]:
    """Yield the examples of each method and compression, and faces by size, each with what it is told by.

    The real ones, to be told from, are with those of every method. Sizes are of the longer side of the box in
    its picture.
    """
    parts = whole_parts(judged)
    for column, always in (("method", ""), ("compression", None)):
        for part in parts:
            values = np.array([getattr(row, column) for row in part.rows])
            for value in sorted(set(values.tolist()) - {""}):
                kept = (values == value) | (values == always)
                yield column, part.only(f"{part.name}, {value}", kept)
    sides = np.array([max(row.box[2] - row.box[0], row.box[3] - row.box[1]) for row in judged.rows])
    classes = np.digitize(sides, _SIZES[1:])
    for number, low in enumerate(_SIZES):
        if (classes == number).any():
            high = _SIZES[number + 1] if number + 1 < len(_SIZES) else None
            words = f"below {high} px" if not low else f"{low} to {high} px" if high else f"from {low} px"
            yield "face size", parts[0].only(f"faces, {words}", classes == number)


def left_out(judged: Judged) -> Iterator[str]:
    """Say how many real and fake ones have no score, and why."""
    what = "files" if judged.said else "pictures"
    for verdict, why in (("NO_FACE", "without a face"), ("UNREADABLE", "that cannot be read")):
        left = [one for one in judged.unscored if one.verdict == verdict]
        if left:
            fakes = sum(one.fake for one in left)
            yield f"{judged.dataset}: left out {len(left) - fakes} real and {fakes} fake {what} {why}"


def join(judged: Sequence[Judged]) -> Judged:
    """Join what has scores of several data sets to one, whose videos and sources stay apart."""
    rows = [keep_apart(row, number) for number, one in enumerate(judged) for row in one.rows]
    return Judged(
        "+".join(one.dataset for one in judged),
        "+".join(dict.fromkeys(one.split for one in judged)),
        rows,
        np.concatenate([one.scores for one in judged]),
        said={f"{number}/{video}": s for number, one in enumerate(judged) for video, s in one.said.items()},
    )


def keep_apart(row: FaceRow, number: int) -> FaceRow:
    """Rename the video and the source of a row by the number of its table: those of two stay two."""
    return replace(row, video=f"{number}/{row.video}", original=f"{number}/{row.original or row.video}")


def _unscored(file: LabelledFile, verdict: str, why: str) -> Unscored:
    return Unscored(
        path=Path(file.path),
        video=file.path,
        original=file.original,
        fake=file.fake,
        method=file.method,
        compression=file.compression,
        split="",
        verdict=verdict,
        reason=why,
    )


def _part(name: str, rows: list[FaceRow], scores: NDArray[np.float64], said: Sequence[str]) -> Part:
    labels = np.array([row.fake for row in rows], np.int64)
    sources = np.array([row.original or row.video for row in rows])
    return Part(name, rows, labels, scores, sources, np.array(said, np.str_))
