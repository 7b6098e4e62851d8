"""Look at what the stages made of one video: sizes of faces, maps, forgeries, and hashes of some pictures."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2

from deepfake_cli.core.phash import perceptual_hash
from deepfake_cli.core.sampling import evenly_spread
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, read_crops
from deepfake_cli.io.forged import read_fakes
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow
from deepfake_cli.io.maps import FaceMaps, read_maps
from deepfake_cli.io.workspace import DatasetFolder


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one video.

    Attributes:
        sizes: Longer side of each face's box, in whole pixels of its picture.
        hashes: Place among the faces, and perceptual hash, of the pictures that were looked at.
        plain: How many of them show nothing to be hashed.
        paired: Whether its faces are aligned with those of its original.
        means: Of its dissimilarity maps, in [0, 1].
        left_out: Pairs without a map, by reason.
        forged: Forgeries made of it, by kind.
        problem: What is wrong with a picture that was to be hashed; empty as a rule.
    """

    sizes: tuple[int, ...]
    hashes: tuple[tuple[int, int], ...]
    plain: int
    paired: bool
    means: tuple[float, ...]
    left_out: Mapping[str, int]
    forged: Mapping[str, int]
    problem: str


@dataclass(frozen=True)
class Looker:
    """Looks at videos in a worker process; small, as it is pickled.

    Attributes:
        folder: Of the data set.
        hashes: Most pictures of a video that are hashed, evenly spread over it.
    """

    folder: DatasetFolder
    hashes: int

    def __call__(self, row: IndexRow, report: Callable[[Any], None]) -> Look | str:
        """Look at one video whose faces were cut; what is wrong with its tables travels home as words."""
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        try:
            return self._look(row)
        except DataError as error:
            return error.message

    def _look(self, row: IndexRow) -> Look:
        place = self.folder.crops / row.id
        crops = read_crops(place)
        maps = self._maps(row)
        chosen = evenly_spread(range(len(crops.faces)), self.hashes)
        found, problem = [], ""
        for i in chosen:
            file = place / crops.faces[i].file
            try:
                found.append((i, perceptual_hash(read_image(file))))
            except MediaError as error:
                problem = f"{file.name}: {error.message}"
        return Look(
            sizes=tuple(map(_size, crops.faces)),
            hashes=tuple((i, bits) for i, bits in found if bits is not None),
            plain=sum(bits is None for _, bits in found),
            paired=row.fake and bool(crops.faces) and crops.boxes_from == row.original != row.id,
            means=tuple(one.mean for one in maps.maps),
            left_out=maps.left_out,
            forged=self._forged(row),
            problem=problem,
        )

    def _maps(self, row: IndexRow) -> FaceMaps:
        folder = self.folder.mri / row.id
        return read_maps(folder) if row.fake and folder.is_dir() else FaceMaps("", (), {})

    def _forged(self, row: IndexRow) -> Mapping[str, int]:
        folder = self.folder.forged / row.id
        return Counter(fake.kind for fake in read_fakes(folder).fakes) if folder.is_dir() else {}


def _size(crop: Crop) -> int:
    return round(max(crop.box[2] - crop.box[0], crop.box[3] - crop.box[1]))
