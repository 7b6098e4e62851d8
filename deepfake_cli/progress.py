"""Progress as a parameter: whoever does long work is handed a `Track` and knows nothing of terminals."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Pass items through one by one, and show how far it is."""

    def __call__(self, items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
        """Yield the items.

        Args:
            items: What is worked through.
            description: What is done, a few words: "cutting faces".
            total: How many items there are; by default their length, where they have one.
        """
        ...


def untracked(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and show nothing: the default `Track`."""
    return iter(items)
