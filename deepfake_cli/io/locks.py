"""Locks between processes, which the system lifts when whoever holds them ends, however that happens."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepfake_cli.errors import OutputError

from .files import reason


class Locks:
    """As many locks as are wanted in one file, by their numbers.

    They keep processes apart, not parts of one process. Processes that this one starts do not hold them too,
    so that what it leaves behind when it is killed locks nothing.

    Args:
        file: Made if missing; its folder must be there. A process opens it once.

    Raises:
        OutputError: It cannot be opened.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OutputError(f"cannot lock {file}: {reason(error)}", "choose another folder") from error

    @contextmanager
    def held(self, number: int) -> Iterator[None]:
        """Wait for a lock and hold it within the block."""
        fcntl.lockf(self._handle, fcntl.LOCK_EX, 1, number)
        try:
            yield
        finally:
            self.release(number)

    def try_hold(self, number: int) -> bool:
        """Take a lock, if no other process holds it; tells whether it is held now."""
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def release(self, number: int) -> None:
        """Give a lock back."""
        fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, number)
