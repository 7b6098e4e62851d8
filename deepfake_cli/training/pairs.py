"""Faces to learn from: pairs of a real and a fake one, drawn anew every epoch; and faces to judge by.

Every pair comes from one table and is treated alike, so that nothing but the forgery tells its two halves
apart: neither the data set, nor the compression, nor the way the face was cut.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepfake_cli.core.faces import cut_face
from deepfake_cli.core.forgeries import self_blend
from deepfake_cli.errors import DataError

from .tables import FaceRow, Source, decode_picture, read_faces, read_picture
from .transforms import augment


class FacePairs(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a real and a fake face.

    Item ``i`` of an epoch depends on ``(seed, epoch, i)`` alone, so that a resumed run draws what it would
    have drawn, whatever the number of loading processes.

    Args:
        sources: Where pairs come from; only rows of the split ``train`` are used.
        pairs: Pairs in an epoch.
        labelled: Share of pairs whose fake is a labelled one, in tables that have any; the others are
            self-blended.
        size: Side of a face in pixels.
        margin: As in ``cut_face``.
        seed: Starts every random draw.

    Raises:
        DataError: A table has no real face to learn from.
    """

    def __init__(
        self, sources: Iterable[Source], *, pairs: int, labelled: float, size: int, margin: float, seed: int
    ) -> None:
        sources = list(sources)
        self._pools = [_Pool(read_faces(source.table, ["train"]), source.table) for source in sources]
        shares = np.array([source.share for source in sources])
        self._shares = shares / shares.sum()
        self._pairs, self._labelled, self._size, self._margin, self._seed = (
            pairs,
            labelled,
            size,
            margin,
            seed,
        )
        self.epoch = 0

    def __len__(self) -> int:
        return self._pairs

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return faces (2, size, size, 3) uint8 and labels (2,) float, the real one first."""
        # Two threads per loader and two loaders would fight over two cores.
        cv2.setNumThreads(0)
        rng = np.random.default_rng((self._seed, self.epoch, index))
        pool = self._pools[int(rng.choice(len(self._pools), p=self._shares))]
        real, fake, boxes = pool.draw(rng, labelled=pool.has_fakes and rng.random() < self._labelled)
        treatment = int(rng.integers(2**63))
        faces = [
            augment(image, box, self._size, self._margin, np.random.default_rng(treatment))
            for image, box in zip((real, fake), boxes, strict=True)
        ]
        return torch.from_numpy(np.stack(faces)), torch.tensor([0.0, 1.0])


class FacesOnce(Dataset[NDArray[np.uint8]]):
    """The faces of some rows as scan would cut them, (size, size, 3) uint8 each."""

    def __init__(self, rows: list[FaceRow], size: int, margin: float) -> None:
        self._rows, self._size, self._margin = rows, size, margin

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 for fake."""
        return np.array([row.fake for row in self._rows], np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        row = self._rows[index]
        return cut_face(read_picture(row.path), row.box, self._size, self._margin)


class _Pool:
    """The training faces of one table, kept compressed in memory."""

    def __init__(self, rows: list[FaceRow], table: Path) -> None:
        self._reals = _by_video(row for row in rows if not row.fake)
        self._blendable = _by_video(row for row in rows if not row.fake and row.points is not None)
        # Fakes are drawn by method first, so that a frequent method does not crowd out a rare one.
        methods = sorted({row.method for row in rows if row.fake})
        self._fakes = [
            _by_video(row for row in rows if row.fake and row.method == method) for method in methods
        ]
        if not self._blendable and not (self._reals and self._fakes):
            raise DataError(
                f"{table} has no training pair: it needs real faces with points, or real and fake ones"
            )
        paths = {row.path for row in rows} | {row.pair for row in rows if row.pair}
        self._data = {path: path.read_bytes() for path in paths if path.is_file()}
        self._boxes = {row.path: row.box for row in rows}

    @property
    def has_fakes(self) -> bool:
        """Whether the table has labelled fakes."""
        return bool(self._fakes)

    def draw(
        self, rng: np.random.Generator, *, labelled: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Draw a real and a fake picture and the box of the face in each."""
        if labelled or not self._blendable:
            fake = _draw(self._fakes[int(rng.integers(len(self._fakes)))], rng)
            # Half of the time beside its own original, where only the forgery differs; else beside any real
            # face.
            aligned = fake.pair is not None and rng.random() < 0.5
            path = fake.pair if aligned and fake.pair else _draw(self._reals, rng).path
            return self._open(path), self._open(fake.path), (self._boxes[path], fake.box)
        row = _draw(self._blendable, rng)
        assert row.points is not None
        real, forged, _ = self_blend(self._open(row.path), row.points, rng)
        return real, forged, (row.box, row.box)

    def _open(self, path: Path) -> NDArray[np.uint8]:
        return decode_picture(self._data.get(path, b""), path)


def _by_video(rows: Iterable[FaceRow]) -> list[list[FaceRow]]:
    videos: dict[str, list[FaceRow]] = defaultdict(list)
    for row in rows:
        videos[row.video].append(row)
    return list(videos.values())


def _draw(videos: list[list[FaceRow]], rng: np.random.Generator) -> FaceRow:
    faces = videos[int(rng.integers(len(videos)))]
    return faces[int(rng.integers(len(faces)))]
