"""Cut faces out of frames with a margin: as they lie, or turned and scaled to a standard pose."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

# Where eyes, nose and corners of the mouth lie in a square of side 112: the pose that ArcFace (Deng et al.,
# CVPR 2019) and the models after it are trained on, ``arcface_dst`` in InsightFace's ``face_align.py``.
_POSE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
_SIDE = 112.0
_LEAST = 0.2  # scale of the points relative to the box below which they are no face seen from the front


@dataclass(frozen=True)
class Cut:
    """A face that was cut out.

    Attributes:
        picture: (h, w, 3) uint8 RGB.
        box: (4,) of the face, in pixels of the picture; without the margin, upright also in turned pictures.
        points: (5, 2) in pixels of the picture.
    """

    picture: NDArray[np.uint8]
    box: NDArray[np.float64]
    points: NDArray[np.float64]


def cut_box(
    frame: NDArray[np.uint8], box: ArrayLike, points: ArrayLike, margin: float, size: int
) -> Cut | None:
    """Cut what lies in a box and around it, clipped to the frame: nothing is made up at its border.

    Args:
        frame: (H, W, 3).
        box: (4,) x0, y0, x1, y1 in pixels of the frame; may reach outside it.
        points: (5, 2) in pixels of the frame.
        margin: Added on each side, as a share of the box's width and height.
        size: Longer side of the picture in pixels, to which it is scaled; 0 keeps it as it is.

    Returns:
        The face; None where the box with its margin misses the frame.
    """
    corners, places = np.asarray(box, np.float64), np.asarray(points, np.float64)
    grown = corners + margin * np.tile(corners[2:] - corners[:2], 2) * (-1, -1, 1, 1)
    height, width = frame.shape[:2]
    left, top, right, bottom = np.rint(grown).clip(0, (width, height, width, height)).astype(int).tolist()
    if right <= left or bottom <= top:
        return None
    picture = frame[top:bottom, left:right]
    corners, places = corners - (left, top, left, top), places - (left, top)
    if not size:
        return Cut(picture, corners, places)
    scale = size / max(right - left, bottom - top)
    target = max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1)
    ratio = np.array([target[0] / (right - left), target[1] / (bottom - top)])
    return Cut(_resized(picture, target), corners * np.tile(ratio, 2), places * ratio)


def align_face(frame: NDArray[np.uint8], box: ArrayLike, points: ArrayLike, margin: float, size: int) -> Cut:
    """Turn, scale and cut a face so that its points lie as in the standard pose.

    The picture is square. Where it leaves the frame, the frame's border pixels are repeated.

    Args:
        frame: (H, W, 3).
        box: (4,) x0, y0, x1, y1 in pixels of the frame.
        points: (5, 2) in pixels of the frame.
        margin: Added on each side, as a share of the side of the pose's square.
        size: Side of the picture in pixels; 0 keeps the scale that the face has in the frame.
    """
    corners, places = np.asarray(box, np.float64), np.asarray(points, np.float64)
    to_frame = _pose_in_frame(corners, places, margin)
    unit = float(np.hypot(*to_frame[:, 0]))  # pixels of the frame that the side of the pose's square takes
    whole = 1 + 2 * margin
    side = max(round(unit * whole), 1)
    # Warped at the scale of the frame, for warping smaller would skip pixels; then scaled.
    picture = _warped(frame, to_frame @ np.diag([whole / side, whole / side, 1.0]), side)
    if size:
        picture = _resized(picture, (size, size))
    scale = (size or side) / whole
    into = np.linalg.inv(np.vstack([to_frame, (0, 0, 1)]))[:2] * scale
    middle = into[:, :2] @ ((corners[:2] + corners[2:]) / 2) + into[:, 2]
    half = (corners[2:] - corners[:2]) / 2 * (scale / unit)
    return Cut(picture, np.concatenate([middle - half, middle + half]), places @ into[:, :2].T + into[:, 2])


def similarity(source: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Find the turn, scale and shift that bring points closest to others, by least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI
    13(4), 1991, equations 34 to 43, for two dimensions.

    Args:
        source: (N, 2), not all on one spot.
        target: (N, 2).

    Returns:
        (2, 3) matrix: ``target`` is about ``source @ matrix[:, :2].T + matrix[:, 2]``.
    """
    one, two = np.asarray(source, np.float64), np.asarray(target, np.float64)
    mean_one, mean_two = one.mean(axis=0), two.mean(axis=0)
    a, b = one - mean_one, two - mean_two
    u, strengths, v = np.linalg.svd(b.T @ a / len(a))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v)) or 1.0])  # a turn, never a mirror
    scale = (strengths * signs).sum() / a.var(axis=0).sum()
    turn = scale * (u * signs) @ v
    return np.column_stack([turn, mean_two - turn @ mean_one])


def _pose_in_frame(
    box: NDArray[np.float64], points: NDArray[np.float64], margin: float
) -> NDArray[np.float64]:
    """Place the standard pose in a frame; (2, 3), from sides of its square with the margin to pixels."""
    to_frame = similarity(_POSE / _SIDE + margin, points)
    longer = float((box[2:] - box[:2]).max())
    if _LEAST * longer <= np.hypot(*to_frame[:, 0]) <= longer / _LEAST:
        return to_frame
    # Points that lie on one spot, or far off, tell no pose: the box takes the place of its square.
    corner = (box[:2] + box[2:]) / 2 - longer * (0.5 + margin)
    return np.column_stack([np.eye(2) * longer, corner])


def _warped(frame: NDArray[np.uint8], to_frame: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Warp a square of a side out of a frame; (2, 3) leads from its pixels to those of the frame."""
    centres = to_frame.copy()
    centres[:, 2] += centres[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from the centre of the first pixel
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpAffine(frame, centres, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picture, np.uint8)


def _resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize to (width, height): area interpolation when shrinking, linear when enlarging."""
    smaller = size[0] < picture.shape[1] or size[1] < picture.shape[0]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)
