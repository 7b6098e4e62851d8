"""The frames taken out of one video: a folder of pictures, and ``frames.json`` that says what they are.

It holds ``settings`` (fingerprint of how they were taken), ``source`` (the file they are of: the raw one by
its path in the index, or ``augmented/ID.mp4``), ``wanted`` (how many were asked for; of a picture 1),
``notes`` (what was wrong with the file) and ``frames``: ``file`` (name in the folder), ``frame`` (place among
the frames taken, from 0), ``time`` (seconds since the video's first frame), ``width`` and ``height`` of the
picture.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DataError

from .files import reason, write_atomically
from .workspace import DatasetFolder

TABLE = "frames.json"
_TIMES = 3  # digits after the point


@dataclass(frozen=True, slots=True)
class TakenFrame:
    """A frame that was taken; see the module for the units.

    Attributes:
        file: Name of the picture in its folder.
        frame: Place among the frames taken, from 0.
        time: Seconds since the video's first frame.
        width: Of the picture, pixels.
        height: Likewise.
    """

    file: str
    frame: int
    time: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TakenFrames:
    """All frames taken out of one video or picture.

    Attributes:
        settings: Fingerprint of how they were taken.
        source: The file they are of, as in the module.
        wanted: How many were asked for.
        frames: In order of time.
        notes: What was wrong with the file, one phrase each.
    """

    settings: str
    source: str
    wanted: int
    frames: tuple[TakenFrame, ...]
    notes: tuple[str, ...]


def frames_folder(folder: DatasetFolder) -> Path:
    """Name the place of a data set's frames, a folder for each video."""
    return folder.path / "frames"


def frames_sheet(folder: DatasetFolder) -> Path:
    """Name the contact sheet of a data set's frames."""
    return folder.path / "frames.png"


def read_taken(folder: Path) -> TakenFrames:
    """Read what the pictures of a folder are.

    Args:
        folder: ``frames/<id>``.

    Raises:
        DataError: ``frames.json`` is missing, or not of this format.
    """
    path, hint = folder / TABLE, "make it anew with: dfdetect data frames"
    try:
        stored = json.loads(path.read_bytes())
        return TakenFrames(
            settings=str(stored["settings"]),
            source=str(stored["source"]),
            wanted=int(stored["wanted"]),
            frames=tuple(map(_frame, stored["frames"])),
            notes=tuple(map(str, stored["notes"])),
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", hint) from error
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:  # Infinity is no number of pixels
        raise DataError(f"{path} is damaged", hint) from error


def write_taken(folder: Path, taken: TakenFrames) -> None:
    """Write ``frames.json`` beside its pictures, times rounded.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "settings": taken.settings,
        "source": taken.source,
        "wanted": taken.wanted,
        "notes": list(taken.notes),
        "frames": [asdict(frame) | {"time": round(frame.time, _TIMES)} for frame in taken.frames],
    }
    with write_atomically(folder / TABLE) as file:
        file.write(json.dumps(content, indent=2) + "\n")


def _frame(stored: dict[str, Any]) -> TakenFrame:
    file = str(stored["file"])
    if Path(file).name != file or file == "..":
        raise ValueError("a frame's file lies in the folder")
    size = int(stored["width"]), int(stored["height"])
    return TakenFrame(file, int(stored["frame"]), float(stored["time"]), *size)
