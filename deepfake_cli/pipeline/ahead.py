"""Let an iterator run ahead in a thread of its own, so that decoding and judging overlap."""

import time
from collections.abc import Callable, Generator, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

from deepfake_cli.errors import MediaError

T = TypeVar("T")


class Ahead(Generic[T]):
    """The items of an iterator that is worked off in a thread, a few at a time.

    Args:
        make: Makes the iterator, in the thread; it is closed there too when nobody wants more.
        depth: Most items that wait to be taken.
        timeout: Seconds from now until the last item must have been taken; None waits for ever.

    Attributes:
        busy: Seconds that the iterator itself has worked.
    """

    def __init__(
        self, make: Callable[[], Generator[T, None, None]], depth: int, timeout: float | None
    ) -> None:
        self.busy = 0.0
        self._timeout = timeout
        self._end = None if timeout is None else time.monotonic() + timeout
        self._items: Queue[T | BaseException | None] = Queue(depth)
        self._unwanted = Event()
        self._thread = Thread(target=self._run, args=[make], daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        """Yield the items in order.

        Raises:
            MediaError: The time is up.
            Exception: Whatever the iterator raises.
        """
        while True:
            try:
                item = self._items.get(timeout=self._left())
            except Empty:
                raise self._too_late() from None
            if self._left() == 0:
                raise self._too_late()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """End the thread, unless it hangs: then it is left behind, it cannot be ended."""
        self._unwanted.set()
        self._thread.join(timeout=2)

    def _left(self) -> float | None:
        return None if self._end is None else max(self._end - time.monotonic(), 0)

    def _too_late(self) -> MediaError:
        return MediaError(f"took longer than {self._timeout:g} s", "allow more time with --timeout")

    def _run(self, make: Callable[[], Generator[T, None, None]]) -> None:
        last: BaseException | None = None
        try:
            start = time.monotonic()
            items = make()
            for item in items:
                self.busy += time.monotonic() - start
                if not self._put(item):
                    items.close()
                    return
                start = time.monotonic()
            self.busy += time.monotonic() - start
        except BaseException as error:  # noqa: B036 - it is raised again where the items are taken
            last = error
        self._put(last)

    def _put(self, item: T | BaseException | None) -> bool:
        while not self._unwanted.is_set():
            try:
                self._items.put(item, timeout=0.1)
            except Full:
                continue
            return True
        return False
