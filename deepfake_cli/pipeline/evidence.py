"""Which faces speak most clearly for what is said of a person, and sheets of what these are made of."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.face_parts import FaceParts, draw_parts
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.core.tracks import Observation
from deepfake_cli.core.verdict import unclear
from deepfake_cli.errors import OutputError
from deepfake_cli.io.files import make_folder, reason
from deepfake_cli.io.png import encode_png

from .result import PersonTrack
from .saving import save_picture

_ENDING = "_modalities"


class _Kept(NamedTuple):
    """The clearest face so far: how unclear it is, where it was seen, and where its sheet is, a PNG."""

    unclear: float
    face: Observation
    begin: int
    size: int
    room: int  # bytes up to the next sheet


class Evidence:
    """Sheets of what faces are made of; only the clearest faces of each person are kept.

    Whether a person is called fake is known in the end only, so both the face that speaks most clearly for
    fake and the one for real are kept until then. A long video has many people, so their sheets wait on disk,
    in a file without a name, which the system removes whatever ends this process.

    Args:
        threshold: Scores from here on mean FAKE.
        folder: Where the sheets are saved in the end; made when there is one.
    """

    def __init__(self, threshold: float, folder: Path) -> None:
        self._threshold, self._folder = threshold, folder
        self._kept: dict[tuple[int, bool], _Kept] = {}
        self._file: IO[bytes] | None = None

    def see(self, person: int, face: Observation, picture: NDArray[np.uint8], parts: FaceParts) -> None:
        """Look at the next face of a person, in order of time.

        Args:
            person: Number of the person's track.
            face: Where it was seen, with its score.
            picture: (S, S, 3) RGB.
            parts: What it is made of.

        Raises:
            OutputError: Its sheet cannot be kept.
        """
        assert face.score is not None  # parts come with the score
        sheet = b""
        for fake in (False, True):
            doubt = unclear(face.score, round(face.quality, 4), self._threshold, fake=fake)
            best = self._kept.get((person, fake))
            if best is None or doubt < best.unclear:
                sheet = sheet or _draw(picture, parts)
                begin, room = self._keep(sheet, best)
                self._kept[person, fake] = _Kept(doubt, face, begin, len(sheet), room)

    def save(self, people: Iterable[PersonTrack]) -> None:
        """Write the sheet of each person's best evidence.

        Raises:
            OutputError: It cannot be written.
        """
        for person in people:
            best = self._kept[person.id, person.score >= self._threshold]
            save_picture(self._folder, person.id, best.face, self._recall(best), _ENDING)

    def close(self) -> None:
        """Let go of what is kept."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written was told
                self._file.close()

    def _keep(self, sheet: bytes, best: _Kept | None) -> tuple[int, int]:
        """Write a sheet over the one that it is better than, if it fits there; tell begin and room."""
        with self._in_our_words():
            if self._file is None:
                make_folder(self._folder.parent, "choose another")
                self._file = TemporaryFile(dir=self._folder.parent)  # noqa: SIM115  # open until `close`
            if best is not None and len(sheet) <= best.room:
                begin, room = self._file.seek(best.begin), best.room
            else:
                begin, room = self._file.seek(0, os.SEEK_END), len(sheet)
            self._file.write(sheet)
            self._file.flush()
        return begin, room

    def _recall(self, kept: _Kept) -> bytes:
        assert self._file is not None  # it was opened to keep this
        with self._in_our_words():
            self._file.seek(kept.begin)
            return self._file.read(kept.size)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"cannot write in {self._folder.parent}: {reason(error)}",
                "see that there is space and permission",
            ) from error


def _draw(picture: NDArray[np.uint8], parts: FaceParts) -> bytes:
    side = parts.shadow.shape[0]
    drawn = {"face": picture, **draw_parts(parts)}
    return encode_png(contact_sheet([*drawn.values()], [*drawn], columns=len(drawn), side=side))
