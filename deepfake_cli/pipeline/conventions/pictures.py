"""Collections of pictures: photographs of real people, and generated ones."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from .found import Convention, Found, Options, media

# Who is to be seen, by the name of the file.
_MUCT = re.compile(r"i(\d{3})[q-v][a-e]")  # i000qa-fn: person, light and camera, sex and glasses
_UTRECHT = re.compile(r"([a-z]+\d+)", re.IGNORECASE)  # letter and number of the person, then the expression
_ABERDEEN = re.compile(r"([a-z]+)", re.IGNORECASE)  # first name, then the number of the picture
_SEED = re.compile(r"seed(\d+)")


def photographs(person: re.Pattern[str] | None = None) -> Convention:
    """Make the convention of a collection of real faces.

    Args:
        person: Its first group names who is to be seen, at the beginning of a file's name.
    """

    def read(root: Path, options: Options) -> Iterator[Found]:
        for path in media(root):
            told = person.match(posixpath.basename(path)) if person else None
            yield Found(path, "real", identity=told[1].lower() if told else "")

    return read


def generated(method: str) -> Convention:
    """Make the convention of pictures that a network invented."""

    def read(root: Path, options: Options) -> Iterator[Found]:
        for path in media(root):
            yield Found(path, "fake", method=method)

    return read


muct = photographs(_MUCT)
utrecht = photographs(_UTRECHT)
aberdeen = photographs(_ABERDEEN)
