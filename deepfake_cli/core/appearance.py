"""Describe how a person looks in a frame, cheaply, to recognise them in the next ones.

Not face recognition: over seconds, a person keeps their colours and clothes, and in front of a camera that
stays they keep most of their outline. A few thousand sampled pixels are enough for that, so the cost does not
grow with the frame.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

_SIDE = 16  # of the thumbnail, pixels
_SAMPLES = 48  # pixels a side that a region is thinned to before anything else
_CHROMA_BINS, _LIGHT_BINS = 24, 16
_CHROMA_RANGE = (32.0, 224.0)  # of a and b in OpenCV's 8-bit Lab; no sRGB colour lies outside
_HISTOGRAM = _CHROMA_BINS**2 + _LIGHT_BINS
_LIGHT_SHARE = 0.3  # of a colour histogram's mass: light changes more easily than colour
_THUMBNAIL, _FACE, _CLOTHES = (
    slice(0, _SIDE**2),
    slice(_SIDE**2, _SIDE**2 + _HISTOGRAM),
    slice(_SIDE**2 + _HISTOGRAM, _SIDE**2 + 2 * _HISTOGRAM),
)
LENGTH = _SIDE**2 + 2 * _HISTOGRAM


def describe(frame: NDArray[np.uint8], box: ArrayLike) -> NDArray[np.float32]:
    """Describe the person whose face lies in a box.

    Args:
        frame: (H, W, 3) picture.
        box: (x0, y0, x1, y1) of the face in pixels of the frame; may reach outside it.

    Returns:
        (LENGTH,) description for ``likeness``: a grey thumbnail of the face with mean 0 and norm 1, the
        colours of the face, and the colours of the chest and shoulders below it. A part that lies outside the
        frame is all 0.
    """
    x0, y0, x1, y1 = (float(v) for v in np.asarray(box, dtype=np.float64))
    width, height = x1 - x0, y1 - y0
    description = np.zeros(LENGTH, np.float32)
    face = thin(frame, (x0, y0, x1, y1), _SAMPLES)
    if face.size:
        grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        smooth = np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.0), dtype=np.float32)
        description[_THUMBNAIL] = _normalised(smooth).ravel()
        description[_FACE] = colours(face)
    chest_top, chest_bottom = y1 + 0.35 * height, y1 + 1.35 * height
    if chest_bottom - frame.shape[0] < 0.75 * height:  # else less than a quarter of it is to be seen
        chest = thin(frame, (x0 - 0.5 * width, chest_top, x1 + 0.5 * width, chest_bottom), _SAMPLES)
        if chest.size:
            description[_CLOTHES] = colours(chest)
    return description


def likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Tell how much two descriptions look like the same person, from 0 (not at all) to 1 (the same pixels).

    The weighted mean of the thumbnails' correlation and the colours' agreement; clothes count where both show
    them.
    """
    if not a[_FACE].any() or not b[_FACE].any():
        return 0.0
    shape = max(float(a[_THUMBNAIL] @ b[_THUMBNAIL]), 0.0)
    parts = [(0.4, shape), (0.3, agreement(a[_FACE], b[_FACE]))]
    if a[_CLOTHES].any() and b[_CLOTHES].any():
        parts.append((0.3, agreement(a[_CLOTHES], b[_CLOTHES])))
    value = sum(weight * part for weight, part in parts) / sum(weight for weight, _ in parts)
    return min(max(value, 0.0), 1.0)


def blend(old: NDArray[np.float32], new: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Move a description towards a newer one by a share in [0, 1]; a part that one lacks is the other's."""
    mixed = (1 - share) * old + share * new
    mixed[_THUMBNAIL] = _normalised(mixed[_THUMBNAIL])
    for part in (_THUMBNAIL, _FACE, _CLOTHES):
        if not old[part].any():
            mixed[part] = new[part]
        elif not new[part].any():
            mixed[part] = old[part]
    return mixed


def thin(frame: NDArray[np.uint8], box: tuple[float, float, float, float], samples: int) -> NDArray[np.uint8]:
    """Cut a box out of a frame, keeping every n-th pixel so that about ``samples`` a side remain.

    Returns:
        (h, w, 3) pixels, at most twice ``samples`` a side; empty where the box misses the frame.
    """
    height, width = frame.shape[:2]
    x0, y0 = max(round(box[0]), 0), max(round(box[1]), 0)
    x1, y1 = min(round(box[2]), width), min(round(box[3]), height)
    if x1 <= x0 or y1 <= y0:
        return np.zeros((0, 0, 3), np.uint8)
    step_x, step_y = max((x1 - x0) // samples, 1), max((y1 - y0) // samples, 1)
    return np.ascontiguousarray(frame[y0:y1:step_y, x0:x1:step_x])


def colours(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Count the colours of a picture.

    Args:
        picture: (h, w, 3), not empty.

    Returns:
        Histogram with sum 1: chroma (Lab's a and b together) and, with a smaller share, lightness. Both are
        smoothed, so that a slight change of light moves no mass into a bin that was empty.
    """
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab)
    chroma = cv2.calcHist([lab], [1, 2], None, [_CHROMA_BINS] * 2, [*_CHROMA_RANGE] * 2)
    light = cv2.calcHist([lab], [0], None, [_LIGHT_BINS], [0, 256]).reshape(1, -1)
    chroma = cv2.GaussianBlur(chroma, (0, 0), 0.8, borderType=cv2.BORDER_REFLECT)
    light = cv2.GaussianBlur(light, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
    return np.concatenate(
        [
            (1 - _LIGHT_SHARE) * chroma.ravel() / max(float(chroma.sum()), 1e-9),
            _LIGHT_SHARE * light.ravel() / max(float(light.sum()), 1e-9),
        ]
    ).astype(np.float32)


def agreement(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the Bhattacharyya coefficient of two histograms of sum 1: 1 if equal, 0 if disjoint."""
    return min(float(np.sqrt(a * b).sum()), 1.0)


def _normalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shift values to mean 0 and scale them to norm 1; a flat picture becomes all 0."""
    centred = values - values.mean()
    norm = float(np.linalg.norm(centred))
    return np.asarray(centred / norm if norm > 1e-3 else np.zeros_like(centred), dtype=np.float32)
