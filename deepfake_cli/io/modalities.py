"""What the faces of one video are made of: a folder of pictures, and ``modalities.json`` that says of what.

It holds ``settings`` (fingerprint of the renderer, and of the faces it took apart), ``renderer`` (its name
and revision) and ``faces``: ``face`` (name of the face's picture in ``crops/<id>``), one key a modality with
the name of its picture in the folder, and ``coefficients`` of the light (spherical harmonics, nine times red,
green, blue). A folder without faces is finished too: its video had none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_cli.core.modalities import MODALITIES
from deepfake_cli.errors import DataError

from .files import reason, write_atomically
from .workspace import DatasetFolder

TABLE = "modalities.json"
_PLACES = 4  # digits after the point


@dataclass(frozen=True, slots=True)
class ApartFace:
    """A face that was taken apart.

    Attributes:
        face: Name of its picture in the folder of its video's faces.
        files: Names of the pictures of its parts, by modality.
        coefficients: (27,) of its light, nine times red, green, blue.
    """

    face: str
    files: Mapping[str, str]
    coefficients: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ApartFaces:
    """All faces of one video.

    Attributes:
        settings: Fingerprint of the renderer, and of the faces.
        renderer: Name and revision of what took them apart.
        faces: In order of frame and face.
    """

    settings: str
    renderer: str
    faces: tuple[ApartFace, ...]


def modalities_folder(folder: DatasetFolder) -> Path:
    """Name the place of what a data set's faces are made of, a folder for each video."""
    return folder.path / "modalities"


def modalities_sheet(folder: DatasetFolder) -> Path:
    """Name the contact sheet of what a data set's faces are made of."""
    return folder.path / "modalities.png"


def read_modalities(folder: Path) -> ApartFaces:
    """Read what the pictures of a folder are.

    Args:
        folder: ``modalities/<id>``.

    Raises:
        DataError: ``modalities.json`` is missing, or not of this format.
    """
    path, hint = folder / TABLE, "make it anew with: dfdetect data modalities"
    try:
        stored = json.loads(path.read_bytes())
        faces = tuple(map(_face, stored["faces"]))
        return ApartFaces(str(stored["settings"]), str(stored["renderer"]), faces)
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", hint) from error
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise DataError(f"{path} is damaged", hint) from error


def write_modalities(folder: Path, apart: ApartFaces) -> None:
    """Write ``modalities.json`` beside its pictures, numbers rounded.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "settings": apart.settings,
        "renderer": apart.renderer,
        "faces": [
            {
                "face": one.face,
                **one.files,
                "coefficients": [round(float(value), _PLACES) for value in one.coefficients],
            }
            for one in apart.faces
        ],
    }
    with write_atomically(folder / TABLE) as file:
        file.write(json.dumps(content, indent=2) + "\n")


def _face(stored: dict[str, Any]) -> ApartFace:
    face, files = str(stored["face"]), {name: str(stored[name]) for name in MODALITIES}
    if any(Path(file).name != file or file == ".." for file in (face, *files.values())):
        raise ValueError("the pictures lie in the folder")
    coefficients = tuple(map(float, stored["coefficients"]))
    if len(coefficients) != 27:
        raise ValueError("light has 27 coefficients")
    return ApartFace(face, files, coefficients)
