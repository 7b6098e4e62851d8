"""Turn decoded pictures into upright RGB arrays with square pixels."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

# OpenCV would tell the user's terminal what MediaError tells in better words.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_HEIGHT = 720
_ROUND_WELL = 0x40000 | 0x2000  # SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT


class Converter:
    """Convert frames of one video; keeps what can be reused from frame to frame.

    Args:
        aspect: Width of a stored pixel divided by its height.
        exact: Round colours well, at about nine times the cost. Otherwise pictures come out one level of 255
            too dark on average: all the same where they are looked at, but not where they are written again.
    """

    def __init__(self, aspect: Fraction | None, *, exact: bool = False) -> None:
        self._aspect = aspect
        self._rounding = _ROUND_WELL if exact else 0
        self._reformatter = VideoReformatter()
        self._turned: tuple[int, tuple[int, bool]] | None = None  # angle of the last frame, how to turn it

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Convert one frame to (H, W, 3) uint8 RGB as it is meant to be seen.

        Transparency is blended over black, as players show it: what lies under fully transparent pixels is
        arbitrary and nobody sees it.
        """
        width, height = square_size(frame.width, frame.height, self._aspect)
        alpha = any(component.is_alpha for component in frame.format.components) or frame.format.has_palette
        more: dict[str, Any] = {}
        if frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb:
            # Players take untagged HD for BT.709 and anything smaller for BT.601.
            more["src_colorspace"] = Colorspace.ITU709 if frame.height >= _HD_HEIGHT else Colorspace.ITU601
        if (width, height) != (frame.width, frame.height):
            more["interpolation"] = int(Interpolation.BICUBIC) | self._rounding
        elif self._rounding:
            more["interpolation"] = int(Interpolation.BILINEAR) | self._rounding
        layout = "rgba" if alpha else "rgb24"
        picture = self._reformatter.reformat(
            frame, width=width, height=height, format=layout, threads=1, **more
        ).to_ndarray()
        pixels = np.asarray(picture, dtype=np.uint8)
        return upright(over_black(pixels) if alpha else pixels, self._orientation(frame))

    def _orientation(self, frame: VideoFrame) -> tuple[int, bool]:
        """Read how to turn a frame, anew only where its angle changes.

        A frame whose side data were asked for refers to itself, and keeps its pixels until the garbage
        collector comes by: hundreds of megabytes, if every frame did.
        """
        if self._turned is None or self._turned[0] != frame.rotation:
            self._turned = frame.rotation, orientation(frame)
        return self._turned[1]


def square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Size of a picture once its pixels are made square; absurd aspects are taken for mistakes."""
    if not aspect or aspect == 1 or not Fraction(1, 4) <= aspect <= 4:
        return width, height
    return max(round(width * aspect), 1), height


def over_black(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blend (H, W, 4) over black."""
    alpha = cv2.cvtColor(rgba[..., 3], cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.multiply(rgba[..., :3], alpha, scale=1 / 255), dtype=np.uint8)


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """Read from the display matrix how a frame has to be turned.

    Returns:
        Quarter turns counter-clockwise as in ``np.rot90``, and whether to mirror left to right first.
    """
    matrix = cast(Mapping[str, Any], frame.side_data).get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(bytes(matrix)[:36], np.int32)[:5].tolist()
    return _quarter_turns(a, b, c, d)


def _quarter_turns(a: int, b: int, c: int, d: int) -> tuple[int, bool]:
    """Nearest of the eight ways to lay a picture, for a matrix mapping (x, y) to (a x + c y, b x + d y)."""
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (0 if a + d >= 0 else 2), mirrored
    return (3 if b - c > 0 else 1), mirrored


def upright(picture: NDArray[np.uint8], how: tuple[int, bool]) -> NDArray[np.uint8]:
    """Turn a picture as ``orientation`` says; the result is contiguous."""
    turns, mirrored = how
    if mirrored:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(np.rot90(picture, turns))
