"""Decode a little of every file of a data set, and remember what came of it.

``reports/checked.csv`` (path, size, mtime, reason) keeps the outcomes, sorted by path; files that have not
changed since are not decoded again. While a check runs they go to ``checked.csv.part``, in the same order, so
that a killed check continues where it was.
"""

import csv
import heapq
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.errors import MediaError, OutputError
from deepfake_cli.io.files import reason, write_atomically
from deepfake_cli.io.images import kind_of, read_image
from deepfake_cli.io.video import read_frames
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import DataSettings

from .workers import Done, Lost, supervise

_MIDDLE = Sampling(frames=1, every=0, burst=1, burst_seconds=1.0, burst_beyond=0.0)  # the first comes unasked
_SEEK_BEYOND = 0.2  # seconds; only how quickly the middle is reached depends on it


class Checked(NamedTuple):
    """What came of decoding a file.

    Attributes:
        path: Relative to the root.
        size: In bytes, when it was decoded.
        mtime: When it had last been changed then, nanoseconds.
        reason: What is wrong with it; empty where nothing.
    """

    path: str
    size: int
    mtime: int
    reason: str


def check_files(
    folder: DatasetFolder,
    root: Path,
    paths: Callable[[], Iterable[str]],
    settings: DataSettings,
    *,
    afresh: bool,
    track: Track = untracked,
) -> Iterator[Checked]:
    """Yield what is known of files, sorted by path.

    Args:
        folder: Of the data set, where outcomes are kept.
        root: Of the raw files.
        paths: Gives the paths to check, sorted by their bytes.
        settings: Number of processes and time for a file.
        afresh: Decode files whose outcome is not known; without it they are passed over.
        track: Progress.

    Raises:
        OutputError: The outcomes cannot be kept.
    """
    table = folder.path / "reports" / "checked.csv"
    journal = table.with_name("checked.csv.part")
    _absorb(journal, table)
    known = _Known(_read(table), root)
    if not afresh:
        yield from (one for one in map(known.still, paths()) if one)
        return
    try:
        table.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file, lineterminator="\n")
            for one in track(_in_order(paths(), known, root, settings), "checking"):
                writer.writerow(one)
                file.flush()
                yield one
        os.replace(journal, table)
    except OSError as error:
        raise OutputError(f"cannot write {journal}: {reason(error)}", "see that there is space") from error


def decode_a_little(path: Path) -> str:
    """Decode a picture, or the first frame of a video and one near its middle.

    Returns:
        What is wrong with it, or nothing.
    """
    try:
        if kind_of(path) == "image":
            read_image(path)
            return ""
        with read_frames(path, _MIDDLE, threads=1, seek_beyond=_SEEK_BEYOND) as frames:
            return "" if any(True for _ in frames) else "no frame near its middle can be decoded"
    except MediaError as error:
        return error.message


class _Decode:
    """What a worker process does."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, path: str, report: Callable[[object], None]) -> str:
        return decode_a_little(self._root / path)


class _Known:
    """Outcomes of earlier checks, read along with paths in the same order."""

    def __init__(self, outcomes: Iterator[Checked], root: Path) -> None:
        self._outcomes = outcomes
        self._root = root
        self._next = next(outcomes, None)

    def still(self, path: str) -> Checked | None:
        """Return the outcome for a path, if the file is still the one that was decoded."""
        while self._next and os.fsencode(self._next.path) < os.fsencode(path):
            self._next = next(self._outcomes, None)
        if self._next and self._next.path == path and (self._next.size, self._next.mtime) == self.state(path):
            return self._next
        return None

    def state(self, path: str) -> tuple[int, int]:
        """Tell size and time of a file, by which a change shows."""
        with suppress(OSError):
            found = os.stat(self._root / path)
            return found.st_size, found.st_mtime_ns
        return -1, -1


def _in_order(paths: Iterable[str], known: _Known, root: Path, settings: DataSettings) -> Iterator[Checked]:
    """Decode what is not known, several at once, and yield all outcomes in the order of the paths."""
    done: dict[int, Checked] = {}
    places: dict[int, tuple[int, str, tuple[int, int]]] = {}  # of tasks: place among all, path, state
    due = 0

    def tasks() -> Iterator[str]:
        number = 0
        for place, path in enumerate(paths):
            if found := known.still(path):
                done[place] = found
            else:
                places[number] = place, path, known.state(path)
                number += 1
                yield path

    jobs = settings.jobs or len(os.sched_getaffinity(0))
    with closing(supervise(_Decode(root), tasks(), jobs=jobs, timeout=settings.timeout)) as events:
        for event in events:
            if isinstance(event, Done | Lost):
                place, path, state = places.pop(event.task)
                done[place] = Checked(path, *state, event.value if isinstance(event, Done) else event.reason)
            while due in done:
                yield done.pop(due)
                due += 1
    yield from (done[place] for place in sorted(done))


def _absorb(journal: Path, table: Path) -> None:
    """Put what a killed check left behind into the table; what is half-written at its end is dropped."""
    if not journal.exists():
        return
    both = heapq.merge(_read(journal), _read(table), key=lambda one: os.fsencode(one.path))
    last = None
    with write_atomically(table) as file:
        writer = csv.writer(file, lineterminator="\n")
        for one in both:  # of two for one path the journal's comes first
            if one.path != last:
                writer.writerow(one)
            last = one.path
    journal.unlink()


def _read(table: Path) -> Iterator[Checked]:
    with suppress(FileNotFoundError), table.open("rb") as file:
        lines = (line.decode("utf-8", "surrogateescape") for line in file if line.endswith(b"\n"))
        for cells in csv.reader(lines):
            if len(cells) == 4 and all(cell.lstrip("-").isdecimal() for cell in cells[1:3]):
                yield Checked(cells[0], int(cells[1]), int(cells[2]), cells[3])
