import errno
import hashlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from deepfake_cli.errors import MediaError, OutputError
from deepfake_cli.io.files import sha256, write_atomically


def test_sha256(tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_what_cannot_be_hashed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in {tmp_path / "missing": "no such file", tmp_path / "pipe": "pipe"}.items():
        with pytest.raises(MediaError, match=words):
            sha256(path)


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    with write_atomically(target) as file:
        file.write("größer\n")
        file.flush()
        assert not target.exists()
    assert target.read_bytes() == "größer\n".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_bytes_and_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    with write_atomically(tmp_path / "a", "wb") as file:
        file.write(b"\xff\0")
    assert (tmp_path / "a").read_bytes() == b"\xff\0"
    with write_atomically(tmp_path / "b") as file:
        file.write(os.fsdecode(b"\xff.mp4"))
    assert (tmp_path / "b").read_bytes() == b"\xff.mp4"


def _write_and_fail(file: IO[str], error: type[BaseException]) -> None:
    file.write("new")
    raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_fails_leaves_the_old_file_and_nothing_else(error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(error), write_atomically(target) as file:
        _write_and_fail(file, error)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "result.txt", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with write_atomically(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, words in {
        tmp_path / "missing" / "a": "no such file",
        tmp_path / "file" / "a": "not a directory",
        tmp_path: "not a file",
        tmp_path / ("n" * 300): "too long",
    }.items():
        with pytest.raises(OutputError, match=words) as error, write_atomically(path) as file:
            file.write("x")
        assert error.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.fixture
def _small_files() -> Iterator[None]:
    """Let the system refuse files above 100 kB: the nearest thing to a full disk that a test can have."""
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, old_limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
    signal.signal(signal.SIGXFSZ, old_handler)


@pytest.mark.usefixtures("_small_files")
def test_no_more_space(tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_text("old")
    with pytest.raises(OutputError, match="too large") as error, write_atomically(target, "wb") as file:
        file.write(bytes(200_000))
    assert error.value.hint
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no space left") as error, write_atomically(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "space" in error.value.hint


def test_other_errors_of_the_block_are_not_explained_away(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), write_atomically(tmp_path / "a"):
        (tmp_path / "input").read_bytes()
    assert list(tmp_path.iterdir()) == []
