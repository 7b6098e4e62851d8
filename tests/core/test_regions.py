"""Regions of a face: named wherever, however large and however turned the face lies in its map."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.core.forgeries import OUTLINE, STANDARD_POINTS
from deepfake_cli.core.regions import FAINT, REGIONS, brightest_region

SIDE = 160
# A place of each region on the 112 px canvas, by hand.
PLACES = {
    "forehead": (56, 18),
    "left cheek": (33, 74),
    "right cheek": (79, 74),
    "chin": (56, 103),
    "left eye": (40, 50),
    "right eye": (72, 50),
    "nose": (56, 68),
    "mouth": (56, 91),
}


def pose(scale: float = 1.25, degrees: float = 0.0, x: float = 80.0, y: float = 80.0) -> np.ndarray:
    """(2, 3) from the canvas to a map: its middle at (x, y)."""
    turn = cv2.getRotationMatrix2D((56, 60), degrees, scale)
    turn[:, 2] += (x - 56, y - 60)
    return turn


def moved(places: object, to_map: np.ndarray) -> np.ndarray:
    return np.asarray(places, np.float64) @ to_map[:, :2].T + to_map[:, 2]


def spot(place: tuple[float, float], to_map: np.ndarray, level: float = 1.0) -> np.ndarray:
    """A map that glows faintly but for a disc of 4 px of the canvas."""
    plane = np.full((SIDE, SIDE), FAINT, np.float32)
    x, y = moved(place, to_map)
    cv2.circle(plane, (round(x), round(y)), round(4 * np.hypot(*to_map[:, 0])), level, -1)
    return np.repeat(plane[..., None], 3, axis=-1)


POSES = st.builds(pose, st.floats(0.9, 1.4), st.floats(-30, 30), st.floats(70, 90), st.floats(70, 90))


@pytest.mark.parametrize("region", PLACES)
@settings(max_examples=25, deadline=None)
@given(to_map=POSES)
def test_what_glows_is_named_in_every_pose(region: str, to_map: np.ndarray) -> None:
    points = moved(STANDARD_POINTS, to_map)
    assert brightest_region(spot(PLACES[region], to_map), points) == region


def mirrored(points: np.ndarray) -> np.ndarray:
    """Mirror points left to right; what was on the left of the picture is on the right then."""
    return np.array([(SIDE - 1 - x, y) for x, y in points])[[1, 0, 2, 4, 3]]


@pytest.mark.parametrize(("region", "other"), [("left eye", "right eye"), ("right cheek", "left cheek")])
def test_left_and_right_are_those_of_the_picture(region: str, other: str) -> None:
    to_map = pose()
    painted, points = spot(PLACES[region], to_map), moved(STANDARD_POINTS, to_map)
    assert brightest_region(painted, points) == region
    assert brightest_region(painted[:, ::-1], mirrored(points)) == other


@settings(max_examples=25, deadline=None)
@given(to_map=POSES)
def test_a_ring_along_the_outline_is_the_border(to_map: np.ndarray) -> None:
    plane = np.full((SIDE, SIDE), FAINT, np.float32)
    outline = np.round(moved(OUTLINE * 1.04 - OUTLINE.mean(axis=0) * 0.04, to_map)).astype(np.int32)
    cv2.polylines(plane, [outline], True, 1.0, thickness=3)
    painted = np.repeat(plane[..., None], 3, axis=-1)
    assert brightest_region(painted, moved(STANDARD_POINTS, to_map)) == "border"


@settings(max_examples=25, deadline=None)
@given(to_map=POSES)
def test_what_glows_around_the_head_is_background(to_map: np.ndarray) -> None:
    plane = np.ones((SIDE, SIDE), np.float32)
    x, y = moved((56, 60), to_map)
    cv2.circle(plane, (round(x), round(y)), round(60 * np.hypot(*to_map[:, 0])), 0.0, -1)
    painted = np.repeat(plane[..., None], 3, axis=-1)
    assert brightest_region(painted, moved(STANDARD_POINTS, to_map)) == "background"


def test_a_face_that_glows_all_over_is_told_by_its_brightest_part() -> None:
    to_map = pose()
    painted = 0.5 + spot(PLACES["nose"], to_map, 0.2)
    assert brightest_region(painted, moved(STANDARD_POINTS, to_map)) == "nose"


@pytest.mark.parametrize(("level", "glows"), [(0.0, False), (FAINT * 0.9, False), (FAINT * 1.1, True)])
def test_a_map_as_good_as_black_names_nothing(level: float, glows: bool) -> None:
    painted = np.full((SIDE, SIDE, 3), level, np.float32)
    assert (brightest_region(painted, moved(STANDARD_POINTS, pose())) is not None) == glows


def test_one_channel_is_a_third_of_the_glow() -> None:
    to_map = pose()
    painted = np.zeros((SIDE, SIDE, 3), np.float32)
    painted[..., 2] = spot(PLACES["mouth"], to_map)[..., 2]
    painted += spot(PLACES["left eye"], to_map, 0.2)
    assert brightest_region(painted, moved(STANDARD_POINTS, to_map)) == "mouth"


def test_what_is_hardly_in_the_map_does_not_count() -> None:
    to_map = pose(x=80, y=-100)  # only the chin and what is below reach into the map
    painted = np.ones((SIDE, SIDE, 3), np.float32)
    painted[3:] = 0.5
    assert brightest_region(painted, moved(STANDARD_POINTS, to_map)) is None


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(-500, 700), st.floats(-500, 700)), min_size=5, max_size=5),
    level=st.floats(0, 1),
)
def test_any_points_give_a_name_or_none(points: list[tuple[float, float]], level: float) -> None:
    painted = np.full((64, 64, 3), level, np.float32)
    assert brightest_region(painted, np.array(points)) in (None, *REGIONS)


def test_points_on_one_spot_show_no_face() -> None:
    assert brightest_region(np.ones((64, 64, 3), np.float32), np.full((5, 2), 30.0)) is None
