"""Two people on a stage: pictures with faces whose places are known, for tests that follow them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.data import astronaut

Image = np.ndarray  # (H, W, 3) uint8 RGB

WIDTH, HEIGHT = 640, 360
_CUTOUT = slice(0, 420), slice(75, 375)  # of the portrait: head and shoulders
_BOX = np.array([181, 62, 268, 172], np.float32) - [75, 0, 75, 0]
_POINTS = np.array([[205, 102], [247, 104], [225, 129], [202, 139], [245, 142]], np.float32) - [75, 0]


@dataclass(frozen=True)
class Person:
    """A cut-out: picture (h, w, 3), mask (h, w), box (4,) and points (5, 2) of the face in it."""

    picture: Image
    mask: np.ndarray
    box: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class Pose:
    """Where a person stands: the centre of the face in the frame, and the height of its box in pixels."""

    person: int
    x: float
    y: float
    height: float


def people() -> list[Person]:
    """Make two people who look unlike: the portrait, and one mirrored, wider, darker, dressed otherwise."""
    picture = np.ascontiguousarray(astronaut()[_CUTOUT])
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(mask, (150, 105), (72, 98), 0, 0, 360, 255, -1)
    shoulders = np.array([[110, 190], [190, 190], [285, 250], [299, 419], [0, 419], [15, 250]])
    cv2.fillPoly(mask, [shoulders], 255)
    first = Person(picture, mask, _BOX, _POINTS)

    other = picture[:, ::-1].astype(np.float32) * [0.62, 0.5, 0.42]
    other[185:] = other[185:, :, ::-1] * [0.6, 1.8, 1.0] + [0, 40, 10]
    wide = 1.12
    size = (round(300 * wide), 420)
    other = cv2.resize(other.clip(0, 255).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    box = np.array([300 - _BOX[2], _BOX[1], 300 - _BOX[0], _BOX[3]], np.float32) * [wide, 1, wide, 1]
    points = ([300, 0] + _POINTS * [-1, 1])[[1, 0, 2, 4, 3]] * [wide, 1]
    return [first, Person(other, cv2.resize(np.ascontiguousarray(mask[:, ::-1]), size), box, points)]


def backdrop(seed: int) -> Image:
    """Make a coloured wall with furniture; another seed, another place."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(40, 215, (3, 4, 3)).astype(np.float32)
    wall = cv2.resize(low, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    for _ in range(6):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        size = tuple(int(v) for v in rng.integers(30, 130, 2))
        cv2.rectangle(wall, (x, y), (x + size[0], y + size[1]), colour, -1)
    return wall


def render(cast: Sequence[Person], wall: Image, poses: Sequence[Pose]) -> Image:
    """Draw people before a wall, the last pose in front."""
    frame = wall.copy()
    for pose in poses:
        person = cast[pose.person]
        to_frame = placement(person, pose)
        size = (frame.shape[1], frame.shape[0])
        drawn = cv2.warpAffine(person.picture, to_frame, size, flags=cv2.INTER_AREA)
        alpha = cv2.warpAffine(person.mask, to_frame, size).astype(np.float32) / 255
        frame = cv2.blendLinear(drawn, frame, alpha, 1 - alpha)
    return frame


def faces(cast: Sequence[Person], poses: Sequence[Pose]) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Tell who is to be seen and where: people (N,), boxes (N, 4), points (N, 5, 2).

    A face that another one in front covers by more than a third is not to be seen.
    """
    who, boxes, points = [], [], []
    for pose in reversed(poses):
        person = cast[pose.person]
        to_frame = placement(person, pose)
        box = np.array([*(to_frame @ [*person.box[:2], 1]), *(to_frame @ [*person.box[2:], 1])], np.float32)
        covered = any(
            np.prod(np.clip(np.minimum(box[2:], front[2:]) - np.maximum(box[:2], front[:2]), 0, None))
            > np.prod(box[2:] - box[:2]) / 3
            for front in boxes
        )
        if not covered:
            who.append(pose.person)
            boxes.append(box)
            points.append(np.c_[person.points, np.ones(5)] @ to_frame.T)
    return who, np.array(boxes).reshape(-1, 4), np.array(points).reshape(-1, 5, 2)


def placement(person: Person, pose: Pose) -> np.ndarray:
    """Return the (2, 3) affine map from the cut-out to the frame."""
    scale = pose.height / float(person.box[3] - person.box[1])
    middle = (person.box[:2] + person.box[2:]) / 2
    return np.array([[scale, 0, pose.x - scale * middle[0]], [0, scale, pose.y - scale * middle[1]]])
