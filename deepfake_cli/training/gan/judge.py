"""How well a generator paints, on faces that it did not learn from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.errors import DataError
from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.settings import GanSettings

from ..measure.metrics import auc
from ..tables import Source, read_faces
from .learner import GanLearner
from .pairs import MapsOnce

_BATCH = 32
_SIDE = 128  # of a picture on the sheet of samples, pixels


@dataclass(frozen=True)
class Painted:
    """What an epoch's generator paints, on faces of the split ``choose``.

    Attributes:
        ssim: Mean structural similarity of painted and true maps of fakes; None where no true map is known.
        real: Mean of the painted maps of real faces, in [0, 1].
        fake: The same of fakes.
        auc: Of the mean of a painted map as a score for fake: what decides.
        sheet: (H, W, 3) uint8: samples in rows of face, true map, painted map.
    """

    ssim: float | None
    real: float
    fake: float
    auc: float
    sheet: NDArray[np.uint8]


class GanJudge:
    """Faces to judge a generator by.

    Args:
        sources: Tables; their rows of the split ``choose`` are used, or ``settings.judged`` of them drawn by
            the seed.
        settings: The recipe.

    Raises:
        DataError: There is none, or none of one label.
    """

    def __init__(self, sources: list[Source], settings: GanSettings) -> None:
        rows = [row for source in sources for row in read_faces(source.table, ["choose"])]
        drawn = np.random.default_rng(settings.seed).permutation(len(rows))
        rows = [rows[i] for i in sorted(drawn[: settings.judged or None])]
        if len({row.fake for row in rows}) < 2:
            raise DataError(
                "the split 'choose' of the tables needs real and fake faces: it judges the epochs"
            )
        self._faces = MapsOnce(rows, settings.size, settings.margin, settings.metric)
        self._workers, self._samples = settings.workers, settings.samples
        self.labels = self._faces.labels
        self._shown = self._choose_samples()

    def judge(self, learner: GanLearner) -> Painted:
        """Paint all faces and measure the maps."""
        paint = learner.painter()
        means, likenesses, shown = [], [], []
        start = 0
        for faces, truth in DataLoader(self._faces, _BATCH, num_workers=self._workers):
            maps = paint(faces)
            means.append(maps.mean((1, 2, 3)))
            likenesses.append(_ssim(maps, truth.permute(0, 3, 1, 2) / 255))
            shown += [
                _row(faces[i - start], truth[i - start], maps[i - start])
                for i in self._shown
                if start <= i < start + len(faces)
            ]
            start += len(faces)
        scores = torch.cat(means).double().numpy()
        told = self._faces.known & (self.labels == 1)
        return Painted(
            ssim=float(torch.cat(likenesses).numpy()[told].mean()) if told.any() else None,
            real=float(scores[self.labels == 0].mean()),
            fake=float(scores[self.labels == 1].mean()),
            auc=auc(self.labels, scores),
            sheet=_sheet(shown, [bool(self.labels[i]) for i in self._shown]),
        )

    def _choose_samples(self) -> list[int]:
        """Take the first fakes whose map is known, or any, and as many reals; the same in every epoch."""
        fakes = np.flatnonzero((self.labels == 1) & self._faces.known)
        fakes = fakes if fakes.size else np.flatnonzero(self.labels == 1)
        chosen = [*fakes[: self._samples], *np.flatnonzero(self.labels == 0)[: self._samples]]
        return sorted(int(i) for i in chosen)


def _row(face: Tensor, truth: Tensor, painted: Tensor) -> list[NDArray[np.uint8]]:
    painted_picture = (painted * 255).round().to(torch.uint8).permute(1, 2, 0)
    return [face.numpy(), truth.numpy(), painted_picture.numpy()]


def _sheet(rows: list[list[NDArray[np.uint8]]], fake: list[bool]) -> NDArray[np.uint8]:
    pictures = [picture for row in rows for picture in row]
    titles = [
        title for is_fake in fake for title in ("fake" if is_fake else "real", "true map", "painted map")
    ]
    return contact_sheet(pictures, titles, columns=6, side=_SIDE)


def _ssim(maps: Tensor, truth: Tensor) -> Tensor:
    """Compare maps (N, 3, H, W) in [0, 1] pairwise: (N,)."""
    import_torchvision()
    import piq

    found: Tensor = piq.ssim(maps, truth, data_range=1.0, reduction="none", downsample=False)
    return found
