"""Download files in parallel, each resumed where it was and checked; see ``transfer`` for the way of one."""

import contextlib
import itertools
import queue
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from deepfake_cli import __version__
from deepfake_cli.errors import DataError, DfdetectError, FetchError
from deepfake_cli.progress import Track, untracked

from .meter import MB, megabytes
from .transfer import Manner as Manner
from .transfer import Remote as Remote
from .transfer import Space, Stopped, Transfer
from .transfer import require_space as require_space

if TYPE_CHECKING:
    import httpx2

_PARTING = 0.3  # seconds that threads get to end; one that waits for a silent server ends with the process


def download(files: Sequence[Remote], manner: Manner, *, name: str, track: Track = untracked) -> None:
    """Bring files here; those that are here already are left alone.

    One that fails does not keep the others from arriving.

    Args:
        files: What to download; their folders are made.
        manner: How.
        name: What they are, for the progress bar.
        track: Shows the progress in megabytes.

    Raises:
        FetchError: A server cannot be reached, refuses, or breaks off again and again.
        DataError: A file is not what was announced or published.
        OutputError: It cannot be written, or the disk is too small.
    """
    missing = [file for file in files if not file.path.exists()]
    told: dict[Path, int] = {}
    with contextlib.closing(_arrivals(missing, manner, told)) as arrivals:
        begun = list(itertools.islice(arrivals, 1))  # so that a single file's server has said how long it is
        sizes = [file.size or file.about or told.get(file.path, 0) for file in missing]
        total = sum(sizes) // MB if all(sizes) else None
        pieces = itertools.chain(begun, arrivals)
        for _ in track(megabytes(pieces), f"downloading {name}, MB", total):
            pass


def http_client(timeout: float) -> "httpx2.Client":
    """Open what speaks to servers: it follows redirects and says who we are."""
    import httpx2

    headers = {"User-Agent": f"dfdetect/{__version__}", "Accept-Encoding": "identity"}
    return httpx2.Client(follow_redirects=True, timeout=timeout, headers=headers)


def _arrivals(files: Sequence[Remote], manner: Manner, told: dict[Path, int]) -> Generator[int, None, None]:
    """Download in threads and yield the bytes of all as they arrive; note in `told` how long each will be."""
    waiting = queue.SimpleQueue[Remote]()
    for file in files:
        waiting.put(file)
    events = queue.SimpleQueue[int | BaseException | None]()  # None: a thread has ended
    stop, space = threading.Event(), Space(manner.reserve)

    def work() -> None:
        try:
            while not stop.is_set():
                try:
                    file = waiting.get_nowait()
                    Transfer(file, client, manner, stop, space, events.put, told.__setitem__).run()
                except (FetchError, DataError) as error:
                    events.put(error)
        except (queue.Empty, Stopped):
            pass
        except BaseException as error:  # of a disk that is full, or a mistake of ours
            stop.set()
            events.put(error)
        finally:
            events.put(None)

    with http_client(manner.timeout) as client:
        count = min(manner.connections, len(files))
        # Daemons: whoever interrupts us should not wait until a silent server times out.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
        failures: list[BaseException] = []
        try:
            for thread in threads:
                thread.start()
            while count:
                event = events.get()
                if event is None:
                    count -= 1
                elif isinstance(event, BaseException):
                    failures.append(event)
                    if not isinstance(event, FetchError | DataError):
                        break  # without waiting for the others: they are told to stop
                else:
                    yield event
        finally:
            stop.set()
            deadline = monotonic() + _PARTING
            for thread in threads:
                thread.join(max(deadline - monotonic(), 0))
    if failures:
        raise _worst(failures)


def _worst(failures: list[BaseException]) -> BaseException:
    """Choose what to tell of several: what has stopped everything, else the first, with their number."""
    for failure in failures:
        if not isinstance(failure, FetchError | DataError):
            return failure
    first = failures[0]
    assert isinstance(first, DfdetectError)
    more = f" (and {len(failures) - 1} more files failed)" if len(failures) > 1 else ""
    return type(first)(f"{first.message}{more}", first.hint)
