"""Unpack archives that nobody vouches for: whole or not at all, and nowhere but into one new folder.

Only files and folders are made. Refused are names that lead out, links that do, devices, encrypted and double
entries, and bombs: archives that would unpack to far more than they are, by size or by number. A link to a
file of the same archive becomes a copy of it.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from deepfake_cli.errors import DataError
from deepfake_cli.progress import Track, untracked

from .meter import MB, in_words, megabytes
from .transfer import require_space
from .unpacking import DamagedArchiveError as DamagedArchiveError
from .unpacking import Entry, Kind, entries, explained
from .workspace import write_folder

_PIECE = 1 << 20
_HARMLESS = 10 * MB  # what any archive may unpack to, however well it is packed
_DEEPEST = 64  # folders within folders
_CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db")  # what file managers leave in archives


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may become.

    Attributes:
        total: Bytes of all its files.
        expansion: The same as a multiple of the archive's own size.
        members: Files and folders.
        reserve: Bytes to leave free on the disk.
    """

    total: int
    expansion: float
    members: int
    reserve: int


def unpack(archive: Path, folder: Path, limits: Limits, *, track: Track = untracked) -> int:
    """Unpack a zip or tar, the latter plain or compressed with gzip, bzip2 or xz, into a new folder.

    What it is follows from its content, not from its name. If all of it lies in one folder, that folder's
    content is what is unpacked.

    Args:
        archive: The archive.
        folder: Appears when all is unpacked; an older one is replaced.
        limits: What is refused.
        track: Shows the progress in megabytes of the archive.

    Returns:
        How many files it held.

    Raises:
        DamagedArchiveError: It is no archive, cut off, or damaged.
        DataError: It is unsafe or too large.
        OutputError: It cannot be written, or the disk is too small.
    """
    with explained(archive):
        size = archive.stat().st_size
    require_space(folder, size, limits.reserve)  # videos and pictures hardly shrink when they are packed
    with write_folder(folder) as made:
        tree = _Tree(made, archive, size, limits)
        with explained(archive):
            for _ in track(megabytes(tree.fill()), f"unpacking {archive.name}, MB", size // MB):
                pass
        _lift(made)
    return tree.files


@dataclass
class _Tree:
    """The folder that is filled, and what was counted so far."""

    root: Path
    archive: Path
    size: int
    limits: Limits
    files: int = 0
    members: int = 0
    written: int = 0
    links: dict[Path, Path] = field(default_factory=dict)

    def fill(self) -> Iterator[int]:
        """Unpack everything, and yield how many bytes of the archive each step took."""
        for entry in entries(self.archive, self.most):
            self.members += 1
            if self.members > self.limits.members:
                raise self.refusal(f"holds more than {self.limits.members} files", "fetch.members")
            path = self.place(entry.name)
            if path is not None:
                self.add(entry, path)
            yield entry.packed
        self.follow_links()

    @property
    def most(self) -> int:
        """Bytes that may come out of it."""
        return int(min(self.limits.total, max(self.limits.expansion * self.size, _HARMLESS)))

    def place(self, name: str) -> Path | None:
        """Say where an entry belongs; None for what is not wanted.

        Raises:
            DataError: Out of the folder.
        """
        path = PurePosixPath(name)
        parts = path.parts
        drive = len(name) > 1 and name[1] == ":"
        if path.is_absolute() or drive or ".." in parts or "\\" in name or "\0" in name:
            raise self.refusal(f"holds a name that leads out of it: {name[:100]!r}")
        if len(parts) > _DEEPEST:
            raise self.refusal(f"holds more than {_DEEPEST} folders within each other")
        if not parts or set(parts) & set(_CLUTTER) or parts[-1].startswith("._"):
            return None
        return self.root.joinpath(*parts)

    def add(self, entry: Entry, path: Path) -> None:
        """Make a file or folder, or remember a link."""
        try:
            if entry.kind is Kind.FOLDER:
                path.mkdir(parents=True, exist_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.kind is Kind.LINK:
                self.links[path] = self.target(entry, path)
                return
            if entry.kind is Kind.OTHER:
                raise self.refusal(f"holds a device, pipe or socket: {entry.name[:100]!r}")
            self.write(entry, path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise self.refusal(f"holds {entry.name[:100]!r} twice") from None

    def write(self, entry: Entry, path: Path) -> None:
        """Write a file."""
        self.take(entry.size)
        source = entry.open()
        with source, path.open("xb") as file:
            got = _copy(source, file, entry.size)
        if got != entry.size:
            raise DamagedArchiveError(self.archive, f"{entry.name[:100]!r} is cut off")
        self.files += 1

    def take(self, size: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            DataError: They are too many.
            OutputError: The disk has no room for them.
        """
        self.written += size
        if self.written > self.most:
            key = "fetch.unpacked" if self.most == self.limits.total else "fetch.expansion"
            raise self.refusal(f"unpacks to more than {in_words(self.most)}", key)
        require_space(self.root, size, self.limits.reserve)

    def target(self, entry: Entry, path: Path) -> Path:
        """Say which file a link stands for.

        Raises:
            DataError: One that is not in the archive.
        """
        start = self.root if entry.from_root else path.parent
        target = Path(os.path.normpath(start / entry.link))
        if os.path.isabs(entry.link) or not target.is_relative_to(self.root):
            raise self.refusal(f"holds a link that leads out of it: {entry.name[:100]!r}")
        return target

    def follow_links(self) -> None:
        """Turn links into copies of what they lead to, those that lead to links last."""
        while self.links:
            ready = [path for path, target in self.links.items() if target.is_file()]
            if not ready:
                name = next(iter(self.links)).relative_to(self.root)
                raise self.refusal(f"holds a link to no file: {str(name)[:100]!r}")
            for path in ready:
                target = self.links.pop(path)
                self.take(target.stat().st_size)
                if path.exists():
                    raise self.refusal(f"holds {str(path.relative_to(self.root))[:100]!r} twice")
                shutil.copyfile(target, path)
                self.files += 1

    def refusal(self, what: str, key: str = "") -> DataError:
        """Say what is wrong with the archive."""
        hint = (
            f"if you trust it, raise {key} in the profile" if key else "do not use it; tell whoever keeps it"
        )
        return DataError(f"{self.archive.name} {what}", hint)


def _copy(source: IO[bytes], file: IO[bytes], size: int) -> int:
    """Copy what the entry promises and not a byte more; return how much there was."""
    got = 0
    while got <= size and (piece := source.read(_PIECE)):
        file.write(piece[: size - got])
        got += len(piece)
    return got


def _lift(folder: Path) -> None:
    """Take the content of a folder's only folder in its place."""
    inside = list(folder.iterdir())
    if len(inside) != 1 or not stat.S_ISDIR(inside[0].lstat().st_mode):
        return
    only = inside[0].rename(folder / f".{inside[0].name[:40]}.lift")  # one of its children may have its name
    for child in only.iterdir():
        child.rename(folder / child.name)
    only.rmdir()
