"""Find what is in several splits at once: pictures that look the same, and names that should be in one."""

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.phash import near_pairs
from deepfake_cli.io.index import SPLITS

_SPARE = 16  # pairs of hashes kept for each pair of videos that is listed: videos have several
_EACH = 8  # pictures of one and the same hash that are listed of each split: a test card would fill the list

Place = tuple[int, int]  # number of the video in the index, place of the face among those of the video


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """Two videos of different splits, by their two pictures that look most alike.

    Attributes:
        distance: Bits in which the hashes differ.
        first: The picture of the video that comes first in the index.
        second: The other one.
    """

    distance: int
    first: Place
    second: Place


class Duplicates:
    """Collects hashes, some 14 bytes each, and finds those in different splits that are near."""

    def __init__(self) -> None:
        self._hashes, self._videos = array("Q"), array("L")
        self._faces, self._splits = array("L"), array("B")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, video: int, split: str, hashes: Iterable[tuple[int, int]]) -> None:
        """Take the hashes of a video: place of the face, and bits."""
        for face, bits in hashes:
            self._hashes.append(bits)
            self._videos.append(video)
            self._faces.append(face)
            self._splits.append(SPLITS.index(split))

    def search(self, distance: int, most: int) -> tuple[int, list[Match]]:
        """Find pictures in different splits that look the same.

        Args:
            distance: Most differing bits.
            most: Pairs of videos that are returned.

        Returns:
            How many pairs of pictures there are, and the closest pairs of videos.
        """
        splits = np.asarray(self._splits, np.uint8)
        values, which = np.unique(np.asarray(self._hashes, np.uint64), return_inverse=True)
        counts = np.zeros((len(values), len(SPLITS)), np.int64)
        np.add.at(counts, (which, splits), 1)
        members = ((counts > 0) @ (1 << np.arange(len(SPLITS)))).astype(np.uint8)
        several = np.flatnonzero(members & (members - 1))  # of one and the same hash
        kept = _with_distance(np.stack([several, several], axis=1), values)
        total = int(_across(counts[several], counts[several]).sum()) // 2
        kept = _closest(kept, most * _SPARE)
        for pairs in near_pairs(values, members, distance):
            total += int(_across(counts[pairs[:, 0]], counts[pairs[:, 1]]).sum())
            kept = _closest(np.concatenate([kept, _with_distance(pairs, values)]), most * _SPARE)
        return total, self._matches(kept, which, splits)[:most]

    def _matches(
        self, pairs: NDArray[np.int64], which: NDArray[np.int64], splits: NDArray[np.uint8]
    ) -> list[Match]:
        """Turn pairs of hashes into pairs of videos, closest first."""
        order = np.lexsort((np.asarray(self._faces), np.asarray(self._videos), which))
        sorted_values = which[order]

        def pictures(value: int) -> list[tuple[int, Place]]:
            start, end = np.searchsorted(sorted_values, [value, value + 1])
            mine = order[start:end]
            return [
                (split, (self._videos[i], self._faces[i]))
                for split in range(len(SPLITS))
                for i in mine[splits[mine] == split][:_EACH]
            ]

        best: dict[tuple[int, int], Match] = {}
        for distance, one, two in pairs.tolist():
            for (split, first), (other, second) in product(pictures(one), pictures(two)):
                if split != other:
                    match = Match(distance, *sorted((first, second)))
                    videos = match.first[0], match.second[0]
                    best[videos] = min(match, best.get(videos, match))
        return sorted(best.values())


class Divided:
    """Counts names, such as of people, that are in several splits; nine bytes a name."""

    def __init__(self) -> None:
        self._names, self._splits = array("Q"), array("B")

    def add(self, name: str, split: str) -> None:
        """Take a name, if there is one."""
        if name:
            digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
            self._names.append(int.from_bytes(digest[:8], "little"))
            self._splits.append(SPLITS.index(split))

    def count(self) -> int:
        """Tell how many are in more than one split."""
        pairs = np.stack([np.asarray(self._names, np.uint64), np.asarray(self._splits, np.uint64)])
        names = np.unique(pairs, axis=1)[0]
        return int((np.unique(names, return_counts=True)[1] > 1).sum())


def _across(one: NDArray[np.int64], two: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count pairs of pictures of different splits, by (K, splits) pictures of both hashes."""
    return np.asarray(one.sum(1) * two.sum(1) - (one * two).sum(1), np.int64)


def _with_distance(pairs: NDArray[np.int64], values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Put the distance before places of hashes, (K, 3)."""
    bits = np.bitwise_count(values[pairs[:, 0]] ^ values[pairs[:, 1]]).astype(np.int64)
    return np.column_stack([bits, pairs])


def _closest(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Keep the closest, always the same ones."""
    return rows if len(rows) <= most else rows[np.lexsort(rows.T[::-1])[:most]]
