"""Draw contact sheets of a data set: faces, pairs with their maps, and forgeries with their masks."""

import hashlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.ids import longer_identifier, unmistakable_identifier
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import read_crops
from deepfake_cli.io.forged import read_fakes
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import IndexRow
from deepfake_cli.io.maps import read_maps
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.settings import InspectSettings

from .inspect_look import Look

REAL, FAKE, PAIRS, LEFT_OUT, FORGED = "real", "fake", "pairs", "left out", "forged"
Topic = tuple[str, str]  # what is shown, and the method or kind of it
Cells = Sequence[tuple[Path, str]]  # pictures that belong together, each with its title


@dataclass(frozen=True)
class DrawnSheet:
    """A contact sheet that was written.

    Attributes:
        file: Its name.
        topic: What it shows.
        shown: Faces, pairs or forgeries on it.
        size: Width and height in pixels.
    """

    file: str
    topic: Topic
    shown: int
    size: tuple[int, int]


class Samples:
    """Draws videos for every topic, the same ones in whatever order they are offered."""

    def __init__(self, seed: int, most: int) -> None:
        self._seed, self._most = seed, most
        self._drawn: dict[Topic, list[tuple[int, str, IndexRow]]] = {}

    def offer(self, row: IndexRow, look: Look) -> None:
        """Take a video whose faces were cut, for all that it can show."""
        if look.sizes:
            self._offer((FAKE, row.method) if row.fake else (REAL, ""), row)
        if look.paired:
            self._offer((PAIRS, ""), row)
        if look.means:
            self._offer((PAIRS, "map"), row)
        if any(look.left_out.values()):
            self._offer((LEFT_OUT, ""), row)
        for kind in look.forged:
            self._offer((FORGED, kind), row)

    def topics(self, most: int) -> list[tuple[Topic, list[IndexRow]]]:
        """List the topics with their videos; of more methods than ``most`` the first by name."""
        with_maps = (PAIRS, "map") in self._drawn
        order = {what: place for place, what in enumerate((REAL, FAKE, PAIRS, LEFT_OUT, FORGED))}
        topics = sorted(self._drawn, key=lambda topic: (order[topic[0]], topic[1]))
        topics = [topic for topic in topics if topic != (PAIRS, "") or not with_maps]
        methods = [topic for topic in topics if topic[0] == FAKE][most:]
        return [
            (topic, [row for _, _, row in sorted(self._drawn[topic], key=lambda one: (-one[0], one[1]))])
            for topic in topics
            if topic not in methods
        ]

    def _offer(self, topic: Topic, row: IndexRow) -> None:
        key = int.from_bytes(hashlib.sha256(f"{self._seed} {topic} {row.id}".encode()).digest()[:8], "big")
        heap = self._drawn.setdefault(topic, [])
        heapq.heappush(heap, (-key, row.id, row))
        if len(heap) > self._most:
            heapq.heappop(heap)  # the greatest number: the smallest ones stay


def draw_sheets(
    folder: DatasetFolder, samples: Samples, settings: InspectSettings, seed: int, target: Path
) -> Iterator[DrawnSheet]:
    """Draw a sheet for each topic.

    Args:
        folder: Of the data set.
        samples: Of its videos.
        settings: How large the sheets are.
        seed: Chooses the faces of a video.
        target: Folder that they are written to.

    Raises:
        OSError: A sheet cannot be written.
    """
    for topic, rows in samples.topics(settings.methods):
        listed = _LISTS[topic[0]]
        drawn, side = [], settings.side
        for cells in _turns([_shuffled(folder, listed, row, topic, seed) for row in rows]):
            pictures = _read(cells)
            if pictures:
                drawn.append((pictures, [title for _, title in cells]))
            if drawn and (len(drawn) + 1) * len(drawn[0][0]) > settings.pictures:
                break
        if not drawn:
            continue
        wide = len(drawn[0][0])
        flat = [picture for pictures, _ in drawn for picture in pictures]
        titles = [title for _, some in drawn for title in some]
        columns = max(settings.columns // wide, 1) * wide
        sheet = contact_sheet(flat, titles, columns=columns, side=side)
        file = _file(target, "-".join(filter(None, topic)))
        (target / file).write_bytes(encode_png(sheet))
        yield DrawnSheet(file, topic, len(drawn), (sheet.shape[1], sheet.shape[0]))


def _file(target: Path, name: str) -> str:
    """Name a sheet; methods may be called anything."""
    file = f"{longer_identifier(name)}.png"
    return f"{unmistakable_identifier(name)}.png" if (target / file).exists() else file


def _shuffled(
    folder: DatasetFolder,
    listed: Callable[[DatasetFolder, IndexRow, str], list[Cells]],
    row: IndexRow,
    topic: Topic,
    seed: int,
) -> list[Cells]:
    """List what a video has to show, in an order drawn for it."""
    try:
        found = listed(folder, row, topic[1])
    except DataError:
        return []  # it is told of where all videos are looked at
    digest = hashlib.sha256(f"{topic} {row.id}".encode()).digest()
    rng = np.random.default_rng([seed, *digest[:16]])
    return [found[i] for i in rng.permutation(len(found))]


def _turns(lists: Sequence[Sequence[Cells]]) -> Iterator[Cells]:
    """Take one of each video, then a second one …."""
    for turn in range(max(map(len, lists), default=0)):
        yield from (cells[turn] for cells in lists if turn < len(cells))


def _read(cells: Cells) -> list[NDArray[np.uint8]]:
    """Read pictures that belong together; none where one is missing."""
    try:
        return [read_image(path) for path, _ in cells]
    except MediaError:
        return []


def _faces(folder: DatasetFolder, row: IndexRow, _: str) -> list[Cells]:
    place = folder.crops / row.id
    return [[(place / crop.file, _title(row, crop.file))] for crop in read_crops(place).faces]


def _pairs(folder: DatasetFolder, row: IndexRow, what: str) -> list[Cells]:
    if what != "map":
        return [_pair(folder, row, crop.file) for crop in read_crops(folder.crops / row.id).faces]
    place = folder.mri / row.id
    return [
        [*_pair(folder, row, one.face), (place / one.file, f"map, mean {one.mean:.2f}")]
        for one in read_maps(place).maps
    ]


def _left_out(folder: DatasetFolder, row: IndexRow, _: str) -> list[Cells]:
    maps = {one.face for one in read_maps(folder.mri / row.id).maps}
    faces = read_crops(folder.crops / row.id).faces
    return [_pair(folder, row, crop.file) for crop in faces if crop.file not in maps]


def _forged(folder: DatasetFolder, row: IndexRow, kind: str) -> list[Cells]:
    place = folder.forged / row.id
    return [
        [
            (place / fake.real if fake.real else folder.crops / row.id / fake.face, _title(row, fake.face)),
            (place / fake.file, "forged"),
            (place / fake.mask, "mask"),
        ]
        for fake in read_fakes(place).fakes
        if fake.kind == kind
    ]


_LISTS = {REAL: _faces, FAKE: _faces, PAIRS: _pairs, LEFT_OUT: _left_out, FORGED: _forged}


def _pair(folder: DatasetFolder, row: IndexRow, file: str) -> list[tuple[Path, str]]:
    real, fake = (folder.crops / video / file for video in (row.original, row.id))
    return [(real, f"real {Path(file).stem}"), (fake, _title(row, file))]


def _title(row: IndexRow, file: str) -> str:
    """Name a face by the end of its video's id, which is where ids differ."""
    return f"{row.id.rpartition('__')[2]} {Path(file).stem}"
