"""What is found out about a data set before training, in numbers."""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from deepfake_cli.io.face_table import Entry
from deepfake_cli.io.index import SPLITS, IndexRow

from .inspect_look import Look
from .inspect_sheets import DrawnSheet
from .stages import Bad

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
Key = tuple[str, str, str]  # label, method, split


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a face: its path relative to the data set's folder, its split and label."""

    path: str
    split: str
    label: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Two videos in different splits, by the two pictures that look most alike.

    Attributes:
        distance: Bits, of 64, in which their hashes differ.
        first: The picture of the video that comes first in the index.
        second: The other one.
    """

    distance: int
    first: Picture
    second: Picture


@dataclass(frozen=True)
class Copies:
    """What looks the same in different splits.

    Attributes:
        hashed: Pictures that were compared.
        plain: Pictures that were not, as there is nothing to be seen on them.
        pairs: How many pairs of pictures look the same and are in different splits.
        listed: The closest pairs of videos.
    """

    hashed: int = 0
    plain: int = 0
    pairs: int = 0
    listed: list[Copy] = field(default_factory=list)


@dataclass
class TableCounts:
    """What ``faces.csv`` holds, by label, method and split."""

    faces: Counter[Key] = field(default_factory=Counter)
    weights: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    pairs: Counter[Key] = field(default_factory=Counter)
    maps: Counter[Key] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Count a row."""
        key = entry.label, entry.method, entry.split
        self.faces[key] += 1
        self.weights[key] += entry.weight
        self.pairs[key] += bool(entry.pair)
        self.maps[key] += bool(entry.mri)


@dataclass
class Inspection:
    """What is found out about a data set.

    Attributes:
        name: Of the data set in its workspace.
        files: Files by label, method and split.
        faces: Faces cut out, likewise.
        sizes: By label and method, how many faces have which size (longer side of the box, whole pixels).
        per_file: By label and method, how many files have which number of faces.
        maps: By method, how many maps have which mean, in hundredths.
        left_out: Pairs of faces without a map, by reason.
        forged: Forgeries by kind.
        divided: How many people, and how many originals, are in more than one split.
        plain: Pictures looked at that show nothing to be compared.
        copies: What looks the same in different splits.
        table: What the table for training holds.
        bad: Videos of which something is damaged.
        sheets: Contact sheets, in order.
    """

    name: str
    files: Counter[Key] = field(default_factory=Counter)
    faces: Counter[Key] = field(default_factory=Counter)
    sizes: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    per_file: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    maps: dict[str, Counter[int]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    forged: Counter[str] = field(default_factory=Counter)
    divided: dict[str, int] = field(default_factory=dict)
    plain: int = 0
    copies: Copies = field(default_factory=Copies)
    table: TableCounts = field(default_factory=TableCounts)
    bad: list[Bad] = field(default_factory=list)
    sheets: list[DrawnSheet] = field(default_factory=list)

    def add(self, row: IndexRow, look: Look) -> None:
        """Count what was seen of a video."""
        kind = row.label, row.method
        self.faces[row.label, row.method, row.split] += len(look.sizes)
        self.sizes.setdefault(kind, Counter()).update(look.sizes)
        self.per_file.setdefault(kind, Counter())[len(look.sizes)] += 1
        if look.means:
            self.maps.setdefault(row.method, Counter()).update(round(100 * mean) for mean in look.means)
        self.left_out.update(look.left_out)
        self.forged.update(look.forged)
        self.plain += look.plain

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Labels and methods of all files, real ones first."""
        return sorted({key[:2] for key in self.files}, key=lambda kind: (kind[0] != "real", kind))

    @property
    def one_sided(self) -> list[tuple[str, str]]:
        """Splits that are used but lack a label, and the label they lack."""
        there = {(split, label) for label, _, split in self.files}
        used = [split for split in SPLITS if any(split == one for one, _ in there)]
        return [(s, label) for s in used for label in ("real", "fake") if (s, label) not in there]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, in a fixed order."""
        return {
            "name": self.name,
            "files": [_keyed(key, files=count) for key, count in _sorted(self.files)],
            "faces": [_keyed(key, faces=count) for key, count in _sorted(self.faces)],
            "sizes": _spreads(self.sizes),
            "faces_per_file": _spreads(self.per_file),
            "maps": {method: _spread(counts, 100) for method, counts in sorted(self.maps.items())},
            "left_out": dict(sorted(self.left_out.items())),
            "forged": dict(sorted(self.forged.items())),
            "divided": self.divided,
            "one_sided": [{"split": split, "lacks": label} for split, label in self.one_sided],
            "duplicates": asdict(self.copies),
            "table": [
                _keyed(
                    key,
                    faces=count,
                    weight=round(self.table.weights[key], 4),
                    pairs=self.table.pairs[key],
                    maps=self.table.maps[key],
                )
                for key, count in _sorted(self.table.faces)
            ],
            "bad": [asdict(one) for one in self.bad],
            "sheets": [sheet.file for sheet in self.sheets],
        }


def quantile(counts: Counter[int], share: float) -> int:
    """Find the smallest value that this share of all is not above; of none, 0."""
    needed, passed = share * counts.total(), 0
    for value in sorted(counts):
        passed += counts[value]
        if counts[value] and passed >= needed:
            return value
    return 0


def _sorted(counts: Counter[Key]) -> list[tuple[Key, int]]:
    return sorted(counts.items(), key=lambda one: (one[0][0] != "real", one[0][1], SPLITS.index(one[0][2])))


def _keyed(key: Key, **values: float) -> dict[str, Any]:
    return {"label": key[0], "method": key[1], "split": key[2], **values}


def _spreads(counts: dict[tuple[str, str], Counter[int]]) -> list[dict[str, Any]]:
    kinds = sorted(counts, key=lambda kind: (kind[0] != "real", kind))
    return [{"label": kind[0], "method": kind[1], **_spread(counts[kind])} for kind in kinds]


def _spread(counts: Counter[int], scale: int = 1) -> dict[str, Any]:
    values = {f"{share:g}": quantile(counts, share) for share in QUANTILES}
    named = {name: value / scale for name, value in values.items()} if scale > 1 else values
    return {"count": counts.total(), "quantiles": named}
