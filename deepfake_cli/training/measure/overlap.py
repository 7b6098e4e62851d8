"""Note what a model learned from, and find it again among the faces that it is to be tested on.

``<run>/learned.json``, beside the model of the run, holds of every table the name of the data set, what names
its originals (the first 64 bits of the SHA-256 of ``dataset/original``) and what some of its faces look like
(perceptual hashes): enough to recognise them, not to restore them.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_face
from deepfake_cli.core.phash import near_pairs, perceptual_hash
from deepfake_cli.core.sampling import evenly_spread
from deepfake_cli.errors import DataError
from deepfake_cli.io.files import write_atomically
from deepfake_cli.progress import Track, untracked

from ..tables import FaceRow, Source, read_faces, read_picture

LEARNED = "learned.json"

_SCHEMA = 1
_SEEN = ("train", "choose")  # the second sets threshold and epoch
_FACES = 2  # of a video that are looked at, evenly spread over it
_SIDE = 64  # pixels, of a face that is hashed: of the face alone, however loosely a table cuts it
# Bits in which hashes of one face may differ. Of 3,282 DFDC faces 15 have one within 2 bits among 22,537 of
# other originals: 11 are copies to the pixel, 4 are of the same shot. Within 4 bits are 45, most of them of
# the same person on another day. Of FaceForensics++ and of photographs none lies within 6 bits of DFDC.
# JPEG 50 and half the size keep 98 to 100 % of faces within 2 bits.
_DISTANCE = 2
_LEARNED_BIT, _TEST_BIT = 1, 2


@dataclass(frozen=True)
class Learned:
    """What a model learned from, or what a table holds.

    Attributes:
        datasets: Names of the data sets.
        originals: Digests of the originals, 16 hex digits each.
        faces: (N,) perceptual hashes of faces.
    """

    datasets: frozenset[str]
    originals: frozenset[str]
    faces: NDArray[np.uint64]


@dataclass(frozen=True)
class Overlap:
    """What a test set shares with what a model learned from.

    Attributes:
        originals: How many originals.
        faces: How many of the faces that were looked at are nearly the same pictures.
    """

    originals: int
    faces: int

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.originals or self.faces)


def write_learned(path: Path, sources: Iterable[Source], *, track: Track = untracked) -> None:
    """Note what a run learns from: the splits ``train`` and ``choose`` of its tables.

    Args:
        path: The ``learned.json`` to write.
        sources: The tables.
        track: Shows the progress.

    Raises:
        DataError: A table cannot be read.
        OutputError: The file cannot be written.
    """
    _write(path, [_note(source.table, track) for source in sources])


def carry_learned(
    folder: Path, members: Iterable[Path], tables: Iterable[Path], *, track: Track = untracked
) -> None:
    """Note in a folder what a model learned from that is made of others; not if one of them does not tell.

    Args:
        folder: Of the model.
        members: Folders of those it is made of.
        tables: What it was fitted to or calibrated on besides.
        track: Shows the progress.

    Raises:
        DataError: A note or a table cannot be read.
        OutputError: The file cannot be written.
    """
    notes = []
    for member in members:
        path = find_learned(member)
        if path is None:
            return
        notes += _read_tables(path)
    _write(folder / LEARNED, [*notes, *(_note(table, track) for table in tables)])


def find_learned(model: Path) -> Path | None:
    """Find the ``learned.json`` of a model folder: in it, or beside it where a run made it."""
    places = [model / LEARNED]
    if model.resolve().name == "model":  # as runs call it; what else lies there is not of the run
        places.append(model.resolve().parent / LEARNED)
    return next((path for path in places if path.is_file()), None)


def read_learned(path: Path) -> Learned:
    """Read a ``learned.json``.

    Raises:
        DataError: It is none.
    """
    return _parse(_read_tables(path))


def describe(dataset: str, rows: Sequence[FaceRow], *, track: Track = untracked) -> Learned:
    """Take from the rows of a table what tells their originals and faces again."""
    hashes = {_hash(row) for row in track(_some(rows), f"hashing {dataset}")}
    return Learned(
        frozenset([dataset]),
        frozenset(_digest(dataset, row.original) for row in rows),
        np.array(sorted(value for value in hashes if value is not None), np.uint64),
    )


def overlap(learned: Learned, test: Learned) -> Overlap:
    """Count what a test set, as `describe` tells it, shares with what was learned from."""
    values = np.union1d(learned.faces, test.faces)
    tested = np.isin(values, test.faces)
    known = np.isin(values, learned.faces)
    members = (known * _LEARNED_BIT + tested * _TEST_BIT).astype(np.uint8)
    near = known & tested
    for pairs in near_pairs(values, members, _DISTANCE):
        for one, other in (pairs.T, pairs.T[::-1]):
            near[one[tested[one] & known[other]]] = True
    return Overlap(len(learned.originals & test.originals), int(near.sum()))


def _note(table: Path, track: Track) -> dict[str, Any]:
    """Note what the splits of a table hold that a model sees before it is tested."""
    name = table.resolve().parent.name
    seen = describe(name, read_faces(table, _SEEN), track=track)
    faces = [f"{value:016x}" for value in seen.faces.tolist()]
    return {"dataset": name, "originals": sorted(seen.originals), "faces": faces}


def _write(path: Path, tables: list[dict[str, Any]]) -> None:
    with write_atomically(path) as file:
        file.write(json.dumps({"schema": _SCHEMA, "tables": tables}) + "\n")


def _read_tables(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA:
            raise ValueError
        _parse(found["tables"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "remove it: what the model learned from is then told by the names of data sets alone"
        raise DataError(f"{path} does not say what the model learned from", hint) from error
    tables: list[dict[str, Any]] = found["tables"]
    return tables


def _parse(tables: list[dict[str, Any]]) -> Learned:
    return Learned(
        frozenset(table["dataset"] for table in tables),
        frozenset(name for table in tables for name in table["originals"]),
        np.unique(np.array([int(value, 16) for table in tables for value in table["faces"]], np.uint64)),
    )


def _hash(row: FaceRow) -> int | None:
    """Hash a face; one that cannot be read, or shows nothing, has none."""
    try:
        return perceptual_hash(cut_face(read_picture(row.path), row.box, _SIDE))
    except DataError:
        return None


def _some(rows: Sequence[FaceRow]) -> list[FaceRow]:
    """Take some faces of every video."""
    videos: dict[str, list[FaceRow]] = defaultdict(list)
    for row in rows:
        videos[row.video].append(row)
    return [face for faces in videos.values() for face in evenly_spread(faces, _FACES)]


def _digest(dataset: str, original: str) -> str:
    name = f"{dataset}/{original}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(name).hexdigest()[:16]
