"""Find out which files are meant by paths, folders, patterns and lists."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from deepfake_cli.errors import UsageError
from deepfake_cli.io.files import reason

SUFFIXES = (
    *(
        ".3g2",
        ".3gp",
        ".apng",
        ".asf",
        ".avi",
        ".avif",
        ".bmp",
        ".divx",
        ".dv",
        ".f4v",
        ".flv",
        ".gif",
        ".ivf",
    ),
    *(".jfif", ".jpe", ".jpeg", ".jpg", ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mkv", ".mov", ".mp4"),
    *(
        ".mpeg",
        ".mpg",
        ".mxf",
        ".ogv",
        ".png",
        ".qt",
        ".rm",
        ".rmvb",
        ".tif",
        ".tiff",
        ".vob",
        ".webm",
        ".webp",
    ),
    *(".wmv", ".y4m"),
)
_SOUND = (
    ".aac",
    ".aif",
    ".aiff",
    ".flac",
    ".m4a",
    ".m4b",
    ".mka",
    ".mp3",
    ".oga",
    ".ogg",
    ".opus",
    ".wav",
    ".wma",
)
_BEGINNINGS = (
    (0, b"\xff\xd8\xff"),  # JPEG
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"GIF8"),
    (8, b"WEBP"),
    (8, b"AVI "),
    (4, b"ftyp"),  # MP4, MOV, 3GP, AVIF …
    (4, b"moov"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMV
    (0, b"\x00\x00\x01\xba"),  # MPEG programme stream
)
_PACKET = 188  # bytes of an MPEG transport stream's packet; each begins with a G


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files to scan, and what the user should know about how they were found.

    Attributes:
        files: Paths in the order given, those of a folder sorted; none twice. What was named itself is here
            whatever it is, even missing: the scan says what is wrong with it.
        warnings: Lines such as that a folder holds nothing to scan.
    """

    files: tuple[str, ...]
    warnings: tuple[str, ...]


def find_inputs(named: Iterable[str], listed: Iterable[str] = (), *, recursive: bool = False) -> Inputs:
    """Expand folders and patterns, and drop what was named twice.

    Args:
        named: Files, folders and patterns such as ``clips/*.mp4``; what exists is never taken for a pattern.
        listed: Files and folders that a list names; never patterns.
        recursive: Look into folders inside folders too; ``**`` in a pattern always does.
    """
    files: dict[str, str] = {}  # by what the path leads to, so that a second name of a file is dropped
    warnings: list[str] = []
    for path in chain(_expanded(named), listed):
        inside = list(_media_in(path, recursive, warnings)) if os.path.isdir(path) else [path]
        for file in inside:
            files.setdefault(os.path.realpath(file), file)
        if not inside:
            hint = "" if recursive else "; --recursive looks into its folders too"
            warnings.append(f"{path}: no video or picture in this folder{hint}")
    return Inputs(tuple(files.values()), tuple(warnings))


def read_list(source: str) -> list[str]:
    """Read paths from a file, or from standard input for ``-``: one a line, or separated by NUL bytes.

    Raises:
        UsageError: The list cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the list {source}: {reason(error)}", "it is a text file with one path a line"
        ) from error
    entries = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(entry) for entry in entries if entry]


def _expanded(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if glob.has_magic(path) and not os.path.lexists(path):
            yield from sorted(glob.glob(path, recursive=True)) or [path]
        else:
            yield path


def _media_in(folder: str, recursive: bool, warnings: list[str]) -> Iterator[str]:
    """Yield the videos and pictures of a folder, each level sorted by name, files before folders."""

    def refused(error: OSError) -> None:
        warnings.append(f"{error.filename}: {error.strerror}; not looked into")

    seen = set()  # folders by identity: a link that leads back to a parent ends there
    for here, folders, names in os.walk(folder, followlinks=True, onerror=refused):
        identity = os.stat(here)
        if (key := (identity.st_dev, identity.st_ino)) in seen:
            folders.clear()
            continue
        seen.add(key)
        folders.sort()
        if not recursive:
            folders.clear()
        for name in sorted(names):
            path = os.path.join(here, name)
            if os.path.isfile(path) and looks_like_media(path):
                yield path


def looks_like_media(path: str) -> bool:
    """Tell whether a file is meant when its folder is scanned, by its name or how its content begins.

    A name such as ``.mp4`` is enough, so that a damaged video is reported and not passed over. Sound is not
    meant, nor are the ``._`` files that macOS leaves beside others.
    """
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1].lower()
    if suffix in _SOUND or name.startswith("._"):
        return False
    if suffix in SUFFIXES:
        return True
    try:
        with open(path, "rb") as file:
            head = file.read(2 * _PACKET + 1)
    except OSError:
        return False
    if len(head) > 2 * _PACKET and head[::_PACKET] == b"GGG":
        return True
    return any(head[at : at + len(mark)] == mark for at, mark in _BEGINNINGS)
