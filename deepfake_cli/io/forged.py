"""The fakes made out of one real video: a folder of pictures, and ``forged.json`` that says what they are.

It holds ``settings`` (fingerprint of how, and of what, they were made), ``without`` (how many forgeries there
could have been but are not, for want of points or because nothing changed) and ``fakes``: ``file`` (name in
the folder), ``mask`` (grey picture beside it, white where it is forged), ``real`` (a picture beside it of the
real view that it is aligned with; empty where that is the face itself), ``face`` (name of the face's picture
in ``crops/<id>``) and ``kind``. A folder without fakes is finished too.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfake_cli.errors import DataError

from .files import reason, write_atomically

TABLE = "forged.json"


@dataclass(frozen=True, slots=True)
class Fake:
    """One forged face; see the module for the fields."""

    file: str
    mask: str
    real: str
    face: str
    kind: str


@dataclass(frozen=True, slots=True)
class Fakes:
    """All that was made out of one real video, in order of face and kind."""

    settings: str
    without: int
    fakes: tuple[Fake, ...]


def read_fakes(folder: Path) -> Fakes:
    """Read what the forged pictures of a folder are.

    Args:
        folder: ``forged/<id>``.

    Raises:
        DataError: ``forged.json`` is missing, or not of this format.
    """
    path, hint = folder / TABLE, "make it anew with: dfdetect data forge"
    try:
        stored = json.loads(path.read_bytes())
        return Fakes(
            settings=str(stored["settings"]),
            without=int(stored["without"]),
            fakes=tuple(Fake(**one) for one in stored["fakes"]),
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged", hint) from error


def write_fakes(folder: Path, fakes: Fakes) -> None:
    """Write ``forged.json`` beside its pictures.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "settings": fakes.settings,
        "without": fakes.without,
        "fakes": [asdict(fake) for fake in fakes.fakes],
    }
    with write_atomically(folder / TABLE) as file:
        file.write(json.dumps(content, indent=2) + "\n")
