"""Read animated WebP, which FFmpeg does not, through OpenCV, as if it were a video."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import MediaError

from .container import MAX_PIXELS
from .files import open_readable
from .sniff import sniff
from .timeline import Picture

_CHUNK_BYTES = 1 << 26  # of decoded frames held at once
_LARGEST_FILE = 1 << 28  # bytes; the file is held whole
_DEFAULT_DURATION = 0.1  # seconds; what browsers make of none


class WebpTimeline:
    """The frames of an animated WebP, one after the other; stands in for ``Timeline``.

    Args:
        path: The picture.

    Attributes:
        width: Of a frame, in pixels.
        height: Likewise.
        durations: Seconds for which each frame is shown.
        damaged: How many frames could not be decoded so far.

    Raises:
        MediaError: It cannot be read or is too large.
    """

    def __init__(self, path: Path) -> None:
        found = sniff(path)
        self.width, self.height = (found.width, found.height) if found else (0, 0)
        if path.stat().st_size > _LARGEST_FILE or self.width * self.height > MAX_PIXELS:
            raise MediaError("too large for an animated picture", "convert it to MP4 first")
        with open_readable(path) as file:
            self._data = np.frombuffer(file.read(), np.uint8)
        self.durations = _durations(self._data.tobytes())
        self._starts = list(accumulate(self.durations, initial=0.0))
        self._frames: list[NDArray[np.uint8]] = []  # decoded and not yet given, last first
        self._given = 0
        self.damaged = 0

    def close(self) -> None:
        """Release the memory."""
        self._frames, self._given = [], len(self.durations)

    def next(self) -> Picture | None:
        """Give the next frame; None at the end."""
        if not self._frames and self._given < len(self.durations):
            count = max(_CHUNK_BYTES // max(self.width * self.height * 4, 1), 1)
            # OpenCV decodes from the beginning each time: slow for long animations, but bounded in memory.
            animation = cv2.imdecodeanimation(self._data, self._given, count)[1]
            self._frames = [np.asarray(frame, np.uint8) for frame in reversed(list(animation.frames))]
            if not self._frames:
                self.damaged = len(self.durations) - self._given
        if not self._frames:
            return None
        pixels = self._frames.pop()
        time, self._given = self._starts[self._given], self._given + 1
        layout = "bgra" if pixels.shape[2] == 4 else "bgr24"
        return Picture(time, av.VideoFrame.from_ndarray(pixels, format=layout))

    def expect(self, moments: Sequence[float]) -> None:
        """Decode everything none the less: each frame is drawn over the one before."""

    def skipped(self, position: float, moment: float) -> float:
        """Tell that jumping saves nothing."""
        return 0.0

    def jump(self, position: float, moment: float) -> Picture | None:
        """Stay: there are no keyframes to jump to."""
        return None


def is_animated_webp(path: Path) -> bool:
    """Tell whether a file is a WebP with several frames."""
    found = sniff(path)
    return found is not None and found.format == "WebP" and found.animated


def _durations(data: bytes) -> list[float]:
    """Read how long each frame is shown (the ANMF chunks), in seconds."""
    durations, at = [], 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"ANMF" and at + 24 <= len(data):
            durations.append(int.from_bytes(data[at + 20 : at + 23], "little") / 1000 or _DEFAULT_DURATION)
        at += 8 + length + length % 2
    return durations
