import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stage import Pose, backdrop, faces, people, render

from deepfake_cli.core.quality import frontality, quality, sharpness

CAST = people()
STRAIGHT = np.array([[30, 40], [70, 40], [50, 61.9], [35, 80], [65, 80]], np.float32)


def seen(pose: Pose, blur: float = 0.0, probability: float = 1.0) -> float:
    frame = render(CAST, backdrop(1), [pose])
    if blur:
        frame = cv2.GaussianBlur(frame, (0, 0), blur)
    _, boxes, points = faces(CAST, [pose])
    return quality(frame, boxes[0], points[0], probability)


def test_a_clear_face_is_good_and_each_flaw_makes_it_worse() -> None:
    good = seen(Pose(0, 320, 150, 110))
    assert good > 0.75
    assert seen(Pose(0, 320, 150, 60)) < 0.9 * good
    assert seen(Pose(0, 320, 150, 30)) < 0.8 * seen(Pose(0, 320, 150, 60))
    assert seen(Pose(0, 320, 150, 110), blur=2) < 0.97 * good
    assert seen(Pose(0, 320, 150, 110), blur=6) < 0.85 * good
    assert seen(Pose(0, 10, 150, 110)) < 0.95 * good
    assert seen(Pose(0, 320, 150, 110), probability=0.5) == pytest.approx(good / 2)


def test_sharpness_depends_neither_on_light_nor_on_contrast() -> None:
    frame = render(CAST, backdrop(1), [Pose(0, 320, 150, 110)])
    box = tuple(float(v) for v in faces(CAST, [Pose(0, 320, 150, 110)])[1][0])
    dim = np.asarray(frame * 0.4 + 30, dtype=np.uint8)
    assert sharpness(dim, box) == pytest.approx(sharpness(frame, box), abs=0.05)
    assert sharpness(np.full_like(frame, 120), box) == 0


@pytest.mark.parametrize("angle", [-40.0, 0.0, 25.0, 90.0])
def test_a_tilted_face_is_as_frontal_as_an_upright_one(angle: float) -> None:
    turn = cv2.getRotationMatrix2D((50, 60), angle, 0.7)
    assert frontality(np.c_[STRAIGHT, np.ones(5)] @ turn.T) == pytest.approx(1, abs=0.01)


def test_the_further_a_head_turns_the_less_frontal_it_is() -> None:
    turned = [STRAIGHT + [[0, 0], [0, 0], [shift, 0], [0, 0], [0, 0]] for shift in (0, 5, 10, 15, 20, 40)]
    values = [frontality(points) for points in turned]
    assert values == sorted(values, reverse=True)
    assert values[-2:] == [0, 0]
    nodding = STRAIGHT + [[0, 0], [0, 0], [0, 10], [0, 0], [0, 0]]
    assert 0.3 < frontality(nodding) < 0.7


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    arrays(np.float32, 4, elements=st.floats(-60, 60, width=32)),
    arrays(np.float32, (5, 2), elements=st.floats(-60, 60, width=32)),
    st.floats(0, 1),
)
def test_it_is_a_share_whatever_the_face(
    frame: np.ndarray, box: np.ndarray, points: np.ndarray, probability: float
) -> None:
    assert 0 <= quality(frame, box, points, probability) <= 1
    assert 0 <= frontality(points) <= 1
