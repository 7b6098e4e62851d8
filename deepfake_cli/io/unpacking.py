"""Read what archives hold, entry by entry, without trusting a word of it; `archives` makes files of it."""

import bz2
import contextlib
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO

from deepfake_cli.errors import DataError

from .files import reason

_PIECE = 1 << 20
_LONGEST_HEADER = 1 << 22  # bytes of a tar's header; Python's tarfile would read any length into memory
_BLOCK = 512
_LONGEST_LINK = 4096
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that zipfile does not know
    # What tarfile and zipfile let through of headers that make no sense:
    ValueError,
    LookupError,
    OverflowError,
    struct.error,
)


class DamagedArchiveError(DataError):
    """An archive is cut off, damaged, or none at all.

    Args:
        archive: Which.
        why: What is wrong with it.
    """

    def __init__(self, archive: Path, why: str) -> None:
        super().__init__(f"{archive.name} is damaged: {why}", "download it again")
        self._made_of = (archive, why)

    def __reduce__(self) -> tuple[type["DamagedArchiveError"], tuple[Path, str]]:  # type: ignore[override]
        return type(self), self._made_of


class Kind(Enum):
    """What an entry stands for."""

    FILE = 1
    FOLDER = 2
    LINK = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an archive, as it describes itself.

    Attributes:
        name: Its path, with slashes.
        kind: What it stands for.
        size: Bytes of the file.
        packed: Bytes of the archive since the entry before.
        open: Reads the file; to be called before the next entry is taken.
        link: What a link leads to.
        from_root: Whether that is seen from the archive's root, as tar's hard links are, or from its folder.
    """

    name: str
    kind: Kind
    size: int
    packed: int
    open: Callable[[], IO[bytes]]
    link: str = ""
    from_root: bool = False


def entries(archive: Path, most: int) -> Iterator[Entry]:
    """Read an archive entry by entry.

    Args:
        archive: A zip or tar; its content says which.
        most: Bytes it may unpack to.

    Raises:
        DamagedArchiveError: It is neither, or damaged.
        DataError: It is encrypted, or a bomb.
    """
    with archive.open("rb") as file:
        head = file.read(_BLOCK)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_entries(archive)
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")) or head[257:262] == b"ustar":
        return _tar_entries(archive, head, most)
    what = "a web page" if head.lstrip()[:1] == b"<" else "no zip or tar"
    raise DamagedArchiveError(archive, f"it is {what}")


@contextlib.contextmanager
def explained(archive: Path) -> Iterator[None]:
    """Turn what the readers of archives raise into what is wrong with this one; a full disk stays one."""
    try:
        yield
    except _DAMAGE as error:
        raise DamagedArchiveError(archive, str(error).rstrip(".") or type(error).__name__) from error
    except OSError as error:
        if error.errno is None:  # so gzip and bz2 report what they cannot read
            raise DamagedArchiveError(archive, reason(error).rstrip(".")) from error
        raise


def _zip_entries(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as file:
        infos = file.infolist()
        if sum(info.compress_size for info in infos) > archive.stat().st_size:
            # David Fifield, "A better zip bomb" (2019): many entries over the same bytes.
            raise DataError(f"{archive.name} is a bomb: its entries overlap", "do not use it")
        for info in infos:
            if info.flag_bits & 0x1:
                raise DataError(
                    f"{archive.name} is encrypted", "unpack it yourself and adopt the folder with --from DIR"
                )
            kind, link = _zip_kind(info), ""
            if kind is Kind.LINK:
                if info.file_size > _LONGEST_LINK:
                    raise DamagedArchiveError(archive, f"the link {info.filename[:100]!r} is too long")
                link = file.read(info).decode("utf-8", "surrogateescape")
            yield Entry(
                info.filename,
                kind,
                info.file_size,
                info.compress_size,
                lambda info=info: file.open(info),  # type: ignore[misc]
                link,
            )


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0  # 3: made on Unix
    if stat.S_ISLNK(mode):
        return Kind.LINK
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return Kind.OTHER
    return Kind.FOLDER if info.is_dir() else Kind.FILE


def _tar_entries(archive: Path, head: bytes, most: int) -> Iterator[Entry]:
    with archive.open("rb") as raw:
        content = _Content(archive, _plain(raw, head), most)
        told = 0
        with tarfile.open(fileobj=content, mode="r:") as file:  # type: ignore[call-overload]
            while (info := file.next()) is not None:
                file.members.clear()  # tarfile would keep all of them
                yield Entry(
                    info.name,
                    _tar_kind(info),
                    info.size,
                    raw.tell() - told,
                    lambda info=info: _opened(file, info),  # type: ignore[misc]
                    info.linkname,
                    from_root=info.islnk(),
                )
                told = raw.tell()
        # tarfile takes what it cannot read for the end; the real end is a block of zeros.
        if content.last != bytes(_BLOCK):
            raise DamagedArchiveError(archive, "it is cut off")
        while content.read(_PIECE):
            pass  # so that the checksum at the end of the compressed stream is compared


def _plain(raw: IO[bytes], head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if head.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if head.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(raw)
    return raw


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isdir():
        return Kind.FOLDER
    if info.issym() or info.islnk():
        return Kind.LINK
    return Kind.FILE if info.isreg() else Kind.OTHER


def _opened(file: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = file.extractfile(info)
    return opened if opened is not None else io.BytesIO()


class _Content:
    """What a compressed tar unpacks to, read forward only, and no more than is allowed.

    Attributes:
        last: The block read last, if it was one.
    """

    def __init__(self, archive: Path, inner: IO[bytes], most: int) -> None:
        self._archive, self._inner = archive, inner
        self._most = most
        self._place = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise DamagedArchiveError(self._archive, "it has a header of unlikely length")
        data = self._inner.read(size)
        self._place += len(data)
        if (
            self._place > self._most * 2 + _LONGEST_HEADER
        ):  # headers and padding are no files, but not for free
            raise DataError(
                f"{self._archive.name} is a bomb: it unpacks to far more than it is", "do not use it"
            )
        if size == _BLOCK:
            self.last = data
        return data

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = 0) -> int:
        if whence != 0 or place < self._place:
            raise DamagedArchiveError(self._archive, "its headers lead backwards")
        while self._place < place and self.read(min(_PIECE, place - self._place)):
            pass
        return self._place

    def close(self) -> None:
        self._inner.close()
