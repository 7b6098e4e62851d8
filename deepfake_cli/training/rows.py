"""What is wrong with the rows of a table is found before anything is learned from them."""

from collections.abc import Iterable
from pathlib import Path

from deepfake_cli.errors import DataError

from .tables import FaceRow

_SHOWN = 3
_AGAIN = "make the table again with: dfdetect data table"


def check_rows(table: Path, rows: list[FaceRow]) -> None:
    """Check that the pictures of rows are there, and that their labels do not contradict each other.

    Raises:
        DataError: Pictures are missing, or a picture or a video is called both real and fake.
    """
    pictures = {path for row in rows for path in (row.path, row.pair) if path is not None}
    missing = sorted(path for path in pictures if not path.is_file())
    if missing:
        raise DataError(
            f"{table} names {len(missing)} of {len(pictures)} pictures that are not there: {_some(missing)}",
            _AGAIN,
        )
    reals, fakes = ([row for row in rows if row.fake is label] for label in (False, True))
    for what, both in (
        ("pictures", {row.path for row in reals} & {row.path for row in fakes}),
        ("videos", {row.video for row in reals} & {row.video for row in fakes}),
    ):
        if both:
            raise DataError(
                f"{table} calls {len(both)} {what} both real and fake: {_some(sorted(map(str, both)))}",
                _AGAIN,
            )


def _some(names: Iterable[object]) -> str:
    listed = [str(name) for name in names]
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
