"""Results of a scan as a person reads them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ._ui import Cell, Column, Row

if TYPE_CHECKING:
    from deepfake_cli.pipeline.judge import Judge
    from deepfake_cli.pipeline.result import PersonTrack, ScanResult, ScoredFace, Verdict

_STYLES = {
    "FAKE": "bold red",
    "REAL": "green",
    "UNCERTAIN": "yellow",
    "NO_FACE": "cyan",
    "UNREADABLE": "magenta",
}
_OTHERS = 50  # characters that the other columns and the gaps take
_NARROWEST = 12  # of the file column


def verdict_columns(files: Sequence[str], line: int) -> list[Column]:
    """Lay out the table of verdicts; rows are shown before all are known, so widths follow from the names.

    Args:
        files: All that will be in it.
        line: How many characters a line may have, 0 for any number.
    """
    most = max(line - _OTHERS, _NARROWEST) if line else 0
    longest = max(map(len, files), default=0)
    return [
        Column("file", width=min(longest, most or longest), most=most),
        Column("verdict", width=len("UNREADABLE")),
        Column("score", right=True, width=len("0.0000")),
        Column("people", right=True),
        Column("frames", right=True),
        Column("time", right=True, width=len("000.0 s")),
    ]


def verdict_row(result: "ScanResult") -> Row:
    """Show a result in one row."""
    return [
        result.file,
        Cell(result.verdict, _STYLES[result.verdict]),
        "-" if result.score is None else f"{result.score:.4f}",
        str(len(result.tracks)),
        str(result.frames),
        f"{result.seconds:.1f} s",
    ]


def remarks(result: "ScanResult", details: bool) -> Iterator[str]:
    """Say in lines what does not fit the row: the reason, notes, and on demand every person."""
    if result.reason:
        yield result.reason
    yield from result.notes
    if details:
        still = result.media is not None and result.media.kind == "image"
        for track in result.tracks:
            yield _face(track) if still else _person(track)
            yield from _parts(track)


def rule_in_words(judge: "Judge") -> str:
    """Say what a score is and how it becomes a verdict."""
    rule = judge.rule
    band = f", UNCERTAIN in {rule.uncertain[0]:g}-{rule.uncertain[1]:g}" if rule.uncertain else ""
    return (
        f"score: P(fake), {rule.aggregation} over a person's faces, highest person; "
        f"FAKE from {rule.threshold:g} ({rule.source}){band}; model {judge.model.name} {judge.model.revision}"
    )


def summary(verdicts: "Counter[Verdict]", skipped: int, seconds: float) -> str:
    """Count the verdicts of a run in a line."""
    total = verdicts.total()
    found = ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())) or "nothing judged"
    before = f" ({skipped} of them judged before)" if skipped else ""
    return f"{total} file{'' if total == 1 else 's'}{before}: {found}; {seconds:.1f} s"


def timings(result: "ScanResult") -> str:
    """Say where the time of a scan went."""
    spent = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in result.timings.items())
    return f"{result.file}: {result.verdict}; {spent or 'no time measured'}"


def _person(track: "PersonTrack") -> str:
    faces = _by_index(track)
    best = ", ".join(f"{clock(faces[i].time)} ({faces[i].score:.2f})" for i in track.evidence)
    count = f"{track.faces} face" + ("s" if track.faces > 1 else "")
    return (
        f"person {track.id}  {clock(track.start)}-{clock(track.end)}  {count}  score {track.score:.4f}  "
        f"best evidence at {best}{_glow(track)}"
    )


def _face(track: "PersonTrack") -> str:
    x0, y0, x1, y1 = (round(side) for side in track.frames[0].box)
    return f"person {track.id}  at {x0},{y0} to {x1},{y1}  score {track.score:.4f}{_glow(track)}"


def _glow(track: "PersonTrack") -> str:
    """Say where the map of the face that is the best evidence glows most, if it has one that glows."""
    region = _by_index(track)[track.evidence[0]].region
    where = "in" if region == "background" else "at"
    return f"  glows most {where} the {region}" if region else ""


def _parts(track: "PersonTrack") -> Iterator[str]:
    """Say what the score of the best evidence is the sum of, if the model tells."""
    best = _by_index(track)[track.evidence[0]]
    if best.parts is not None:
        said = ", ".join(f"{name} {value:+.1f}" for name, value in best.parts.items())
        yield f"person {track.id}  towards fake at {clock(best.time)}: {said}"


def _by_index(track: "PersonTrack") -> "dict[int, ScoredFace]":
    return {face.index: face for face in track.frames}


def clock(seconds: float) -> str:
    """Write a time as players do, with tenths: ``1:02:03.4``, ``0:07.0``."""
    minutes, rest = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02}.{rest % 10}"
