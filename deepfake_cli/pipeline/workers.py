"""Do tasks in worker processes that may crash or hang without harm to the others.

``multiprocessing`` does not start the workers: it imports the caller's main script anew in each, so that
``scan(paths)`` in a script without a main guard would fail. Here a worker is a fresh interpreter that gets
the work by pickle and lives as long as its standard input stays open, that is, as long as its parent.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

Report = Callable[[Any], None]  # sends a word on progress home
Work = Callable[[Any, Report], Any]

_TICK = 0.25  # seconds between two looks at the clock
_BOOT = "import sys; sys.path[:] = {path!r}; from deepfake_cli.pipeline.workers import serve; serve({fd})"


@dataclass(frozen=True, slots=True)
class Progress:
    """A word from a task that is still being done."""

    task: int
    news: Any


@dataclass(frozen=True, slots=True)
class Done:
    """A finished task."""

    task: int
    value: Any


@dataclass(frozen=True, slots=True)
class Lost:
    """A task whose worker crashed or took too long; the worker is gone."""

    task: int
    reason: str


def supervise(
    work: Work, tasks: Iterable[Any], *, jobs: int, timeout: float
) -> Generator[Progress | Done | Lost, None, None]:
    """Do each task in one of several worker processes; a lost worker is replaced.

    Closing the generator, or an exception in it, ends all workers at once.

    Args:
        work: Does one task; pickled, so a function or an object at module level of an importable module.
        tasks: What to do; taken and pickled one by one, as workers become free.
        jobs: Most workers at a time, 1 or more.
        timeout: Seconds one task may take. Time in which this process itself stood still is not counted.

    Yields:
        What happens, as it happens: one ``Done`` or ``Lost`` a task, ``Progress`` in between.
    """
    events: SimpleQueue[tuple[_Worker, bool | None, Any]] = SimpleQueue()
    waiting = enumerate(tasks)
    workers: set[_Worker] = set()

    def hire() -> None:
        for task in waiting:  # the next one, if there is any
            workers.add(worker := _Worker(work, events, timeout))
            worker.begin(*task)
            return

    def dismiss(worker: _Worker) -> None:
        workers.remove(worker)
        worker.end()

    try:
        for _ in range(jobs):
            hire()
        clock = time.monotonic()
        while workers:
            heard = _next(events)
            before, clock = clock, time.monotonic()
            for worker in workers:
                worker.spend(min(clock - before, 2 * _TICK))  # more: we were stopped, or our reader was slow
            if heard is None or heard[0] not in workers:
                continue
            worker, final, value = heard
            task = worker.task
            if final is None:
                reason = worker.end_in_words()
                dismiss(worker)
                hire()
                yield Lost(task, reason)
            elif not final:
                yield Progress(task, value)
            else:
                following = None if worker.late else next(waiting, None)
                if following is not None:
                    worker.begin(*following)
                else:
                    dismiss(worker)
                    hire()
                yield Done(task, value)
    finally:
        for worker in workers:
            worker.end()


_Events = SimpleQueue["tuple[_Worker, bool | None, Any]"]


def _next(events: _Events) -> "tuple[_Worker, bool | None, Any] | None":
    try:
        return events.get(timeout=_TICK)
    except Empty:
        return None


class _Worker:
    """One worker process, seen from its parent, and the thread that listens to it.

    What it says becomes an event ``(worker, final, value)``: progress, a result, or with None its death.
    """

    def __init__(self, work: Work, events: _Events, timeout: float) -> None:
        self.task = -1
        self.late = False
        self._timeout = timeout
        self._left = timeout
        self._ours, theirs = Pipe()
        with theirs:
            command = _BOOT.format(path=sys.path, fd=theirs.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-c", command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._send(work)
        self._listener = Thread(target=self._listen, args=[events], daemon=True)
        self._listener.start()

    def begin(self, number: int, task: Any) -> None:
        """Hand over a task; the worker has none at the moment."""
        self.task, self._left = number, self._timeout
        self._send(task)

    def spend(self, seconds: float) -> None:
        """Count time against the task, and kill the worker when there is none left."""
        self._left -= seconds
        if self._left <= 0 and not self.late:
            self.late = True
            self._process.kill()  # which the listener notices

    def end(self) -> None:
        """Kill the worker and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._listener.join()
        self._ours.close()

    def end_in_words(self) -> str:
        """Tell why the worker died."""
        code = self._process.wait()
        if self.late:
            return f"took longer than {self._timeout:g} s"
        if code >= 0:
            return f"the worker process failed with exit code {code}"
        more = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        return f"the worker process was killed by {signal.Signals(-code).name}{more}"

    def _send(self, what: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: the listener says so
            self._ours.send(what)

    def _listen(self, events: _Events) -> None:
        with suppress(EOFError, OSError):
            while True:
                final, value = self._ours.recv()
                events.put((self, final, value))
        events.put((self, None, None))


def serve(fd: int) -> None:
    """Be a worker: get the work, then do task after task until the parent is gone.

    Args:
        fd: Descriptor of this end of the connection.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which says what it means
    Thread(target=_die_with_parent, daemon=True).start()
    with Connection(fd) as connection:
        try:
            work = connection.recv()
        except EOFError:  # the parent was interrupted while it started us
            return
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            connection.send((True, work(task, lambda news: connection.send((False, news)))))


def _die_with_parent() -> None:
    """Leave when standard input ends: the parent holds its other end and is gone, whatever ended it."""
    while os.read(0, 1):
        pass
    os._exit(1)
