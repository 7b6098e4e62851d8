"""Heat over a face: it stays where it is, and is painted from blue to red."""

import numpy as np
import pytest

from deepfake_cli.core.heat import paint_heat, spread_heat


def test_even_heat_is_even() -> None:
    heat = spread_heat(np.full((5, 5), 1.5, np.float32), 40)
    assert heat.shape == (40, 40)
    assert heat == pytest.approx(1.5, abs=1e-5)


def test_heat_stays_where_it_is() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[1, 3] = 6
    fine = spread_heat(heat, 80)
    row, column = np.unravel_index(fine.argmax(), fine.shape)
    assert 20 <= row < 40
    assert 60 <= column < 80
    assert fine[60:, :20] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("strength", [1.0, 8.0, 1e4])
def test_fake_is_red_and_real_is_blue(strength: float) -> None:
    face = np.full((8, 8, 3), 128, np.uint8)
    before = face.copy()
    heat = np.full((8, 8), strength, np.float32)
    heat[:, 4:] = -strength
    painted = paint_heat(face, heat)
    assert painted[0, 0, 0] > painted[0, 0, 2]
    assert painted[0, 7, 2] > painted[0, 7, 0]
    assert np.array_equal(face, before)


def test_faint_heat_stays_faint() -> None:
    face = np.full((8, 8, 3), 128, np.uint8)
    faint, none = (paint_heat(face, np.full((8, 8), heat, np.float32)) for heat in (0.01, 0.0))
    assert np.abs(faint.astype(int) - none).max() < 12
