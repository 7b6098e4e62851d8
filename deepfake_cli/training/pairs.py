"""Faces to learn from: pairs of a real and a fake one, drawn anew every epoch.

Both faces of a pair come from one table and are, if the recipe says so, treated alike, so that nothing but
the forgery tells its two halves apart: neither the data set, nor the compression, nor the way the face was
cut.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepfake_cli.settings import ClassifierSettings

from .pictures import single_threaded
from .pools import Pools
from .treatments import treat


class FacePairs(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of faces.

    Item ``i`` of an epoch depends on ``(seed, epoch, i)`` alone, so that a resumed run draws what it would
    have drawn, whatever the number of loading processes.

    Args:
        pools: Where pairs come from.
        settings: The recipe: pairs in an epoch, how faces are cut and treated. Where labels are not balanced,
            the two faces of a pair are drawn apart, fake as often as faces of the tables are.
    """

    def __init__(self, pools: Pools, settings: ClassifierSettings) -> None:
        self._pools, self._settings = pools, settings
        self._pairs = settings.pairs or max(pools.examples, settings.batch // 2)
        self._fake_share = None if "label" in settings.balance else pools.fake_share
        self.epoch = 0

    def __len__(self) -> int:
        return self._pairs

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return faces (2, S, S, 3) uint8 and labels (2,) float, 1 for fake."""
        single_threaded()
        rng = np.random.default_rng((self._settings.seed, self.epoch, index))
        if self._fake_share is None:
            faces, labels = self._pair(rng), [0.0, 1.0]
        else:
            labels = [float(fake) for fake in rng.random(2) < self._fake_share]
            faces = [self._pair(rng)[int(label)] for label in labels]
        return torch.from_numpy(np.stack(faces)), torch.tensor(labels)

    def _pair(self, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
        """Draw a real and a fake face, (S, S, 3) each."""
        settings, pair = self._settings, self._pools.draw(rng)
        seeds = [int(rng.integers(2**63))] * 2 if settings.alike else rng.integers(2**63, size=2).tolist()
        return [
            treat(settings.treatment, image, box, settings.size, settings.margin, np.random.default_rng(seed))
            for image, box, seed in zip(
                (pair.real, pair.fake), (pair.real_box, pair.fake_box), seeds, strict=True
            )
        ]
