"""Faces to learn from: pairs of a real and a fake one, drawn anew every epoch; and faces to judge by.

Every pair comes from one table and is treated alike, so that nothing but the forgery tells its two halves
apart: neither the data set, nor the compression, nor the way the face was cut.
"""

from collections.abc import Iterable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepfake_cli.core.faces import cut_face

from .pools import Pools
from .tables import FaceRow, Source, read_picture
from .transforms import augment

_BESIDE = 0.5  # share of fakes beside their own original, where only the forgery differs


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
        self._pools = Pools(sources, labelled=labelled, beside=_BESIDE)
        self._pairs, self._size, self._margin, self._seed = pairs, size, margin, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self._pairs

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return faces (2, size, size, 3) uint8 and labels (2,) float, the real one first."""
        # Two threads per loader and two loaders would fight over two cores.
        cv2.setNumThreads(0)
        rng = np.random.default_rng((self._seed, self.epoch, index))
        pair = self._pools.draw(rng)
        treatment = int(rng.integers(2**63))
        faces = [
            augment(image, box, self._size, self._margin, np.random.default_rng(treatment))
            for image, box in ((pair.real, pair.real_box), (pair.fake, pair.fake_box))
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
