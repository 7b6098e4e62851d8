"""The faces found in one video: ``landmarks/<id>.json``, written by the stage that seeks them.

It holds ``settings`` (fingerprint of how faces were sought, and in what), ``width`` and ``height`` of a
frame, ``every`` and ``count`` (which frames were looked at: every so many-th, or so many evenly spaced where
``count`` is not 0), ``notes`` (what was wrong with the video) and ``frames``, one entry a sampled frame:
``frame`` (its place among the sampled ones, from 0), ``time`` (seconds since the first frame) and ``faces``,
largest first, each with ``box`` (x0, y0, x1, y1), ``points`` (five times x, y: eyes, nose, corners of the
mouth; the left one in the picture first), both in pixels of the frame and perhaps outside it, and
``probability`` (that it is a face).
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DataError

from .files import reason, write_atomically

Box = tuple[float, float, float, float]
Points = tuple[tuple[float, float], ...]

_PLACES, _TIMES, _CHANCES = 2, 3, 4  # digits after the point


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a frame; see the module for the units.

    Attributes:
        box: (4,).
        points: (5, 2).
        probability: In [0, 1].
    """

    box: Box
    points: Points
    probability: float


@dataclass(frozen=True, slots=True)
class FrameFaces:
    """The faces of one sampled frame.

    Attributes:
        frame: Its place among the sampled frames, from 0.
        time: Seconds since the video's first frame.
        faces: Largest first; may be none.
    """

    frame: int
    time: float
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The faces of one video or picture, every sampled frame named.

    Attributes:
        settings: Fingerprint of how they were sought.
        width: Of a frame, pixels.
        height: Likewise.
        frames: In order of time.
        every: Every how many-th frame was looked at, where ``count`` is 0.
        count: How many frames, evenly spaced, were asked for; 0 where they were counted off.
        notes: What was wrong with the video, one phrase each.
    """

    settings: str
    width: int
    height: int
    frames: tuple[FrameFaces, ...]
    every: int
    count: int
    notes: tuple[str, ...] = ()

    @property
    def faces(self) -> int:
        """How many faces there are in all frames."""
        return sum(len(frame.faces) for frame in self.frames)


def rounded(box: Any, points: Any, probability: float) -> Face:
    """Make a face of arrays (4,) and (5, 2), rounded to what the file holds."""
    x0, y0, x1, y1 = (round(float(side), _PLACES) for side in box)
    places = tuple((round(float(x), _PLACES), round(float(y), _PLACES)) for x, y in points)
    return Face((x0, y0, x1, y1), places, round(float(probability), _CHANCES))


def read_landmarks(path: Path) -> Landmarks:
    """Read the faces of one video.

    Raises:
        DataError: The file is missing, or not of this format.
    """
    hint = "make it anew with: dfdetect data landmarks"
    try:
        stored = json.loads(path.read_bytes())
        frames = tuple(
            FrameFaces(int(frame["frame"]), float(frame["time"]), tuple(map(_face, frame["faces"])))
            for frame in stored["frames"]
        )
        return Landmarks(
            settings=str(stored["settings"]),
            width=int(stored["width"]),
            height=int(stored["height"]),
            frames=frames,
            every=int(stored["every"]),
            count=int(stored["count"]),
            notes=tuple(map(str, stored.get("notes", ()))),
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", hint) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged", hint) from error


def write_landmarks(path: Path, landmarks: Landmarks) -> None:
    """Write the faces of one video; the file appears when it is whole.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "settings": landmarks.settings,
        "width": landmarks.width,
        "height": landmarks.height,
        "every": landmarks.every,
        "count": landmarks.count,
        "notes": landmarks.notes,
        "frames": [
            {"frame": frame.frame, "time": round(frame.time, _TIMES), "faces": list(map(asdict, frame.faces))}
            for frame in landmarks.frames
        ],
    }
    with write_atomically(path) as file:
        file.write(json.dumps(content, indent=2) + "\n")


def _face(stored: dict[str, Any]) -> Face:
    x0, y0, x1, y1 = map(float, stored["box"])
    points = tuple((float(x), float(y)) for x, y in stored["points"])
    if len(points) != 5:
        raise ValueError("a face has five points")
    return Face((x0, y0, x1, y1), points, float(stored["probability"]))
