"""Heat over a face: as likely as its places say, and painted from blue to red."""

import numpy as np
import pytest

from deepfake_cli.core.heat import paint_heat, spread_heat


def test_even_heat_is_the_same_probability_everywhere() -> None:
    warmth = spread_heat(np.full((5, 5), 1.5, np.float32), 40)
    assert warmth.shape == (40, 40)
    assert warmth == pytest.approx(1 / (1 + np.exp(-1.5)), abs=1e-5)


def test_heat_stays_where_it_is() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[1, 3] = 6
    warmth = spread_heat(heat, 80)
    row, column = np.unravel_index(warmth.argmax(), warmth.shape)
    assert 20 <= row < 40
    assert 60 <= column < 80
    assert warmth[60:, :20] == pytest.approx(0.5, abs=0.01)


def test_no_heat_is_too_great() -> None:
    assert spread_heat(np.array([[-1e4, 1e4]], np.float32), 8).tolist()[0][0] == 0


def test_fake_is_red_and_real_is_blue() -> None:
    face = np.full((8, 8, 3), 128, np.uint8)
    before = face.copy()
    red, _, blue = paint_heat(face, np.full((8, 8), 0.95, np.float32))[0, 0]
    assert red > blue
    red, _, blue = paint_heat(face, np.full((8, 8), 0.1, np.float32))[0, 0]
    assert blue > red
    assert np.array_equal(face, before)
