"""Cutting faces as they lie and in a standard pose."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.core.align import align_face, cut_box, similarity

POINTS = np.array([[60, 70], [100, 70], [80, 95], [63, 115], [97, 115]], float)
BOX = np.array([45, 40, 115, 130], float)
sides = st.floats(-40, 240)


def chart(height: int = 200, width: int = 220) -> np.ndarray:
    """Return a picture whose pixels tell where they are: red is x, green is y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 7)], -1).astype(np.uint8)


def test_the_margin_is_a_share_of_the_box_on_each_side() -> None:
    cut = cut_box(chart(), BOX, POINTS, 0.1, 0)
    assert cut is not None
    assert cut.picture.shape == (108, 84, 3)  # 90 + 2 * 9, 70 + 2 * 7
    assert cut.picture[0, 0].tolist() == [38, 31, 7]
    assert np.allclose(cut.box, BOX - (38, 31, 38, 31))
    assert np.allclose(cut.points, POINTS - (38, 31))


@given(sides, sides, st.floats(1, 150), st.floats(1, 150), st.floats(0, 2), st.sampled_from([0, 16, 64, 300]))
def test_what_is_cut_lies_in_the_frame_and_its_box_says_where(
    x: float, y: float, width: float, height: float, margin: float, size: int
) -> None:
    frame = chart()
    cut = cut_box(frame, (x, y, x + width, y + height), POINTS, margin, size)
    if cut is None:
        grown_x, grown_y = margin * width + 1, margin * height + 1
        assert (
            x + width + grown_x <= 1.5
            or y + height + grown_y <= 1.5
            or x > 218
            or y > 198
            or min(width * (1 + 2 * margin), height * (1 + 2 * margin)) <= 2
        )
        return
    h, w = cut.picture.shape[:2]
    assert not size or max(h, w) == size
    if not size:
        left, top = x - cut.box[0], y - cut.box[1]
        assert cut.picture[0, 0].tolist() == frame[round(top), round(left)].tolist()


def test_points_move_with_the_picture_when_it_is_scaled() -> None:
    frame = np.zeros((200, 220, 3), np.uint8)
    cv2.circle(frame, (80, 95), 6, (255, 255, 255), -1)
    for cut in (
        cut_box(frame, BOX, POINTS, 0.2, 0),
        cut_box(frame, BOX, POINTS, 0.2, 50),
        cut_box(frame, BOX, POINTS, 0.2, 400),
        align_face(frame, BOX, POINTS, 0.2, 0),
        align_face(frame, BOX, POINTS, 0.2, 90),
    ):
        assert cut is not None
        y, x = np.nonzero(cut.picture[..., 0] > 128)
        unit = (cut.box[2] - cut.box[0]) / 70
        assert (
            np.hypot(x.mean() + 0.5 - cut.points[2, 0], y.mean() + 0.5 - cut.points[2, 1]) < 1.2 * unit + 0.2
        )


def test_a_box_beside_the_frame_is_cut_nowhere() -> None:
    assert cut_box(chart(), (300, 10, 350, 60), POINTS, 0.1, 0) is None


@given(st.floats(-3, 3), st.floats(0.1, 10), st.floats(-99, 99), st.floats(-99, 99))
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, (x, y)])
    assert np.allclose(similarity(POINTS, POINTS @ turn.T + (x, y)), matrix, atol=1e-6 * scale + 1e-6)


def test_a_similarity_never_mirrors() -> None:
    assert np.linalg.det(similarity(POINTS, POINTS * (-1, 1))[:, :2]) > 0


@given(st.floats(-1.2, 1.2), st.floats(0.5, 2))
def test_aligned_faces_have_their_points_in_one_place(angle: float, scale: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([110, 100])
    points = (POINTS - POINTS.mean(axis=0)) @ turn.T + middle
    box = np.concatenate([middle - 45 * scale, middle + 45 * scale])
    upright = align_face(chart(), BOX, POINTS, 0.1, 112)
    turned = align_face(chart(), box, points, 0.1, 112)
    assert turned.picture.shape == (112, 112, 3)
    assert np.allclose(turned.points, upright.points, atol=1e-6)


def test_alignment_keeps_the_scale_unless_told_otherwise() -> None:
    cut = align_face(chart(), BOX, POINTS, 0.0, 0)
    eyes = np.hypot(*(cut.points[1] - cut.points[0]))
    assert eyes == pytest.approx(40, rel=0.02)
    assert cut.box[2] - cut.box[0] == pytest.approx(70, rel=0.02)


def test_points_on_one_spot_are_no_pose() -> None:
    cut = align_face(chart(), BOX, np.full((5, 2), 80.0), 0.0, 0)
    assert cut.picture.shape == (90, 90, 3)
    assert cut.picture[10, 10, :2].tolist() == pytest.approx([35 + 10, 40 + 10], abs=1)


def test_alignment_repeats_the_border_of_the_frame() -> None:
    cut = align_face(np.full((200, 220, 3), 9, np.uint8), BOX - 60, POINTS - 60, 0.5, 0)
    assert (cut.picture == 9).all()
