"""The real faces that a renderer learns from and is judged by, with their normals where those are known."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepfake_cli.core.faces import cut_face, cut_points
from deepfake_cli.errors import DataError

from ..pictures import single_threaded
from ..rows import check_rows
from ..tables import FaceRow, Source, read_faces, read_picture
from .geometry import NormalMaps, find_normals, mirror_map

Picture = NDArray[np.uint8]

_CLOSE = 0.8  # how much of the square is shown at least


class RealFaces(Dataset[tuple[Tensor, Tensor]]):
    """Real faces of the split ``train``, two an item, each with a map of its normals.

    Faces are cut a little closer than scan cuts them, at a random place within its square, and mirrored half
    of the time. Item ``i`` of an epoch depends on ``(seed, epoch, i)`` alone.

    Args:
        sources: Where faces come from; fakes are left out.
        faces: In an epoch.
        size: Side of a face in pixels.
        margin: As in ``cut_face``.
        seed: Starts every random draw.

    Attributes:
        epoch: Whose faces are drawn.

    Raises:
        DataError: A table has no real face to learn from.
    """

    def __init__(self, sources: Iterable[Source], *, faces: int, size: int, margin: float, seed: int) -> None:
        sources = list(sources)
        self._tables = [_TableFaces(source, "train", size, margin) for source in sources]
        for source, table in zip(sources, self._tables, strict=True):
            if not table.rows:
                raise DataError(f"{source.table} has no real face in the split 'train' to learn from")
        shares = np.array([source.share for source in sources])
        self._shares = shares / shares.sum()
        self._faces, self._seed = faces, seed
        self.epoch = 0

    @property
    def taught(self) -> int:
        """How many faces have known normals; counted anew, which reads all maps."""
        return sum(table.taught for table in self._tables)

    def __len__(self) -> int:
        return self._faces // 2

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return faces and maps of normals, both (2, size, size, 3) uint8."""
        single_threaded()
        rng = np.random.default_rng((self._seed, self.epoch, index))
        faces, maps = zip(*(self._draw(rng) for _ in range(2)), strict=True)
        return torch.from_numpy(np.stack(faces)), torch.from_numpy(np.stack(maps))

    def _draw(self, rng: np.random.Generator) -> tuple[Picture, Picture]:
        table = self._tables[int(rng.choice(len(self._tables), p=self._shares))]
        row = table.rows[int(rng.integers(len(table.rows)))]
        scale = rng.uniform(_CLOSE, 1)
        shift = rng.uniform(-0.5, 0.5, 2) * (1 - scale)
        face, coded = table.cut(row, scale, shift)
        if rng.random() < 0.5:
            return np.ascontiguousarray(face[:, ::-1]), mirror_map(coded)
        return face, coded


class FacesToJudge(Dataset[tuple[Picture, Picture]]):
    """Real faces of a split as scan would cut them, each with a map, (size, size, 3) uint8.

    Args:
        sources: Their tables.
        split: Of these.
        most: How many, drawn by the seed; 0 for all.
        size: Side of a face in pixels.
        margin: As in ``cut_face``.
        seed: Starts the draw.

    Raises:
        DataError: There is none.
    """

    def __init__(
        self, sources: Iterable[Source], split: str, *, most: int, size: int, margin: float, seed: int
    ) -> None:
        tables = [_TableFaces(source, split, size, margin) for source in sources]
        found = [(table, row) for table in tables for row in table.rows]
        if not found:
            raise DataError(f"the split '{split}' of the tables needs real faces: they judge the renderer")
        drawn = np.random.default_rng(seed).permutation(len(found))
        self._faces: list[tuple[_TableFaces, FaceRow]] = [found[i] for i in sorted(drawn[: most or None])]

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, index: int) -> tuple[Picture, Picture]:
        single_threaded()
        table, row = self._faces[index]
        return table.cut(row, 1.0, np.zeros(2))


class _TableFaces:
    """The real faces of a split of a table."""

    def __init__(self, source: Source, split: str, size: int, margin: float) -> None:
        self.rows = [row for row in read_faces(source.table, [split]) if not row.fake]
        check_rows(source.table, self.rows)
        self._maps = find_normals(source.table)
        if self._maps is not None and self._maps.margin < margin:
            raise DataError(
                f"the normals beside {source.table} show less than renderer.margin {margin}",
                f"make them again with: tools/face_geometry.py --margin {margin}",
            )
        self._size, self._margin = size, margin

    @property
    def taught(self) -> int:
        maps = self._maps
        return 0 if maps is None else sum(maps.knows(row.path) for row in self.rows)

    def cut(self, row: FaceRow, scale: float, shift: NDArray[np.float64]) -> tuple[Picture, Picture]:
        """Cut a part of the square around a face, and the same part of its map.

        Args:
            row: The face.
            scale: Side of the part, relative to the square.
            shift: (2,) how far its middle is off that of the square, relative to the side of the square.
        """
        side = float((row.box[2:] - row.box[:2]).max()) * self._margin
        middle = (row.box[:2] + row.box[2:]) / 2 + shift * side
        part = np.concatenate((middle - scale * side / 2, middle + scale * side / 2))
        face = cut_face(read_picture(row.path), part, self._size)
        return face, _map_of(row, part, self._size, self._maps)


def _map_of(row: FaceRow, part: NDArray[np.float64], size: int, maps: NormalMaps | None) -> Picture:
    coded = None if maps is None else maps.read(row.path)
    if maps is None or coded is None:
        return np.zeros((size, size, 3), np.uint8)
    place = cut_points(part.reshape(2, 2), row.box, len(coded), maps.margin)
    return cut_face(coded, place.ravel(), size)
