"""Bring one file here, whatever number of tries that takes.

What has arrived of ``NAME`` lies in ``NAME.part``, and which file of the server it is a part of in
``NAME.part.json``. It goes on where it was only if the server still has the very same file (by its ETag or
its date of change), and takes its name when it is whole. So no end of the process loses more than what was on
its way.
"""

import contextlib
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_cli.errors import DataError, FetchError, OutputError

from .answers import FileChanged, Stand, TryAgain, begin
from .files import reason, write_atomically
from .hub_errors import first_line
from .meter import in_words

if TYPE_CHECKING:
    import httpx2

_FIRST_TRIES = 2  # for a server that was never reached in this run: the network is down, or the name is wrong
_GO_ON = "what has arrived is kept: run the same command again to go on"


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to download.

    Attributes:
        url: Where it is.
        path: Where it is to lie.
        size: Its bytes, 0 if nobody has published them.
        about: Roughly how many, where that is all that is known; for the progress bar.
        sha256: Its hash in 64 hexadecimal digits, empty if nobody has published it.
    """

    url: str
    path: Path
    size: int = 0
    about: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to go about downloads.

    Attributes:
        connections: Files at once.
        timeout: Seconds that a server may be silent.
        retries: Tries in a row that bring nothing before a file is given up.
        pause: Seconds of rest after the first of them; twice as long after each further one.
        wait: Longest rest in seconds, also where the server asks for a longer one.
        reserve: Bytes to leave free on the disk.
    """

    connections: int
    timeout: float
    retries: int
    pause: float
    wait: float
    reserve: int


def require_space(folder: Path, size: int, reserve: int) -> None:
    """Refuse work that the disk has no room for.

    Args:
        folder: On the disk; it need not be there yet.
        size: Bytes that will be written.
        reserve: Bytes to leave free.

    Raises:
        OutputError: There is less free space.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if size + reserve > free:
        raise OutputError(
            f"{folder} needs {in_words(size)} more, and {in_words(free)} are free"
            + (f", of which {in_words(reserve)} are to stay so (fetch.reserve)" if reserve else ""),
            "free some space, or choose another place with --workspace",
        )


class Stopped(Exception):
    """Somebody else has failed, or the user has had enough."""


class Space:
    """What all transfers together still need of a disk."""

    def __init__(self, reserve: int) -> None:
        self._reserve = reserve
        self._needs: dict[Path, int] = {}
        self._lock = threading.Lock()

    def claim(self, path: Path, size: int) -> None:
        """Note that a file will need so many bytes more; refuse it if that is too many."""
        with self._lock:
            self._needs[path] = size
            require_space(path.parent, sum(self._needs.values()), self._reserve)

    def use(self, path: Path, size: int) -> None:
        """Note that some of them have been written."""
        with self._lock:
            self._needs[path] = max(self._needs.get(path, 0) - size, 0)


class Transfer:
    """The way of one file."""

    def __init__(
        self,
        file: Remote,
        client: "httpx2.Client",
        manner: Manner,
        stop: threading.Event,
        space: Space,
        report: Callable[[int], None],
        announce: Callable[[Path, int], None],
    ) -> None:
        self._file, self._client, self._manner = file, client, manner
        self._stop, self._space = stop, space
        self._report, self._announce = report, announce
        self._part = file.path.with_name(file.path.name + ".part")
        self._record = file.path.with_name(file.path.name + ".part.json")
        self._reached = False  # whether the server has answered in this run
        self._announced = False  # whether it has said how long the file is

    def run(self) -> None:
        """Bring the file here, whatever number of tries that takes."""
        tries, furthest, damaged = 0, self._have(), False
        while True:
            try:
                self._try_once()
                if self._has_its_hash():
                    break
                self._discard()
                if damaged:
                    raise DataError(
                        f"{self._file.url} has another sha256 than was published, twice",
                        "tell whoever keeps it; a copy from elsewhere can be adopted with --from DIR",
                    )
                damaged = True
            except TryAgain as again:
                # Coming as far as before is no progress: a server may break off at the same place for ever.
                tries = 1 if self._have() > furthest else tries + 1
                furthest = max(furthest, self._have())
                most = self._manner.retries if self._reached else min(_FIRST_TRIES, self._manner.retries)
                if tries > most:
                    raise FetchError(f"{self._file.url}: {again}", _GO_ON) from again
                self._rest(again.wait or self._manner.pause * 2.0 ** (tries - 1))
        self._finish()

    def _try_once(self) -> None:
        """Ask for what is missing and keep what comes."""
        import httpx2

        stand = self._stand()
        if stand and stand.size and stand.have == stand.size:
            return  # the process ended just before the file got its name
        try:
            with self._client.stream(
                "GET", self._file.url, headers=stand.headers() if stand else {}
            ) as answer:
                new = begin(answer, stand, self._file.size, self._manner.wait)
                if not self._announced:
                    self._announced = True
                    self._announce(self._file.path, new.size)
                    self._report(new.have)
                if stand is None or new.have == 0:
                    self._start(new)
                self._space.claim(self._part, max(new.size - new.have, 0))
                self._receive(answer.iter_raw())
        except FileChanged:
            self._discard()
            raise
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.TooManyRedirects) as error:
            raise FetchError(f"{self._file.url}: {first_line(error)}", "check the address") from error
        except httpx2.TimeoutException as error:
            raise TryAgain(f"the server is silent for {self._manner.timeout:g} s") from error
        except httpx2.HTTPError as error:
            raise TryAgain(f"the connection failed: {first_line(error)}") from error

    def _receive(self, pieces: Iterator[bytes]) -> None:
        with self._writing(), self._part.open("ab") as file:
            for piece in pieces:
                file.write(piece)
                self._space.use(self._part, len(piece))
                self._report(len(piece))
                if self._stop.is_set():
                    raise Stopped
            file.flush()
            os.fsync(file.fileno())

    def _have(self) -> int:
        try:
            return self._part.stat().st_size if self._record.exists() else 0
        except OSError:
            return 0

    def _stand(self) -> Stand | None:
        """Say what is here and of which file, None if nothing is, or nothing that can be gone on with."""
        try:
            stored = json.loads(self._record.read_text(encoding="utf-8"))
            stand = Stand(
                self._have(), int(stored["size"]), str(stored["validator"]), bool(self._file.sha256)
            )
            same = stored["url"] == self._file.url and stand.have
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return stand if same and stand.can_go_on() else None

    def _start(self, new: Stand) -> None:
        self._discard()
        with self._writing():
            self._part.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(self._record) as file:
                json.dump({"url": self._file.url, "size": new.size, "validator": new.validator}, file)
            self._part.touch()

    def _has_its_hash(self) -> bool:
        if not self._file.sha256:
            return True
        with self._part.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self._file.sha256

    def _finish(self) -> None:
        size = self._have()
        if self._file.size and size != self._file.size:
            self._discard()
            raise DataError(
                f"{self._file.url} has {size} bytes, and not the {self._file.size} that were published"
            )
        with self._writing():
            os.replace(self._part, self._file.path)
            self._record.unlink(missing_ok=True)

    def _discard(self) -> None:
        # The part goes first: without it the record says nothing.
        self._part.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def _rest(self, seconds: float) -> None:
        if self._stop.wait(min(seconds, self._manner.wait)):
            raise Stopped

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = f"see that there is space and permission; {_GO_ON}"
            raise OutputError(f"cannot write {self._part}: {reason(error)}", hint) from error
