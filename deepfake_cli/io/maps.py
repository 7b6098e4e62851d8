"""The dissimilarity maps of one fake video: a folder of pictures, and ``maps.json`` that says what they are.

It holds ``settings`` (fingerprint of how, and of what, they were made), ``maps`` with ``file`` (name in the
folder), ``face`` (name of the face's picture in ``crops/<id>``) and ``mean`` (of the map, in [0, 1]) of each,
and ``left_out``: how many pairs of faces have no map, by reason. A folder without maps is finished too.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfake_cli.errors import DataError

from .files import reason, write_atomically

TABLE = "maps.json"

_PLACES = 4  # digits after the point


@dataclass(frozen=True, slots=True)
class FaceMap:
    """One map.

    Attributes:
        file: Name of the picture in its folder.
        face: Name of the picture of the face in the folder of its video's faces.
        mean: Of all values, in [0, 1].
    """

    file: str
    face: str
    mean: float


@dataclass(frozen=True, slots=True)
class FaceMaps:
    """All maps of one fake video.

    Attributes:
        settings: Fingerprint of how, and of what, they were made.
        maps: In order of frame and face.
        left_out: How many pairs have none, by reason.
    """

    settings: str
    maps: tuple[FaceMap, ...]
    left_out: Mapping[str, int]


def read_maps(folder: Path) -> FaceMaps:
    """Read what the maps of a folder are.

    Args:
        folder: ``mri/<id>``.

    Raises:
        DataError: ``maps.json`` is missing, or not of this format.
    """
    path, hint = folder / TABLE, "make it anew with: dfdetect data mri"
    try:
        stored = json.loads(path.read_bytes())
        return FaceMaps(
            settings=str(stored["settings"]),
            maps=tuple(
                FaceMap(str(one["file"]), str(one["face"]), float(one["mean"])) for one in stored["maps"]
            ),
            left_out={str(why): int(count) for why, count in stored["left_out"].items()},
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", hint) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged", hint) from error


def write_maps(folder: Path, maps: FaceMaps) -> None:
    """Write ``maps.json`` beside its pictures, numbers rounded.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "settings": maps.settings,
        "maps": [asdict(one) | {"mean": round(one.mean, _PLACES)} for one in maps.maps],
        "left_out": dict(sorted(maps.left_out.items())),
    }
    with write_atomically(folder / TABLE) as file:
        file.write(json.dumps(content, indent=2) + "\n")
