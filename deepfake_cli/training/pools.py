"""The training faces of one table, and how a pair of a real and a fake one is drawn from them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.forgeries import self_blend
from deepfake_cli.errors import DataError

from .tables import FaceRow, Source, decode_picture, read_faces

Picture = NDArray[np.uint8]
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


class Pool:
    """The rows of the split ``train`` of a table, their pictures kept compressed in memory.

    Args:
        table: The ``faces.csv``.
        beside: Share of labelled fakes that are drawn beside their own original, where it is known; the
            others stand beside any real face.
        aligned: Leave out fakes whose original is unknown, and draw the others with it.

    Raises:
        DataError: The table cannot be read, or has no pair to learn from.
    """

    def __init__(self, table: Path, *, beside: float, aligned: bool = False) -> None:
        rows = [row for row in read_faces(table, ["train"]) if row.pair or not (row.fake and aligned)]
        self._beside, self._aligned = beside, aligned
        self._reals = _by_video(row for row in rows if not row.fake)
        self._blendable = _by_video(row for row in rows if not row.fake and row.points is not None)
        # Fakes are drawn by method first, so that a frequent method does not crowd out a rare one.
        methods = sorted({row.method for row in rows if row.fake})
        self._fakes = [
            _by_video(row for row in rows if row.fake and row.method == method) for method in methods
        ]
        if not self._blendable and not (self._reals and self._fakes):
            with_its = " with its original" if aligned else ""
            raise DataError(
                f"{table} has no training pair: it needs real faces with points, or real and fake ones"
                + with_its
            )
        paths = {row.path for row in rows} | {row.pair for row in rows if row.pair}
        self._data = {path: path.read_bytes() for path in paths if path.is_file()}
        self._boxes = {row.path: row.box for row in rows}
        self.fakes = sum(row.fake for row in rows)

    @property
    def has_fakes(self) -> bool:
        """Whether the table has labelled fakes."""
        return bool(self._fakes)

    def draw(self, rng: np.random.Generator, *, labelled: bool) -> DrawnPair:
        """Draw a labelled fake and a real face, or a real face and what self-blending makes of it."""
        if labelled or not self._blendable:
            fake = _draw(self._fakes[int(rng.integers(len(self._fakes)))], rng)
            own = fake.pair is not None and rng.random() < self._beside
            path = fake.pair if own and fake.pair else _draw(self._reals, rng).path
            real = self._open(path)
            original = None
            if self._aligned and fake.pair:
                original = real if own else self._open(fake.pair)
            return DrawnPair(real, self._boxes.get(path, fake.box), self._open(fake.path), fake.box, original)
        row = _draw(self._blendable, rng)
        assert row.points is not None
        real, forged, _ = self_blend(self._open(row.path), row.points, rng)
        return DrawnPair(real, row.box, forged, row.box, real)

    def _open(self, path: Path) -> Picture:
        return decode_picture(self._data.get(path, b""), path)


class Pools:
    """The pools of several tables, each drawn from as often as its share says.

    Args:
        sources: Tables and shares.
        labelled: Share of pairs whose fake is a labelled one, in tables that have any; the others are
            self-blended.
        beside: As in ``Pool``.
        aligned: As in ``Pool``.

    Raises:
        DataError: A table cannot be read, or has no pair to learn from.
    """

    def __init__(
        self, sources: Iterable[Source], *, labelled: float, beside: float, aligned: bool = False
    ) -> None:
        sources = list(sources)
        self._pools = [Pool(source.table, beside=beside, aligned=aligned) for source in sources]
        shares = np.array([source.share for source in sources])
        self._shares, self._labelled = shares / shares.sum(), labelled

    @property
    def fakes(self) -> int:
        """How many labelled fakes there are to draw."""
        return sum(pool.fakes for pool in self._pools)

    def draw(self, rng: np.random.Generator) -> DrawnPair:
        """Draw a pair."""
        pool = self._pools[int(rng.choice(len(self._pools), p=self._shares))]
        return pool.draw(rng, labelled=pool.has_fakes and rng.random() < self._labelled)


def _by_video(rows: Iterable[FaceRow]) -> list[list[FaceRow]]:
    videos: dict[str, list[FaceRow]] = defaultdict(list)
    for row in rows:
        videos[row.video].append(row)
    return list(videos.values())


def _draw(videos: list[list[FaceRow]], rng: np.random.Generator) -> FaceRow:
    faces = videos[int(rng.integers(len(videos)))]
    return faces[int(rng.integers(len(faces)))]
