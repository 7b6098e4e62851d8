"""One way to cut a face."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.core.faces import cut_face, cut_points

coordinate = st.floats(-300, 300)


def test_a_square_box_of_the_right_size_is_cut_as_it_is() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    assert np.array_equal(cut_face(frame, (10, 20, 50, 60), 40), frame[20:60, 10:50])


def test_a_face_is_not_distorted() -> None:
    frame = np.zeros((200, 200, 3), np.uint8)
    frame[60:140, 80:120] = 255  # a box of 40 x 80: the square has 20 dark pixels on each side
    face = cut_face(frame, (80, 60, 120, 140), 80)
    assert face[:, 21:59].min() == 255
    assert face[:, :19].max() == face[:, 61:].max() == 0


def test_the_margin_widens_the_square() -> None:
    frame = np.zeros((200, 200, 3), np.uint8)
    frame[80:120, 80:120] = 255
    assert cut_face(frame, (80, 80, 120, 120), 40, margin=2).mean() == 255 / 4


def test_beyond_the_border_its_pixels_are_repeated() -> None:
    frame = np.full((50, 50, 3), 7, np.uint8)
    frame[:, 0] = 200
    face = cut_face(frame, (-20, 0, 20, 40), 40)
    assert face[:, :21].min() == 200
    assert face[:, 21:].max() == 7


@given(coordinate, coordinate, st.floats(0, 200), st.floats(0, 200), st.integers(16, 64))
def test_any_box_gives_a_face(x: float, y: float, width: float, height: float, size: int) -> None:
    frame = np.full((60, 80, 3), 9, np.uint8)
    face = cut_face(frame, (x, y, x + width, y + height), size)
    assert face.shape == (size, size, 3)
    assert set(np.unique(face)) <= {0, 9}


@settings(deadline=None)
@given(coordinate, coordinate, st.floats(20, 120), st.floats(20, 120), st.floats(1, 2), st.integers(16, 96))
def test_points_are_cut_with_the_face(
    x: float, y: float, width: float, height: float, margin: float, size: int
) -> None:
    box = (x, y, x + width, y + height)
    down, across = np.mgrid[0:200, 0:200].astype(np.uint8)
    frame = np.dstack([across, down, down])  # every pixel tells its place
    seen = np.array([(40.0, 50.0), (100.0, 80.0), (150.0, 160.0)])
    face = cut_face(frame, box, size, margin)
    step = max(width, height) * margin / size  # pixels of the frame in one of the cut
    for (was_x, was_y), (is_x, is_y) in zip(seen, cut_points(seen, box, size, margin), strict=True):
        if 1 <= is_x < size - 1 and 1 <= is_y < size - 1:
            red, green, _ = (float(value) for value in face[int(is_y), int(is_x)])
            assert abs(red - was_x) <= step + 2
            assert abs(green - was_y) <= step + 2
