"""Make the index of a data set: what each file is, and which split it belongs to.

Rows pass through a temporary database, so that memory stays flat however many files there are. Splits follow
from names: see ``core/splits.py``.
"""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from deepfake_cli.core.ids import identifier
from deepfake_cli.core.splits import Groups, split_of
from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.files import reason
from deepfake_cli.io.gathering import Candidate, Gathering, Grouped, gathering
from deepfake_cli.io.index import SPLITS, IndexRow, Source, read_source, write_index
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import IndexSettings, Profile

from .checking import Checked, check_files
from .conventions import ONE_KIND, Found, convention_of
from .stages import Bad, StageReport, write_report

STAGE = "index"
_EXAMPLES = 10  # ids named of each oddity
_RANKS = {"": 0, "train": 1, "choose": 2, "report": 3}
_TOGETHER = {"nothing": "file", "original": "family", "identity": "person"}


@dataclass
class Oddity:
    """Something about a data set that a person should know, though it can be indexed.

    Attributes:
        what: What is odd, a phrase that fits a number.
        count: How often.
        examples: The first few ids or paths, sorted as the index is.
    """

    what: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def see(self, example: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(example)


@dataclass
class IndexReport(StageReport):
    """What the index holds.

    Attributes:
        table: Number of files by label, method, compression and split.
        oddities: What is odd about the data set.
        checked: Files that were decoded, now or in an earlier run.
    """

    table: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    oddities: list[Oddity] = field(default_factory=list)
    checked: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``reports/index.json``."""
        names = ("label", "method", "compression", "split", "files")
        return super().to_json() | {
            "checked": self.checked,
            "table": [
                dict(zip(names, (*key, count), strict=True)) for key, count in sorted(self.table.items())
            ],
            "oddities": [{"what": o.what, "count": o.count, "examples": o.examples} for o in self.oddities],
        }


def index_dataset(
    folder: DatasetFolder, profile: Profile, *, check: bool = False, track: Track = untracked
) -> IndexReport:
    """Write the index of a data set, and the report of what is wrong with it.

    Args:
        folder: Of the data set.
        profile: For shares of the splits, seed and number of processes.
        check: Decode a little of every file; what an earlier check found bad stays out either way, as long
            as the file is the same.
        track: Progress.

    Raises:
        UsageError: Another process works on the data set, or all shares are 0.
        DataError: There is nothing to index, or the data set's own lists make no sense.
        OutputError: The index cannot be written.
    """
    if not any((profile.index.train, profile.index.choose, profile.index.report)):
        raise UsageError("no split has a share", "set index.train, index.choose or index.report above 0")
    source = read_source(folder)
    report = IndexReport(STAGE)
    with folder.locked(), gathering(folder.path / ".index.part") as files:
        bad = report.bad
        files.add(_sound(source, bad, report, track))
        oddities = {what: Oddity(what) for what in _ODDITIES}
        for path, agreed in files.doubles():
            oddities[_TWICE].see(path)
            if not agreed:
                bad.append(Bad(identifier(path), path, "listed as real and as fake"))
        checked = check_files(folder, source.root, files.paths, profile.data, afresh=check, track=track)
        _leave_out(files, checked, bad, report)
        _group(files, files.settle_ids(), oddities)
        rows = _divided(files, profile.index, profile.data.seed, report, oddities)
        if first := next(rows, None):
            write_index(folder.index, track(chain([first], rows), "writing the index"))
        report.bad.sort(key=lambda one: os.fsencode(one.path))
        _sum_up(report, oddities, source.dataset)
        write_report(folder, report)
    if not report.table:
        raise DataError(
            f"no usable video or picture of {source.dataset} in {source.root}",
            f"the tree it expects is shown by: dfdetect data list; what was wrong: {folder.report(STAGE)}",
        )
    return report


_TWICE = "listed twice"
_ALIKE = "would have shared an id, and keep their extension in it"
_ORPHANS = "fakes whose original is missing"
_CIRCULAR = "fakes whose original is itself a fake of nothing"
_FOLLOWERS = "not in an official list, but go with a file of their original that is in one"
_FAMILIAR = "to learn from that show someone who is also in the official test list"
_ODDITIES = (_TWICE, _ALIKE, _ORPHANS, _CIRCULAR, _FOLLOWERS, _FAMILIAR)


def _sound(source: Source, bad: list[Bad], report: IndexReport, track: Track) -> Iterator[Candidate]:
    """Yield the files that are there and hold something; note the others."""
    root = os.fspath(source.root)
    if not os.path.isdir(root):
        raise DataError(
            f"the raw files of {source.dataset} are not in {root}",
            "adopt them again with: dfdetect data fetch",
        )
    found = convention_of(source.dataset)(source.root, source.options)
    for file in track(found, "looking for files"):
        report.videos += 1
        problem = file.problem or _missing(os.path.join(root, file.path))
        if problem:
            bad.append(Bad(identifier(file.path), file.path, problem))
        else:
            yield _candidate(file)


def _missing(path: str) -> str:
    """Say why a file is not even worth opening; empty where it is."""
    try:
        found = os.stat(path)
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {reason(error)}"
    except ValueError:
        return "its path is not valid"
    if not stat.S_ISREG(found.st_mode):
        return "not a file"
    return "" if found.st_size else "empty file (0 bytes)"


def _candidate(file: Found) -> Candidate:
    return Candidate(
        path=file.path,
        fake=file.label == "fake",
        original=file.original,
        method=file.method,
        identity=file.identity,
        compression=file.compression,
        official=_RANKS[file.official],
        tie=file.tie,
    )


def _leave_out(files: Gathering, checked: Iterable[Checked], bad: list[Bad], report: IndexReport) -> None:
    """Take out what cannot be decoded."""
    broken = []
    for one in checked:
        report.checked += 1
        if one.reason:
            broken.append(one.path)
            bad.append(Bad(identifier(one.path), one.path, one.reason))
    files.remove(broken)


def _group(files: Gathering, renamed: int, oddities: dict[str, Oddity]) -> None:
    """Find out who belongs together: a fake with its original, and all that show one person."""
    oddities[_ALIKE].count = renamed
    ties = Groups()

    def rows() -> Iterator[tuple[int, str, bool, bytes, bytes]]:
        for number, file, company in files.companies():
            own = b"who " + _bytes(file.identity) if file.identity else b""
            other = b"who " + company.identity if company.identity else b""
            person = own or other or b"file " + company.family
            if own and other:
                ties.join(own, other)
            elif own and file.original:
                ties.join(own, b"file " + company.family)
            if file.tie:
                ties.join(person, b"who " + _bytes(file.tie))
            yield number, company.original, company.there, company.family, person

    files.group(rows())
    if joined := ties.joined():
        files.rename_people((member, ties.name_of(member)) for member in joined)


def _divided(
    files: Gathering, settings: IndexSettings, seed: int, report: IndexReport, oddities: dict[str, Oddity]
) -> Iterator[IndexRow]:
    """Yield the rows of the index."""
    shares = {"train": settings.train, "choose": settings.choose, "report": settings.report}
    choose_split = _splitter(shares, files.officials(), seed)
    for one in files.grouped(_TOGETHER[settings.follow]):
        file, split = one.file, choose_split(one)
        if one.official not in (file.official, 1):
            oddities[_FOLLOWERS].see(one.id)
        if one.listed and split != "report":
            oddities[_FAMILIAR].see(one.id)
        if one.original and not one.there:
            oddities[_ORPHANS].see(one.id)
        if file.fake and file.original and not one.original:
            oddities[_CIRCULAR].see(one.id)
        label = "fake" if file.fake else "real"
        report.table[label, file.method, file.compression, split] += 1
        original = one.original if file.fake else one.id
        yield IndexRow(
            one.id, file.path, label, original, file.method, file.identity, file.compression, split
        )


def _splitter(shares: dict[str, float], officials: set[int], seed: int) -> Callable[[Grouped], str]:
    """Make the rule that gives each file its split.

    A file of an official test list, or of another list than that for training, goes where the list says. What
    is officially for training is divided among training and those splits that have no list. The others are
    divided among all three.
    """
    listed = {name for name in SPLITS if _RANKS[name] in officials}
    for_learning = {name: share for name, share in shares.items() if name == "train" or name not in listed}
    names = {rank: name for name, rank in _RANKS.items()}

    def split(one: Grouped) -> str:
        name = names[one.official]
        if name in ("choose", "report"):
            return name
        among = for_learning if name == "train" else shares
        return split_of(one.person, seed, among) if any(among.values()) else "train"

    return split


def _sum_up(report: IndexReport, oddities: dict[str, Oddity], dataset: str) -> None:
    """Complete the report: sums by label, and what a person should know."""
    for (label, _, _, _), count in report.table.items():
        report.counts[label] += count
    report.oddities = [oddity for oddity in oddities.values() if oddity.count]
    if dataset not in ONE_KIND and report.table:
        for label in ("real", "fake"):
            if not report.counts[label]:
                report.oddities.append(Oddity(f"{label} files: there is nothing to tell them from"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
