"""The training faces of tables, and how a pair of a real and a fake one is drawn from them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.splits import within
from deepfake_cli.errors import DataError
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import FakesSettings, ForgeSettings, Level

from .forging import FORGED, KINDS, FakeKind, can_be_forged, forge, weights_of
from .pictures import Picture, Pictures, gather_pictures
from .rows import check_rows
from .tables import FaceRow, Source, read_faces

Box = NDArray[np.float64]


@dataclass(frozen=True)
class DrawnPair:
    """A real and a fake face.

    Attributes:
        real: (H, W, 3) picture around the real face.
        real_box: (4,) of the face in it.
        fake: (H, W, 3) picture around the fake.
        fake_box: (4,) of the face in it.
        original: What the fake is aligned with to the pixel; of labelled fakes only where the pool is of
            aligned ones, else None.
    """

    real: Picture
    real_box: Box
    fake: Picture
    fake_box: Box
    original: Picture | None


class _Faces:
    """Faces to draw one of, by their weights; by video first where videos are drawn evenly."""

    def __init__(self, rows: Iterable[FaceRow], by_video: bool) -> None:
        groups: dict[str, list[FaceRow]] = defaultdict(list)
        for row in rows:
            groups[row.video if by_video else ""].append(row)
        self._groups = [(group, np.cumsum([row.weight for row in group])) for group in groups.values()]

    def __bool__(self) -> bool:
        return bool(self._groups)

    def draw(self, rng: np.random.Generator) -> FaceRow:
        faces, heap = self._groups[int(rng.integers(len(self._groups)))]
        return faces[int(np.searchsorted(heap, rng.random() * heap[-1], side="right"))]


class Pool:
    """The rows of one table to learn from.

    Args:
        table: The ``faces.csv``; names it in errors.
        rows: Of it.
        pictures: Reads the pictures of the rows.
        fakes: Weights of the kinds of fakes; those that the rows do not allow are left out.
        forging: How much faces are warped; None if they are not.
        aligned: Leave out fakes whose original is unknown, and draw the others with it.
        balance: What is drawn evenly.

    Attributes:
        fakes: Number of labelled fakes.
        reals: Number of real faces.
        substituted: Whether none of the kinds that were asked for is possible, and others stand in.

    Raises:
        DataError: There is no pair to learn from.
    """

    def __init__(
        self,
        table: Path,
        rows: list[FaceRow],
        pictures: Pictures,
        fakes: FakesSettings,
        forging: ForgeSettings | None,
        *,
        aligned: bool,
        balance: Collection[Level],
    ) -> None:
        rows = [row for row in rows if row.pair or not (row.fake and aligned)]
        by_video = "video" in balance
        labelled = [row for row in rows if row.fake]
        methods = sorted({row.method for row in labelled}) if "method" in balance else [None]
        self._fakes = [
            _Faces((row for row in labelled if method in (None, row.method)), by_video) for method in methods
        ]
        self._reals = _Faces((row for row in rows if not row.fake), by_video)
        self._forgeable = {
            kind: _Faces((row for row in rows if can_be_forged(row, kind)), by_video)
            for kind in (FORGED if forging else FORGED[:1])
        }
        self._kinds, self._shares, self.substituted = self._mixture(table, weights_of(fakes), aligned)
        self._pictures, self._settings, self._forging, self._aligned = pictures, fakes, forging, aligned
        self._boxes = {row.path: row.box for row in rows}
        self.fakes, self.reals = len(labelled), len(rows) - len(labelled)

    @property
    def learns_labels(self) -> bool:
        """Whether labelled fakes are drawn."""
        return "labelled" in self._kinds

    def draw(self, rng: np.random.Generator) -> DrawnPair:
        """Draw a pair: a labelled fake and a real face, or a real face and what is forged of it."""
        kind = self._kinds[int(rng.choice(len(self._kinds), p=self._shares))]
        if kind == "labelled":
            return self._labelled(rng)
        row = self._forgeable[kind].draw(rng)
        original, fake = forge(self._pictures.read(row.path), row, kind, self._forging, rng)
        if rng.random() < self._settings.forged_beside:
            return DrawnPair(original, row.box, fake, row.box, original)
        other = self._reals.draw(rng)
        return DrawnPair(self._pictures.read(other.path), other.box, fake, row.box, original)

    def _labelled(self, rng: np.random.Generator) -> DrawnPair:
        fake = self._fakes[int(rng.integers(len(self._fakes)))].draw(rng)
        own = fake.pair is not None and rng.random() < self._settings.beside
        path = fake.pair if own and fake.pair else self._reals.draw(rng).path
        real = self._pictures.read(path)
        original = None
        if self._aligned and fake.pair:
            original = real if own else self._pictures.read(fake.pair)
        box = self._boxes.get(path, fake.box)
        return DrawnPair(real, box, self._pictures.read(fake.path), fake.box, original)

    def _mixture(
        self, table: Path, weights: dict[FakeKind, float], aligned: bool
    ) -> tuple[list[FakeKind], NDArray[np.float64], bool]:
        """Take the kinds of fakes that there can be, with their shares; where none is, any that can be."""
        possible = [
            kind
            for kind in KINDS
            if (self._reals and any(self._fakes) if kind == "labelled" else self._forgeable.get(kind))
        ]
        if not possible:
            with_its = " with its original" if aligned else ""
            raise DataError(
                f"{table} has no training pair: it needs real faces with points, or real and fake ones"
                + with_its
            )
        wanted = [kind for kind in possible if weights[kind]]
        substituted = not wanted
        if substituted:
            wanted = ["self_blend"] if "self_blend" in possible else possible[:1]
        shares = np.array([weights[kind] or 1.0 for kind in wanted])
        return wanted, shares / shares.sum(), substituted


class Pools:
    """The pools of several tables, each drawn from as often as its share says.

    Args:
        sources: Tables and shares.
        fakes: Weights of the kinds of fakes.
        forging: How much faces are warped; None if they are not.
        aligned: As in ``Pool``.
        balance: What is drawn evenly; without ``source`` a share counts for each face of its table.
        sample: Share of the originals that is learned from.
        seed: Draws these.
        pack: As in ``gather_pictures``.
        track: Shows the progress of decoding.

    Raises:
        DataError: A table cannot be read, contradicts itself, or has no pair to learn from.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        fakes: FakesSettings,
        forging: ForgeSettings | None,
        *,
        aligned: bool = False,
        balance: Collection[Level] = ("label", "source", "method", "video"),
        sample: float = 1.0,
        seed: int = 0,
        pack: bool = False,
        track: Track = untracked,
    ) -> None:
        sources = list(sources)
        self._pools = []
        for source in sources:
            rows = read_faces(source.table, ["train"])
            check_rows(source.table, rows)
            # All of them, so that runs which sample others find the same pictures packed.
            pictures = gather_pictures(source.table, rows, pack=pack, track=track)
            rows = [row for row in rows if within(row.original, seed, sample)]
            self._pools.append(
                Pool(source.table, rows, pictures, fakes, forging, aligned=aligned, balance=balance)
            )
        sizes = [1 if "source" in balance else pool.fakes + pool.reals for pool in self._pools]
        shares = np.array([source.share * size for source, size in zip(sources, sizes, strict=True)])
        self._shares = shares / shares.sum()
        self.substituted = [s.table for s, p in zip(sources, self._pools, strict=True) if p.substituted]

    @property
    def fakes(self) -> int:
        """How many labelled fakes there are to draw."""
        return sum(pool.fakes for pool in self._pools if pool.learns_labels)

    @property
    def examples(self) -> int:
        """How many fakes there are to draw: labelled ones, or real faces where fakes are made of them."""
        return sum(pool.fakes if pool.learns_labels else pool.reals for pool in self._pools)

    @property
    def fake_share(self) -> float:
        """Share of fakes among all faces; a half where they are forged, of which there is no end."""
        shares = [p.fakes / (p.fakes + p.reals) if p.learns_labels else 0.5 for p in self._pools]
        return float(np.dot(shares, self._shares))

    def draw(self, rng: np.random.Generator) -> DrawnPair:
        """Draw a pair."""
        return self._pools[int(rng.choice(len(self._pools), p=self._shares))].draw(rng)
