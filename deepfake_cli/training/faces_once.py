"""Faces to judge by: those of the split ``choose``, cut as scan cuts them, each once."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError
from deepfake_cli.settings import Profile

from .forging import FORGED, OF_ANY_FACE, FakeKind, can_be_forged, forge, weights_of
from .measure.metrics import auc
from .pictures import single_threaded
from .rows import check_rows
from .tables import FaceRow, Source, read_faces, read_picture

Logits = NDArray[np.float64]


class FacesOnce(Dataset[NDArray[np.uint8]]):
    """The faces of some rows as scan would cut them, (size, size, 3) uint8 each.

    Args:
        rows: The faces.
        profile: How they are cut, and how forged ones are made.
        forged: Kind of the fake that is made of each row, which is real; None for the face as it is. The same
            fake is made each time.
        tables: Number of the table that each row comes from.
    """

    def __init__(
        self,
        rows: Sequence[FaceRow],
        profile: Profile,
        forged: Sequence[FakeKind | None] | None = None,
        tables: Sequence[int] | None = None,
    ) -> None:
        self.rows, self._profile = rows, profile
        self.forged = list(forged) if forged is not None else [None] * len(rows)
        self.tables = np.array(tables if tables is not None else [0] * len(rows))

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 for fake."""
        return np.array(
            [row.fake or kind is not None for row, kind in zip(self.rows, self.forged, strict=True)], np.int64
        )

    @property
    def videos(self) -> list[str]:
        """Name of the video of each face, (N,); what is forged of a video is another."""
        return [
            f"{table}/{row.video}/{kind or ''}"
            for table, row, kind in zip(self.tables, self.rows, self.forged, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        single_threaded()
        row, kind, settings = self.rows[index], self.forged[index], self._profile.classifier
        image = read_picture(row.path)
        if kind is not None:
            rng = np.random.default_rng(zlib.crc32(f"{row.path.name}/{kind}".encode()))
            image = forge(image, row, kind, self._profile.forge, rng)[1]
        return cut_face(image, row.box, settings.size, settings.margin)


def faces_to_choose_by(sources: list[Source], profile: Profile) -> FacesOnce:
    """Gather the faces of the split ``choose`` of all tables.

    Of a table that has real faces alone, each is forged once, by the kinds that the recipe names.

    Raises:
        DataError: There is none, or a table has fakes alone.
    """
    rows: list[FaceRow] = []
    forged: list[FakeKind | None] = []
    tables: list[int] = []
    for number, source in enumerate(sources):
        own = read_faces(source.table, ["choose"])
        check_rows(source.table, own)
        fakes = [] if any(row.fake for row in own) else _to_forge(own, profile)
        rows += [*own, *(row for row, _ in fakes)]
        forged += [*([None] * len(own)), *(kind for _, kind in fakes)]
        tables += [number] * (len(own) + len(fakes))
    once = FacesOnce(rows, profile, forged, tables)
    if len(set(once.labels.tolist())) < 2:
        found = f"{int((once.labels == 0).sum())} real and {int((once.labels == 1).sum())} fake"
        raise DataError(
            f"the split 'choose' of the tables needs real and fake faces to judge by: it has {found}",
            "give some originals the split choose: dfdetect data index divides a data set",
        )
    return once


def _to_forge(rows: list[FaceRow], profile: Profile) -> list[tuple[FaceRow, FakeKind]]:
    """Choose what is made of each real face: the kinds of the recipe by turns, as far as they can be."""
    weights = weights_of(profile.fakes)
    wanted = [kind for kind in FORGED if weights[kind]] or list(FORGED[:1])
    found: list[tuple[FaceRow, FakeKind]] = []
    for row in rows:
        kinds = [kind for kind in (*wanted, OF_ANY_FACE) if can_be_forged(row, kind)]
        if kinds:
            found.append((row, kinds[len(found) % len(kinds)]))
    return found


def video_aucs(faces: FacesOnce, logits: Logits, names: Sequence[str]) -> dict[str, float]:
    """Compute the AUC over videos of each table, the score of a video being the mean over its faces.

    Args:
        faces: What was judged.
        logits: (N,) of them.
        names: Of the tables.

    Returns:
        One value for each table with real and fake faces; if there is none, one for all tables together.
    """
    scores = (1 + np.tanh(logits / 2)) / 2
    _, which = np.unique(faces.videos, return_inverse=True)
    means = np.bincount(which, scores) / np.bincount(which)
    first = np.unique(which, return_index=True)[1]
    labels, tables = faces.labels[first], faces.tables[first]
    found = {}
    for number, name in enumerate(names):
        inside = tables == number
        if len(set(labels[inside].tolist())) == 2:
            found[name] = auc(labels[inside], means[inside])
    return found or {"all": auc(labels, means)}
