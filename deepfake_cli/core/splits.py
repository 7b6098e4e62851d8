"""Divide a data set for learning, choosing and reporting, so that what belongs together stays together.

Where a group goes follows from its name and the seed alone: rows can be divided one by one, and nothing
moves when the data set grows.
"""

import hashlib
from collections.abc import Mapping


def split_of(group: bytes, seed: int, shares: Mapping[str, float]) -> str:
    """Choose the split of a group.

    Args:
        group: What must not be divided: a person, or a real video with all fakes of it.
        seed: Another seed, another division.
        shares: Part of all groups by split, 0 or more, in a fixed order; they need not add up to 1.

    Returns:
        One of the names in ``shares``.
    """
    place = _fraction(group, seed) * sum(shares.values())
    last = ""
    for name, share in shares.items():
        if share <= 0:
            continue
        last = name
        if place < share:
            return name
        place -= share
    if not last:
        raise ValueError(f"no split has a share: {dict(shares)}")
    return last


def within(key: str, seed: int, share: float) -> bool:
    """Whether a thing belongs to a share of all, 0 (none) to 1 (all); a larger share holds a smaller."""
    # Not the hash that splits are made by: half of all must be half of every split.
    return _fraction(b"share\n" + key.encode("utf-8", "surrogateescape"), seed) < share


class Groups:
    """Names that belong together, joined two by two; who was never joined is alone.

    The name of a group is the smallest of its members, in whatever order they were joined.
    """

    def __init__(self) -> None:
        self._above: dict[bytes, bytes] = {}

    def join(self, one: bytes, other: bytes) -> None:
        """Put two names, and all that belongs to either, into one group."""
        low, high = sorted((self.name_of(one), self.name_of(other)))
        if low != high:
            self._above[high] = low

    def name_of(self, member: bytes) -> bytes:
        """Tell the name of a member's group."""
        name = member
        while name in self._above:
            name = self._above[name]
        while member != name:  # so that the way is short the next time
            self._above[member], member = name, self._above[member]
        return name

    def joined(self) -> list[bytes]:
        """List the members that do not give their group its name."""
        return sorted(self._above)


def _fraction(key: bytes, seed: int) -> float:
    """Spread keys evenly over [0, 1), the same way everywhere."""
    digest = hashlib.sha256(f"{seed}\n".encode() + key).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
