"""Which faces speak most clearly for what is said of a person, and sheets of what these are made of."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.face_parts import FaceParts, draw_parts
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.core.tracks import Observation
from deepfake_cli.core.verdict import unclear
from deepfake_cli.io.png import encode_png

from .result import PersonTrack
from .saving import save_picture

_ENDING = "_modalities"


class _Kept(NamedTuple):
    """The clearest face so far: how unclear it is, where it was seen, and its sheet as a PNG."""

    unclear: float
    face: Observation
    sheet: bytes


class Evidence:
    """Sheets of what faces are made of; only the clearest faces of each person are kept.

    Whether a person is called fake is known in the end only, so both the face that speaks most clearly for
    fake and the one for real are kept, two pictures a person.

    Args:
        threshold: Scores from here on mean FAKE.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._kept: dict[tuple[int, bool], _Kept] = {}

    def see(self, person: int, face: Observation, picture: NDArray[np.uint8], parts: FaceParts) -> None:
        """Look at the next face of a person, in order of time.

        Args:
            person: Number of the person's track.
            face: Where it was seen, with its score.
            picture: (S, S, 3) RGB.
            parts: What it is made of.
        """
        assert face.score is not None  # parts come with the score
        sheet = b""
        for fake in (False, True):
            doubt = unclear(face.score, round(face.quality, 4), self._threshold, fake=fake)
            best = self._kept.get((person, fake))
            if best is None or doubt < best.unclear:
                sheet = sheet or _draw(picture, parts)
                self._kept[person, fake] = _Kept(doubt, face, sheet)

    def save(self, folder: Path, people: Iterable[PersonTrack]) -> None:
        """Write the sheet of each person's best evidence.

        Raises:
            OutputError: It cannot be written.
        """
        for person in people:
            best = self._kept[person.id, person.score >= self._threshold]
            save_picture(folder, person.id, best.face, best.sheet, _ENDING)


def _draw(picture: NDArray[np.uint8], parts: FaceParts) -> bytes:
    side = parts.shadow.shape[0]
    drawn = {"face": picture, **draw_parts(parts)}
    return encode_png(contact_sheet([*drawn.values()], [*drawn], columns=len(drawn), side=side))
