"""Tell from the first bytes of a file which kind of picture it is, and how large, without decoding it."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, TypeAlias

from .files import open_readable

_LONGEST_HEADER = 1 << 20  # bytes; enough for what precedes the size in every format but TIFF and JPEG
_LONGEST_JPEG = 1 << 26  # bytes of a JPEG within which its end is sought
_ISO_PICTURES = {b"avif": "AVIF", b"mif1": "HEIC", b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC"}
# Pictures that are known but cannot be read; saying so helps more than "unknown format".
_OTHERS = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"8BPS": "Photoshop",
    b"\0\0\1\0": "icon",
    b"%PDF": "PDF",
    b"<svg": "SVG",
}


_Facts: TypeAlias = "tuple[int, int] | tuple[int, int, bool]"  # width, height, animated


@dataclass(frozen=True)
class Sniffed:
    """A picture file as its header shows it.

    Attributes:
        format: Name for people, such as ``JPEG``.
        width: Pixels as stored; 0 where the header does not show it.
        height: Likewise.
        animated: Whether it holds several frames to be shown in turn.
        readable: Whether the format is one that can be decoded.
    """

    format: str
    width: int = 0
    height: int = 0
    animated: bool = False
    readable: bool = True


def sniff(path: Path) -> Sniffed | None:
    """Look at a file's header.

    Returns:
        What picture it is; None where it is none.

    Raises:
        MediaError: The file cannot be read.
    """
    with open_readable(path) as file:
        head = file.read(_LONGEST_HEADER)
        for start, at, signature, name, look in _SIGNATURES:
            if head.startswith(start) and head[at : at + len(signature)] == signature:
                try:
                    return Sniffed(name, *look(head, file))
                except (struct.error, IndexError, ValueError):
                    # Broken within the header: a picture all the same, decoding says what is wrong.
                    return Sniffed(name)
    if head[4:8] == b"ftyp":
        return _iso(head)
    other = next((name for start, name in _OTHERS.items() if head.startswith(start)), None)
    return Sniffed(other, readable=False) if other else None


def _jpeg(head: bytes, file: BinaryIO) -> _Facts:
    file.seek(0)
    data = file.read(_LONGEST_JPEG)
    at, width, height, several = 2, 0, 0, False
    while True:
        if data[at] != 0xFF:
            break  # not a marker where one must be: damaged
        kind = data[at + 1]
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD8:
            at += 1 if kind == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
        if kind == 0xE2 and data[at + 4 : at + 8] == b"MPF\0":
            several = True
        if kind == 0xDA:
            break
        at += 2 + length
    end = data.find(b"\xff\xd9", at)
    # One JPEG right after the other is a film, unless the first says that the others are its variants.
    film = not several and data[end + 2 : end + 5] == b"\xff\xd8\xff" and end > 0
    return width, height, film


def _png(head: bytes, file: BinaryIO) -> _Facts:
    width, height = struct.unpack_from(">II", head, 16)
    at, animated = 8, False
    while not animated and at + 8 <= len(head) and head[at + 4 : at + 8] != b"IDAT":
        animated = head[at + 4 : at + 8] == b"acTL" and struct.unpack_from(">I", head, at + 8)[0] > 1
        at += 12 + int(struct.unpack_from(">I", head, at)[0])
    return width, height, animated


def _gif(head: bytes, file: BinaryIO) -> _Facts:
    width, height, flags = struct.unpack_from("<HHB", head, 6)
    file.seek(13 + _colours(flags))
    images = 0
    while images < 2:
        block = file.read(1)
        if block == b",":
            images += 1
            file.seek(_colours(file.read(9)[8]) + 1, 1)
        elif block == b"!":
            file.seek(1, 1)
        else:
            break
        while size := file.read(1)[0]:
            file.seek(size, 1)
    return width, height, images > 1


def _colours(flags: int) -> int:
    """Bytes of a GIF's colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(head: bytes, file: BinaryIO) -> _Facts:
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[i : i + 3], "little") + 1 for i in (24, 27))
        return width, height, bool(head[20] & 2)
    if kind == b"VP8L":
        bits = int(struct.unpack_from("<I", head, 21)[0])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _bmp(head: bytes, file: BinaryIO) -> _Facts:
    if struct.unpack_from("<I", head, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", head, 18)
        return width, height
    width, height = struct.unpack_from("<ii", head, 18)
    return abs(width), abs(height)


def _tiff(head: bytes, file: BinaryIO) -> _Facts:
    order = "<" if head.startswith(b"II") else ">"
    file.seek(struct.unpack_from(order + "I", head, 4)[0])
    (count,) = struct.unpack(order + "H", file.read(2))
    entries = file.read(12 * count)
    size = {}
    for at in range(0, len(entries) - 11, 12):
        tag, kind = struct.unpack_from(order + "HH", entries, at)
        if tag in (256, 257):
            (size[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), entries, at + 8)
    return size.get(256, 0), size.get(257, 0)


def _jp2(head: bytes, file: BinaryIO) -> _Facts:
    height, width = struct.unpack_from(">II", head, head.index(b"ihdr") + 4)
    return width, height


def _iso(head: bytes) -> Sniffed | None:
    """Still pictures in the MP4 family: AVIF, and HEIC, which cannot be read; films are None."""
    (length,) = struct.unpack_from(">I", head)
    name = _ISO_PICTURES.get(head[8:12])
    if name is None:
        return None
    if any(head[i:j] == b"avif" for i, j in pairwise(range(16, min(length, len(head)) + 1, 4))):
        name = "AVIF"
    at = head.find(b"ispe")
    sizes = [(0, 0)]
    while at >= 0 and at + 16 <= len(head):
        sizes.append(struct.unpack_from(">II", head, at + 8))
        at = head.find(b"ispe", at + 4)
    return Sniffed(name, *max(sizes, key=lambda size: size[0] * size[1]), readable=name == "AVIF")


# How the file starts, what stands where further on, and who reads the rest of the header.
_SIGNATURES: tuple[tuple[bytes, int, bytes, str, Callable[[bytes, BinaryIO], _Facts]], ...] = (
    (b"\xff\xd8\xff", 0, b"", "JPEG", _jpeg),
    (b"\x89PNG\r\n\x1a\n", 0, b"", "PNG", _png),
    (b"GIF87a", 0, b"", "GIF", _gif),
    (b"GIF89a", 0, b"", "GIF", _gif),
    (b"RIFF", 8, b"WEBP", "WebP", _webp),
    (b"BM", 6, b"\0\0\0\0", "BMP", _bmp),
    (b"II*\0", 0, b"", "TIFF", _tiff),
    (b"MM\0*", 0, b"", "TIFF", _tiff),
    (b"\0\0\0\x0cjP  \r\n\x87\n", 0, b"", "JPEG 2000", _jp2),
)
