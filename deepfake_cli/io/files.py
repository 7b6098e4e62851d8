"""Read and write files so that nothing is lost: hashes, and writing that happens whole or not at all."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Literal, overload

from deepfake_cli.errors import MediaError, OutputError

_WRITE_HINTS = {
    errno.ENOSPC: "free some space or choose another place",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another place",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "the disk is mounted read-only; choose another place",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EFBIG: "the file system or a limit refuses files of this size",
}


def sha256(path: Path) -> str:
    """Hash a file in pieces, whatever its size.

    Returns:
        64 hexadecimal digits.

    Raises:
        MediaError: The file cannot be read.
    """
    with open_readable(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def open_readable(path: Path) -> Iterator[BufferedReader]:
    """Open a file for reading bytes, after ``check_readable``.

    Raises:
        MediaError: It cannot be opened, or reading fails within the block.
    """
    check_readable(path)
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise MediaError(f"cannot be read: {reason(error)}") from error


def check_readable(path: Path) -> os.stat_result:
    """Refuse what is not a file with something in it, without opening it: a pipe or a device would block.

    Returns:
        What the system knows of the file, links followed.

    Raises:
        MediaError: Missing, a folder, a pipe, a device, a socket, empty, or not ours to read.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        hint = "check the path" if error.errno == errno.ENOENT else ""
        raise MediaError(f"cannot be read: {reason(error)}", hint) from error
    except ValueError as error:  # a NUL character
        raise MediaError("cannot be read: the path is not valid", "check the path") from error
    if stat.S_ISDIR(found.st_mode):
        raise MediaError("a folder, not a file", "name the files in it, or scan it as a folder")
    if not stat.S_ISREG(found.st_mode):
        kind = "a pipe" if stat.S_ISFIFO(found.st_mode) else "a device or socket"
        raise MediaError(f"{kind}, not a file", "save it to a file first")
    if found.st_size == 0:
        raise MediaError("empty file (0 bytes)", "copy or download it again")
    if not os.access(path, os.R_OK):
        raise MediaError("cannot be read: permission denied", "change its permissions or your user")
    return found


def reason(error: OSError) -> str:
    """Say why a file operation failed, in a few words in lower case."""
    if error.errno == errno.ELOOP:
        return "its symbolic links lead in a circle"
    return (error.strerror or str(error) or type(error).__name__).lower()


def make_folder(folder: Path, hint: str = "choose another --output") -> None:
    """Make a folder and those above it, unless they are there.

    Args:
        folder: Which.
        hint: What helps where it cannot be made.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {reason(error)}", hint) from error


@overload
def write_atomically(path: Path, mode: Literal["w"] = ...) -> contextlib.AbstractContextManager[IO[str]]: ...
@overload
def write_atomically(path: Path, mode: Literal["wb"]) -> contextlib.AbstractContextManager[IO[bytes]]: ...
@contextlib.contextmanager
def write_atomically(path: Path, mode: Literal["w", "wb"] = "w") -> Iterator[IO[Any]]:
    """Write a file that appears under its name only when it is whole and on disk.

    What is written goes to a temporary name beside the target, which takes the target's place when the block
    ends well and is removed when it does not: an older file then stays as it was. A symbolic link stays one,
    its target is replaced. Text is UTF-8 with Unix line ends; file names that are not UTF-8 come out as they
    came in.

    Args:
        path: Where the file is to appear.
        mode: ``w`` for text, ``wb`` for bytes.

    Yields:
        The open file.

    Raises:
        OutputError: The file cannot be written: no permission, no such folder, disk full …
    """
    target = Path(os.path.realpath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        raise OutputError(f"cannot write {path}: it is not a file", "choose another name")
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")
    text = {"encoding": "utf-8", "errors": "surrogateescape", "newline": "\n"} if mode == "w" else {}
    writing = False
    try:
        with temporary.open(mode.replace("w", "x"), **text) as file:  # type: ignore[call-overload]
            writing = True
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
        writing = False
    except OSError as error:
        if error.filename is not None and os.fspath(error.filename) not in (str(temporary), str(target)):
            raise  # the block stumbled over another file; that is not for us to explain
        raise OutputError(
            f"cannot write {path}: {reason(error)}", _WRITE_HINTS.get(error.errno or 0, "")
        ) from error
    finally:
        if writing:
            with contextlib.suppress(OSError):
                temporary.unlink()
