"""The faces cut out of one video: a folder of pictures, and ``crops.json`` that says what they are.

It holds ``settings`` (fingerprint of how they were cut, and by which landmarks), ``boxes_from`` (id of the
video whose landmarks they were cut by: of a fake its original, so that pictures of the same name in both
folders show the same place at the same moment), ``unmatched`` (faces of the original for which the fake has
no frame of the same moment) and ``faces``: ``file`` (name in the folder), ``frame`` (place among the sampled
frames, from 0), ``face`` (0 for the largest in its frame), ``time`` (seconds), ``box`` (x0, y0, x1, y1) and
``points`` (x, y five times in one row) in pixels of the picture, and ``probability``. A folder without faces
is finished too: its video had none.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DataError

from .files import reason, write_atomically

TABLE = "crops.json"

_PLACES, _TIMES, _CHANCES = 2, 3, 4  # digits after the point


@dataclass(frozen=True, slots=True)
class Crop:
    """A face that was cut out; see the module for the units.

    Attributes:
        file: Name of the picture in its folder.
        frame: Place among the sampled frames, from 0.
        face: Place among the faces of the frame, 0 for the largest.
        time: Seconds since the video's first frame.
        box: (4,) of the face, without the margin, in pixels of the picture.
        points: (10,) x, y five times in pixels of the picture; empty where unknown.
        probability: That it is a face, in [0, 1].
    """

    file: str
    frame: int
    face: int
    time: float
    box: tuple[float, ...]
    points: tuple[float, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Crops:
    """All faces cut out of one video.

    Attributes:
        settings: Fingerprint of how they were cut.
        boxes_from: Id of the video whose landmarks they were cut by.
        faces: In order of frame and face.
        unmatched: Faces of the original that the fake has no frame for.
    """

    settings: str
    boxes_from: str
    faces: tuple[Crop, ...]
    unmatched: int = 0


def read_crops(folder: Path) -> Crops:
    """Read what the pictures of a folder are.

    Args:
        folder: ``crops/<id>``.

    Raises:
        DataError: ``crops.json`` is missing, or not of this format.
    """
    path, hint = folder / TABLE, "make it anew with: dfdetect data crop"
    try:
        stored = json.loads(path.read_bytes())
        return Crops(
            settings=str(stored["settings"]),
            boxes_from=str(stored["boxes_from"]),
            faces=tuple(map(_crop, stored["faces"])),
            unmatched=int(stored["unmatched"]),
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged", hint) from error


def write_crops(folder: Path, crops: Crops) -> None:
    """Write ``crops.json`` beside its pictures, numbers rounded.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "settings": crops.settings,
        "boxes_from": crops.boxes_from,
        "unmatched": crops.unmatched,
        "faces": [_stored(crop) for crop in crops.faces],
    }
    with write_atomically(folder / TABLE) as file:
        file.write(json.dumps(content, indent=2) + "\n")


def _stored(crop: Crop) -> dict[str, Any]:
    return asdict(crop) | {
        "time": round(crop.time, _TIMES),
        "box": [round(float(side), _PLACES) for side in crop.box],
        "points": [round(float(place), _PLACES) for place in crop.points],
        "probability": round(crop.probability, _CHANCES),
    }


def _crop(stored: dict[str, Any]) -> Crop:
    box, points = tuple(map(float, stored["box"])), tuple(map(float, stored["points"]))
    file = str(stored["file"])
    if len(box) != 4 or len(points) not in (0, 10) or Path(file).name != file:
        raise ValueError("a box has four sides, a face five points, and its file lies in the folder")
    numbers = int(stored["frame"]), int(stored["face"]), float(stored["time"])
    return Crop(file, *numbers, box, points, float(stored["probability"]))
