"""Count bytes in steps that a progress bar can show."""

from collections.abc import Iterable, Iterator

MB = 1_000_000


def megabytes(pieces: Iterable[int]) -> Iterator[int]:
    """Work through counts of bytes and yield at every full megabyte.

    Args:
        pieces: How many bytes each step has brought.

    Yields:
        How many megabytes there are so far.
    """
    total = told = 0
    for piece in pieces:
        total += piece
        while total >= (told + 1) * MB:
            told += 1
            yield told


def in_words(size: float) -> str:
    """Write a number of bytes for people: ``3.4 GB``, ``120 MB``, ``812 bytes``."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / MB:.0f} MB" if size >= MB else f"{size:.0f} bytes"
