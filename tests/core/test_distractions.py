import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.core import distractions as draw

GREY = np.full((240, 320, 3), 128, np.uint8)
PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))


def where(image: np.ndarray) -> tuple[int, int, int, int]:
    """Box of what differs from grey: x0, y0, x1, y1."""
    rows, columns = np.nonzero((image != 128).any(-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("colour", draw.COLOURS)
@pytest.mark.parametrize("size", [0.005, 0.05, 0.08, 0.12])
def test_shapes_have_the_size_and_colour_asked_for(colour: str, size: float) -> None:
    circle = draw.draw_shape(GREY, "circle", (0.5, 0.5), size, colour)
    x0, y0, x1, y1 = where(circle)
    assert x1 - x0 == y1 - y0 == pytest.approx(2 * size * 320 + 1, abs=1)
    assert tuple(circle[120, 160]) == draw.COLOURS[colour]
    rectangle = draw.draw_shape(GREY, "rectangle", (0.5, 0.5), size, colour)
    x0, y0, x1, y1 = where(rectangle)
    assert x1 - x0 == pytest.approx(size * 320, abs=1.5)
    assert y1 - y0 == pytest.approx(size * 240, abs=1.5)
    assert (GREY == 128).all()  # the input is left alone


@pytest.mark.parametrize("height", [0.02, 0.05, 0.12])
def test_text_has_the_height_asked_for_and_stands_in_its_place(height: float) -> None:
    page = np.full((720, 1280, 3), 128, np.uint8)
    x0, y0, x1, y1 = where(draw.draw_text(page, "H", (0.5, 0.25), height, "black"))
    assert y1 - y0 == pytest.approx(height * 720, rel=0.05, abs=2)
    assert (y0 + y1) / 2 == pytest.approx(180, abs=3)
    assert (x0 + x1) / 2 == pytest.approx(640, abs=3)


@given(place=PLACES, size=st.floats(0.001, 1), text=st.text(st.characters(codec="ascii"), min_size=1))
def test_whatever_is_drawn_anywhere_keeps_the_frame(
    place: tuple[float, float], size: float, text: str
) -> None:
    printable = "".join(c for c in text if " " <= c <= "~") or "x"
    assert draw.draw_text(GREY, printable[:20], place, size, "red").shape == GREY.shape
    assert draw.draw_shape(GREY, "circle", place, size, "red").shape == GREY.shape


def test_things_roll_into_their_direction_and_come_back() -> None:
    assert draw.rolled((0.5, 0.5), "right", 0.25, 1.0) == (0.75, 0.5)
    assert draw.rolled((0.5, 0.5), "left", 0.25, 1.0) == (0.25, 0.5)
    assert draw.rolled((0.5, 0.5), "down", 0.25, 1.0) == (0.5, 0.75)
    assert draw.rolled((0.5, 0.5), "up", 0.25, 1.0) == (0.5, 0.25)
    assert draw.rolled((0.5, 0.5), "right", 0.25, 3.0) == (0.25, 0.5)


@given(place=PLACES, speed=st.floats(0, 10), time=st.floats(0, 1e5))
def test_what_rolls_stays_in_the_frame(place: tuple[float, float], speed: float, time: float) -> None:
    x, y = draw.rolled(place, "left", speed, time)
    assert 0 <= x <= 1
    assert 0 <= y <= 1


def test_spontaneous_things_are_there_for_their_share_of_time() -> None:
    there = [draw.appearance(7, 0.3, 0.2, i * 0.2 + 0.1) is not None for i in range(2000)]
    assert np.mean(there) == pytest.approx(0.3, abs=0.03)


def test_within_a_slot_a_thing_stays_the_same() -> None:
    first, second = (draw.appearance(7, 1.0, 0.2, time) for time in (0.6, 0.79))
    other = draw.appearance(7, 1.0, 0.2, 0.8)
    assert first
    assert second
    assert other
    place = draw.random_place(first)
    assert place == draw.random_place(second)
    assert place != draw.random_place(other)
    assert len(draw.random_text(first)) == 8
