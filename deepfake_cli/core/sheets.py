"""Contact sheets: many pictures on one, each with its title."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_PAPER, _INK = 24, (235, 235, 235)
_GAP = 6  # pixels around each picture
_TITLE = 22  # pixels of height for a title
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5


def contact_sheet(pictures: Sequence[Picture], titles: Sequence[str], *, columns: int, side: int) -> Picture:
    """Lay pictures out in rows, left to right, top to bottom.

    Args:
        pictures: (H, W, 3) uint8 RGB, of any sizes; each is fitted into its square, keeping its aspect.
        titles: One a picture, written below it and cut where it is too long; ASCII.
        columns: Pictures in a row, 1 or more.
        side: Of the square that each picture gets; pixels.

    Returns:
        (H, W, 3) uint8 RGB; of no pictures, one empty square.
    """
    columns = max(min(columns, len(pictures)), 1)
    rows = max(-(-len(pictures) // columns), 1)
    wide, high = side + 2 * _GAP, side + _TITLE + 2 * _GAP
    sheet = np.full((rows * high, columns * wide, 3), _PAPER, np.uint8)
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        x, y = number % columns * wide + _GAP, number // columns * high + _GAP
        fitted = _fitted(picture, side)
        height, width = fitted.shape[:2]
        left, top = x + (side - width) // 2, y + (side - height) // 2
        sheet[top : top + height, left : left + width] = fitted
        text = _shortened(title, side)
        cv2.putText(sheet, text, (x, y + side + _TITLE - 7), _FONT, _SCALE, _INK, 1, cv2.LINE_AA)
    return sheet


def _fitted(picture: Picture, side: int) -> Picture:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def _shortened(title: str, width: int) -> str:
    while title and cv2.getTextSize(title, _FONT, _SCALE, 1)[0][0] > width:
        title = title[:-1]
    return title
