"""Read pictures, and tell them from videos."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import MediaError

from .files import check_readable


def kind_of(path: Path) -> Literal["image", "video"]:
    """Tell pictures from videos by what is in the file, not by its name; animations are videos.

    Raises:
        MediaError: The file cannot be read.
    """
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*")):
        return "image"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image"
    return "video"


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture as it is meant to be seen.

    Returns:
        (H, W, 3) uint8 RGB, turned upright.

    Raises:
        MediaError: It cannot be read, is damaged, too large, or of a format that is not supported.
    """
    check_readable(path)
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise MediaError("is a damaged picture", "copy or download it again")
    return np.asarray(image, dtype=np.uint8)
