"""What a generator learns from: real faces, whose map is black, and fakes with a map of what was changed."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepfake_cli.core.faces import cut_face
from deepfake_cli.core.mri import Metric, dissimilarity
from deepfake_cli.errors import DataError
from deepfake_cli.settings import FakesSettings

from ..pictures import single_threaded
from ..pools import Pools
from ..tables import FaceRow, Source, read_picture
from ..transforms import cut_loosely, damage

Picture = NDArray[np.uint8]
Treatment = Literal["damage", "mirror"]


class MapPairs(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a real and a fake face with their maps.

    The map of a fake is drawn from the undamaged pictures, cut as the damaged one that the network sees: it
    shows what was forged and nothing of the compression. Item ``i`` of an epoch depends on ``(seed, epoch,
    i)`` alone.

    Args:
        sources: Where pairs come from; only rows of the split ``train`` are used, and of fakes only those
            that name their original.
        pairs: Pairs in an epoch; 0 for as many as there are fakes.
        labelled: Share of pairs whose fake is a labelled one, in tables that have any; the others are
            self-blended.
        beside: Share of labelled fakes that stand beside their own original instead of any real face.
        treatment: ``damage``: both faces of a pair are damaged alike and cut loosely, as for classifiers;
            ``mirror``: they are mirrored half of the time and nothing else, as in the paper.
        metric: What maps show.
        size: Side of a face in pixels.
        margin: As in ``cut_face``.
        seed: Starts every random draw.

    Raises:
        DataError: A table has no pair to learn from.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        pairs: int,
        labelled: float,
        beside: float,
        treatment: Treatment,
        metric: Metric,
        size: int,
        margin: float,
        seed: int,
    ) -> None:
        fakes = FakesSettings(
            labelled=labelled,
            self_blend=1 - labelled,
            warp_rectangle=0,
            warp_hull=0,
            beside=beside,
            forged_beside=1,
        )
        self._pools = Pools(sources, fakes, None, aligned=True)
        self._pairs = pairs or self._pools.fakes
        if not self._pairs:
            raise DataError(
                "the tables have no fake that names its original, by which an epoch could be counted",
                "say how many pairs an epoch has: gan.pairs in the profile",
            )
        self._treatment, self._metric = treatment, metric
        self._size, self._margin, self._seed = size, margin, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self._pairs

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return faces and maps, both (2, size, size, 3) uint8, the real one first; 255 is the map's 1."""
        single_threaded()
        rng = np.random.default_rng((self._seed, self.epoch, index))
        pair = self._pools.draw(rng)
        assert pair.original is not None  # the pools hold aligned pairs only
        seeds = rng.integers(2**63, size=2)

        def cut(image: Picture, box: NDArray[np.float64], damaged: bool) -> Picture:
            how, where = (np.random.default_rng(int(seed)) for seed in seeds)
            if self._treatment == "mirror":
                face = cut_face(image, box, self._size, self._margin)
                return np.ascontiguousarray(face[:, ::-1]) if where.random() < 0.5 else face
            return cut_loosely(damage(image, how) if damaged else image, box, self._size, self._margin, where)

        faces = cut(pair.real, pair.real_box, True), cut(pair.fake, pair.fake_box, True)
        changed = draw_map(
            cut(pair.original, pair.fake_box, False), cut(pair.fake, pair.fake_box, False), self._metric
        )
        maps = np.zeros_like(changed), changed
        return torch.from_numpy(np.stack(faces)), torch.from_numpy(np.stack(maps))


class MapsOnce(Dataset[tuple[Picture, Picture]]):
    """The faces of some rows as scan would cut them, with their true maps, (size, size, 3) uint8 each.

    The map of a fake whose original is unknown is black; ``known`` says which maps are true.
    """

    def __init__(self, rows: list[FaceRow], size: int, margin: float, metric: Metric) -> None:
        self._rows, self._size, self._margin, self._metric = rows, size, margin, metric

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 for fake."""
        return np.array([row.fake for row in self._rows], np.int64)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) whether the true map is known."""
        return np.array([not row.fake or row.pair is not None for row in self._rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Picture, Picture]:
        row = self._rows[index]
        face = self._cut(read_picture(row.path), row)
        if not row.fake or row.pair is None:
            return face, np.zeros_like(face)
        return face, draw_map(self._cut(read_picture(row.pair), row), face, self._metric)

    def _cut(self, image: Picture, row: FaceRow) -> Picture:
        return cut_face(image, row.box, self._size, self._margin)


def draw_map(real: Picture, fake: Picture, metric: Metric) -> Picture:
    """Draw where two aligned faces differ, as (H, W, 3) uint8: 0 is alike, 255 as different as can be."""
    return np.rint(dissimilarity(real, fake, metric) * 255).astype(np.uint8)
