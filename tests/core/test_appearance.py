import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stage import Image, Pose, backdrop, faces, people, render

from deepfake_cli.core.appearance import LENGTH, blend, describe, likeness
from deepfake_cli.core.scenes import describe_scene, scene_change

CAST = people()
frames = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))
boxes = arrays(np.float32, 4, elements=st.floats(-60, 60, width=32))


def shown(pose: Pose, wall: Image | None = None, light: float = 1.0) -> np.ndarray:
    frame = render(CAST, backdrop(1) if wall is None else wall, [pose])
    frame = np.clip(frame * light, 0, 255).astype(np.uint8)
    return describe(frame, faces(CAST, [pose])[1][0])


def test_a_person_looks_like_themselves_and_unlike_another() -> None:
    here = shown(Pose(0, 320, 150, 90))
    same = [
        shown(Pose(0, 120, 130, 90)),
        shown(Pose(0, 320, 150, 60)),
        shown(Pose(0, 322, 149, 93)),
        shown(Pose(0, 320, 150, 90), light=0.8),
        shown(Pose(0, 500, 160, 80), backdrop(2)),
        shown(Pose(0, 320, 320, 60)),  # the chest lies outside the picture
    ]
    other = [shown(Pose(1, x, 150, height)) for x, height in ((320, 90), (150, 60))]
    assert likeness(here, here) == pytest.approx(1)
    assert min(likeness(here, look) for look in same) > 0.8
    assert max(likeness(here, look) for look in other) < 0.6


def test_a_larger_frame_gives_the_same_description() -> None:
    pose = Pose(0, 320, 150, 90)
    frame, box = render(CAST, backdrop(1), [pose]), faces(CAST, [pose])[1][0]
    larger = cv2.resize(frame, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR)
    assert likeness(describe(frame, box), describe(larger, box * 3)) > 0.97
    assert scene_change(describe_scene(frame), describe_scene(larger)) < 0.01


def test_a_blend_lies_between_and_takes_what_one_lacks() -> None:
    whole, chestless = shown(Pose(0, 320, 150, 90)), shown(Pose(0, 320, 320, 60))
    assert likeness(blend(whole, chestless, 0.5), whole) > 0.9
    clothes = slice(-500, None)
    assert np.array_equal(blend(whole, chestless, 1.0)[clothes], whole[clothes])
    one, other = shown(Pose(0, 320, 150, 90)), shown(Pose(1, 320, 150, 90))
    assert likeness(one, other) < likeness(blend(one, other, 0.3), other) < likeness(one, one)


@given(frames, boxes, frames, boxes)
def test_any_box_can_be_described_and_compared(
    frame: np.ndarray, box: np.ndarray, other: np.ndarray, other_box: np.ndarray
) -> None:
    a, b = describe(frame, box), describe(other, other_box)
    assert a.shape == (LENGTH,)
    assert np.isfinite(a).all()
    assert 0 <= likeness(a, b) <= 1
    assert likeness(a, b) == pytest.approx(likeness(b, a), abs=1e-6)
    assert np.isfinite(blend(a, b, 0.3)).all()


@given(frames, frames)
def test_any_two_frames_can_be_compared(frame: np.ndarray, other: np.ndarray) -> None:
    a, b = describe_scene(frame), describe_scene(other)
    assert 0 <= scene_change(a, b) <= 1
    assert scene_change(a, a) == pytest.approx(0, abs=1e-3)
