"""Find pictures that show the same: a hash that survives scaling and compression, and a search for it."""

from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

BITS = 64
FARTHEST = 8  # differing bits up to which `near_pairs` is quick

_SIDE = 32  # pictures are scaled to this before they are transformed
_LOW, _HIGH = 1, 9  # frequencies that make the hash, 8 a direction, without the constant
_PLAIN = 16.0  # largest coefficient of a picture whose detail is below a grey level: its signs mean nothing
_INTACT = 3  # parts of a hash that are looked up together


def perceptual_hash(picture: NDArray[np.uint8]) -> int | None:
    """Hash what a picture shows: the signs of its low frequencies about their median.

    The DCT hash of Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010),
    section 3.2.1, but scaled down by areas instead of a mean filter before.

    Args:
        picture: (H, W, 3) uint8 RGB.

    Returns:
        64 bits; None for a picture of one colour, which has nothing to be told by.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[_LOW:_HIGH, _LOW:_HIGH].ravel()
    if np.abs(low).max() < _PLAIN:
        return None
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def near_pairs(hashes: Hashes, members: NDArray[np.uint8], distance: int) -> Iterator[NDArray[np.int64]]:
    """Find the pairs of hashes that differ in few bits and do not belong to one and the same group.

    Exact, without comparing all with all: cut into ``distance + 3`` parts, two such hashes agree in at least
    three, so that sorting by every choice of three parts brings them together (Manku, Jain, Das Sarma,
    "Detecting near-duplicates for web crawling", 2007). A pair is given where its first three equal parts
    are looked up, hence once.

    Args:
        hashes: (N,), each once.
        members: (N,) the groups that a hash belongs to, a bit each.
        distance: Most differing bits, 0 to ``FARTHEST``.

    Yields:
        (M, 2) places in ``hashes``, the lower first; some pairs at a time.
    """
    parts = _parts(distance + _INTACT)
    for chosen in combinations(range(len(parts)), _INTACT):
        keys = hashes & np.bitwise_or.reduce(parts[list(chosen)])
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.r_[True, keys[order][1:] != keys[order][:-1]])
        if not len(order):
            return
        together = np.bitwise_or.reduceat(members[order], starts)
        lengths = np.diff(np.r_[starts, len(order)])
        worth = (lengths > 1) & (together & (together - 1) > 0)  # of more than one group
        starts, ends = starts[worth], (starts + lengths)[worth]
        firsts = np.concatenate([np.arange(*run) for run in zip(starts, ends, strict=True)] or [starts])
        limits = np.repeat(ends, ends - starts)
        for step in range(1, int((ends - starts).max(initial=1))):
            inside = firsts + step < limits
            firsts, limits = firsts[inside], limits[inside]
            pairs = np.sort(np.stack([order[firsts], order[firsts + step]], axis=1), axis=1)
            near = pairs[_near(hashes, members, pairs, parts, chosen, distance)]
            if len(near):
                yield near.astype(np.int64)


def _near(
    hashes: Hashes,
    members: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    parts: Hashes,
    chosen: tuple[int, ...],
    distance: int,
) -> NDArray[np.bool_]:
    """Tell which pairs are near, of different groups, and first met with this choice of parts."""
    one, two = pairs.T
    differing = hashes[one] ^ hashes[two]
    groups = members[one] | members[two]
    first = np.bitwise_count(differing) <= distance
    first &= (groups & (groups - 1)) > 0
    for part in range(chosen[-1]):
        if part not in chosen:  # an equal part before the last chosen one: another choice comes first
            first &= (differing & parts[part]) != 0
    return np.asarray(first, np.bool_)


def _parts(count: int) -> Hashes:
    """Cut 64 bits into parts of nearly one size, as masks."""
    ends = [BITS * i // count for i in range(count + 1)]
    return np.array([(1 << b) - (1 << a) for a, b in zip(ends, ends[1:], strict=False)], np.uint64)
