"""Several processes that run the trials of one search."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import IO

import torch

from deepfake_cli.errors import DataError, DfdetectError, ExitCode

from .results import Result
from .run import all_results
from .study import Search

_TICK = 0.5  # seconds between two looks at the study
_GRACE = 10  # seconds that a process has to end by itself
_MOST_DEATHS = 3  # for each process, without a trial that ended


def run_workers(
    search: Search, command: Sequence[str], workers: int, warn: Callable[[str], None] = lambda text: None
) -> Generator[Result, None, None]:
    """Let several processes run the trials, and yield what came of each.

    A process that dies is replaced, and its trial gone on with. When this generator ends, however that
    happens, so do they.

    Args:
        search: The study.
        command: Runs trials of it in a process of its own.
        workers: How many processes, 1 or more.
        warn: Told what the processes tell, and which died.

    Raises:
        DataError: Processes keep dying.
        DfdetectError: A process ended for a reason that the others would end for.
        RuntimeError: A process found a bug.
    """
    devices = _devices()
    over = {one.number for one in all_results(search) if one.is_over}
    team = [_Worker(command, environment_of(number, workers, devices)) for number in range(workers)]
    deaths = 0
    try:
        while team:
            time.sleep(_TICK)
            ended = [worker for worker in team if worker.ended]  # looked at first: all that they did is told
            for one in all_results(search):
                if one.is_over and one.number not in over:
                    over.add(one.number)
                    deaths = 0
                    yield one
            for worker in ended:
                team.remove(worker)
                if not worker.was_killed(warn):
                    continue
                deaths += 1
                if deaths >= _MOST_DEATHS * workers:
                    raise DataError("its processes keep being killed", "if memory runs out, lower --workers")
                warn("a process was killed; its trial goes on where it was")
                team.append(worker.again())
    finally:
        for worker in team:
            worker.ask_to_end()
        for worker in team:
            worker.end()


def environment_of(number: int, workers: int, devices: Sequence[str]) -> dict[str, str]:
    """Share processor and graphics cards among processes.

    Args:
        number: Of the process, counted from 0.
        workers: How many there are.
        devices: What ``CUDA_VISIBLE_DEVICES`` calls the cards; may be empty.

    Returns:
        Variables for it.
    """
    threads = max((os.cpu_count() or 1) // workers, 1)
    found = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads))}
    if devices:
        found["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    return found


def _devices() -> list[str]:
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]


class _Worker:
    """A process that runs trials; what it says is kept until it has ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the process lives
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
        )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def was_killed(self, warn: Callable[[str], None]) -> bool:
        """Pass its warnings on, and tell whether it was killed; if not, it has done its work.

        Raises:
            DfdetectError: It could not go on.
            RuntimeError: It found a bug.
        """
        self._said.seek(0)
        said = self._said.read().decode(errors="replace")
        for line in dict.fromkeys(said.splitlines()):
            if line.startswith("warning: "):
                warn(line.removeprefix("warning: "))
        code = self._process.returncode
        if code == ExitCode.FAILED:
            message, _, hint = said.rpartition("error: ")[2].strip().partition("\nhint: ")
            raise DfdetectError(message, hint)
        if code > 0 and code not in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            raise RuntimeError(f"a process of the search ended with {code}:\n{said}")
        return code != 0

    def again(self) -> "_Worker":
        """Start another in its place."""
        return _Worker(self._command, self._environment)

    def ask_to_end(self) -> None:
        """Let it note where it is."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def end(self) -> None:
        """Wait until it has ended, but not for long."""
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
