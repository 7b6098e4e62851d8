import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.core.sheets import contact_sheet

RED, BLUE = (np.full((40, 40, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))


def test_pictures_stand_in_rows_each_with_its_title() -> None:
    sheet = contact_sheet([RED, BLUE, RED], ["one", "two", "three"], columns=2, side=100)
    height, width = sheet.shape[:2]
    red, blue = ((sheet == colour).all(-1) for colour in ((255, 0, 0), (0, 0, 255)))
    assert red.sum() == 2 * 100 * 100
    assert blue.sum() == 100 * 100
    assert red[: height // 2, : width // 2].sum() == red[height // 2 :, : width // 2].sum() == 100 * 100
    assert blue[: height // 2, width // 2 :].sum() == 100 * 100
    untitled = contact_sheet([RED, BLUE, RED], ["", "", ""], columns=2, side=100)
    assert (sheet != untitled).any()


def test_pictures_keep_their_aspect() -> None:
    wide = np.full((20, 80, 3), (0, 255, 0), np.uint8)
    rows, columns = np.nonzero((contact_sheet([wide], [""], columns=1, side=100) == (0, 255, 0)).all(-1))
    assert (columns.max() - columns.min() + 1, rows.max() - rows.min() + 1) == (100, 25)


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), max_size=9),
    columns=st.integers(1, 5),
    side=st.integers(8, 64),
    title=st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=60),
)
def test_anything_fits(sizes: list[tuple[int, int]], columns: int, side: int, title: str) -> None:
    pictures = [np.zeros((height, width, 3), np.uint8) for height, width in sizes]
    sheet = contact_sheet(pictures, [title] * len(pictures), columns=columns, side=side)
    assert sheet.dtype == np.uint8
    assert sheet.ndim == 3
    assert sheet.shape[0] * sheet.shape[1] >= len(pictures) * side * side


def test_every_picture_needs_a_title() -> None:
    with pytest.raises(ValueError, match="zip"):
        contact_sheet([RED], [], columns=1, side=10)
