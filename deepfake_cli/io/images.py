"""Read pictures, and tell them from videos."""

import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import MediaError

from .container import MAX_PIXELS
from .files import open_readable
from .pixels import over_black, upright
from .sniff import Sniffed, sniff

_WITH_ALPHA = ("PNG", "WebP", "GIF", "AVIF")  # BMP and TIFF also have a fourth channel for other purposes
_ORIENTATION_TAG = 0x0112
# Of each EXIF orientation: quarter turns counter-clockwise, and whether to mirror left to right first.
_EXIF_TURNS = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}
_AVIF_HEADER = 1 << 16  # bytes within which the properties of an AVIF stand

MAX_BYTES = 1 << 30  # of a picture file, which is read as a whole


def kind_of(path: Path) -> Literal["image", "video"]:
    """Tell pictures from videos by what is in the file, not by its name.

    Animations are videos, a GIF of one frame is a picture. What is neither counts as a video: reading it says
    why it is none.

    Raises:
        MediaError: The file cannot be read.
    """
    found = sniff(path)
    return "image" if found and not found.animated else "video"


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture as it is meant to be seen.

    Transparency is blended over black as in videos, 16 bits become 8, of several pages the first is taken.

    Returns:
        (H, W, 3) uint8 RGB, turned upright.

    Raises:
        MediaError: It cannot be read, is damaged or cut off, too large, or of a format that is not supported.
    """
    found = sniff(path)
    if found is None:
        raise MediaError("not a picture that can be read: unknown format", "convert it to PNG or JPEG first")
    if not found.readable:
        raise MediaError(f"a {found.format} picture, which cannot be read", "convert it to PNG or JPEG first")
    if found.width * found.height > MAX_PIXELS or path.stat().st_size > MAX_BYTES:
        raise MediaError(
            f"too large: {found.width} x {found.height}, over {MAX_PIXELS // 10**6} million pixels",
            "scale it down first",
        )
    with open_readable(path) as file:
        data = np.frombuffer(file.read(), np.uint8)
    picture = _decode(data, found)
    if picture is None or not picture.size:
        raise MediaError(f"damaged or incomplete {found.format} picture", "copy or download it again")
    return picture


def _decode(data: NDArray[np.uint8], found: Sniffed) -> NDArray[np.uint8] | None:
    """Decode to (H, W, 3) uint8 RGB, upright; None where that fails."""
    try:
        if found.format not in _WITH_ALPHA:
            # OpenCV itself turns it as its EXIF data say and makes 8 bits and three colours of it.
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
            return None if picture is None else np.asarray(picture, dtype=np.uint8)
        if found.format == "PNG" and not _png_whole(data.tobytes()):
            return None
        stored, kinds, contents = cv2.imdecodeWithMetadata(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if stored is None:
        return None
    exif = next(
        (c for k, c in zip(np.ravel(kinds), contents, strict=True) if k == cv2.IMAGE_METADATA_EXIF), None
    )
    how = _avif_orientation(data) if found.format == "AVIF" else _orientation(exif)
    return upright(_rgb(stored), how)


def _rgb(stored: NDArray[Any]) -> NDArray[np.uint8]:
    """Make RGB of what OpenCV stores as grey, BGR or BGRA of 8 or 16 bits."""
    eight = np.asarray(
        stored if stored.dtype == np.uint8 else cv2.convertScaleAbs(stored, alpha=1 / 257), np.uint8
    )
    if eight.ndim == 2 or eight.shape[2] == 1:
        return np.asarray(cv2.cvtColor(eight, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if eight.shape[2] == 4:
        return over_black(np.asarray(cv2.cvtColor(eight, cv2.COLOR_BGRA2RGBA), dtype=np.uint8))
    return np.asarray(cv2.cvtColor(eight, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _orientation(exif: NDArray[Any] | None) -> tuple[int, bool]:
    """How EXIF data say that a picture has to be turned, as ``upright`` takes it."""
    if exif is None:
        return 0, False
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    order = "<" if data.startswith(b"II") else ">"
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, value = struct.unpack_from(order + "H6xH", data, at)
            if tag == _ORIENTATION_TAG:
                return _EXIF_TURNS.get(value, (0, False))
    except struct.error:
        pass  # broken EXIF data are no reason to refuse a picture
    return 0, False


def _avif_orientation(data: NDArray[np.uint8]) -> tuple[int, bool]:
    """How an AVIF has to be turned: by quarters, then mirrored (ISO/IEC 23008-12, 6.5.10 and 6.5.12)."""
    head = data[:_AVIF_HEADER].tobytes()
    turn, mirror = head.find(b"irot"), head.find(b"imir")
    turns = head[turn + 4] & 3 if turn >= 0 else 0
    if mirror < 0:
        return turns, False
    # Mirroring first and turning then needs the opposite turn; upside down is left to right and half a turn.
    return (-turns + (0 if head[mirror + 4] & 1 else 2)) % 4, True


def _png_whole(data: bytes) -> bool:
    """Check the chunks of a PNG; libpng would write what it finds to the user's terminal."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 8 + length
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big") or end + 4 > len(
            data
        ):
            return False
        if kind == b"IEND":
            return True
        at = end + 4
    return False
