"""Iterators that run ahead in a thread: same items, same errors, bounded, ended when nobody wants more."""

import threading
from collections.abc import Generator

import pytest

from deepfake_cli.errors import MediaError
from deepfake_cli.pipeline.ahead import Ahead


def test_items_come_in_order_and_end() -> None:
    def count() -> Generator[int, None, None]:
        yield from range(100)

    ahead = Ahead(count, 2, 30)
    assert list(ahead) == list(range(100))
    ahead.close()


def test_it_runs_no_further_ahead_than_it_may() -> None:
    made: list[int] = []
    third = threading.Event()

    def count() -> Generator[int, None, None]:
        for number in range(100):
            made.append(number)
            if number == 3:
                third.set()
            yield number

    ahead = Ahead(count, 2, 30)
    items = iter(ahead)
    assert next(items) == 0
    assert third.wait(20)  # one taken, two waiting, one in hand
    assert made == [0, 1, 2, 3]
    ahead.close()


def test_errors_are_raised_where_items_are_taken() -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise MediaError("broken")

    items = iter(Ahead(fail, 2, 30))
    assert next(items) == 1
    with pytest.raises(MediaError, match="broken"):
        next(items)


def test_closing_early_closes_the_iterator_in_its_thread() -> None:
    closed: list[threading.Thread] = []

    def forever() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.append(threading.current_thread())

    ahead = Ahead(forever, 2, 30)
    next(iter(ahead))
    ahead.close()
    assert closed
    assert closed[0] is not threading.current_thread()


def test_what_hangs_is_given_up_in_time() -> None:
    release = threading.Event()

    def hang() -> Generator[int, None, None]:
        yield 1
        release.wait(60)

    ahead = Ahead(hang, 2, 0.3)
    items = iter(ahead)
    assert next(items) == 1
    with pytest.raises(MediaError, match=r"took longer than 0\.3 s"):
        next(items)
    release.set()
    ahead.close()


def test_time_counts_for_whoever_takes_the_items_too() -> None:
    def count() -> Generator[int, None, None]:
        yield from range(10)

    items = iter(Ahead(count, 10, 0.2))
    assert next(items) == 0
    threading.Event().wait(0.3)
    with pytest.raises(MediaError, match="took longer"):
        next(items)
