"""Read what a server says before it sends a file: whether to go on, begin anew, wait, or give up.

The rules are those of RFC 9110, sections 13.1.5 (If-Range), 14 (ranges) and 10.2.3 (Retry-After).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from deepfake_cli.errors import DataError, FetchError

if TYPE_CHECKING:
    import httpx2

_UNWELL = (408, 425, 429, 500, 502, 503, 504)
_ADOPT = "; a copy that you have can be adopted with --from DIR"


class TryAgain(Exception):
    """This try has failed, the next may not.

    Attributes:
        wait: Seconds that the server asks to be left alone, 0 where it does not ask.
    """

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


class FileChanged(TryAgain):
    """What is here is a part of another file than the server has now."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How far a download is.

    Attributes:
        have: Bytes that are here.
        size: Bytes of the whole file, 0 if the server did not say.
        validator: What tells this file from a later one in its place: its ETag, else its date of change.
        hashed: Whether a published hash will tell in the end.
    """

    have: int
    size: int
    validator: str
    hashed: bool = False

    def can_go_on(self) -> bool:
        """Whether the rest can be asked for without the risk of joining two different files."""
        return bool(self.validator or self.hashed) and not (self.size and self.have > self.size)

    def headers(self) -> dict[str, str]:
        """Ask for the rest, provided that the file is still the same."""
        # A weak ETag must not stand in If-Range; the answer's own is compared instead.
        strong = self.validator and not self.validator.startswith("W/")
        return {"Range": f"bytes={self.have}-"} | ({"If-Range": self.validator} if strong else {})


def begin(answer: "httpx2.Response", stand: Stand | None, expected: int, longest: float) -> Stand:
    """Judge an answer before its body is read.

    Args:
        answer: What the server says.
        stand: How far the download was when it was asked; None asked for the whole.
        expected: Bytes the file should have, 0 if unknown.
        longest: Seconds that are waited at most.

    Returns:
        How far it is: ``have`` is where the body begins.

    Raises:
        TryAgain: It is worth another try.
        FileChanged: So it is, from the beginning.
        FetchError: It is not.
        DataError: The file is not the expected one.
    """
    status = answer.status_code
    if status == 206 and stand:
        return _continued(answer, stand)
    if status == 416 and stand:
        raise FileChanged("the server has a shorter file now")
    if status in _UNWELL:
        raise _wait(answer, longest)
    if status != 200:
        raise _refusal(answer)
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise FetchError(
            f"{answer.url} answers with a web page instead of the file",
            f"open it in a browser: the network may want you to log in, or the file has moved{_ADOPT}",
        )
    size = _length(answer)
    if expected and size and size != expected:
        raise DataError(
            f"{answer.url} has {size} bytes, and not the {expected} that were published",
            f"the file has been replaced, or this is the wrong mirror{_ADOPT}",
        )
    return Stand(0, size, _validator(answer))


def _continued(answer: "httpx2.Response", stand: Stand) -> Stand:
    place = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if place is None or int(place[1]) != stand.have:
        raise FileChanged("the server sends another part of the file than it was asked for")
    size = 0 if place[2] == "*" else int(place[2])
    validator = _validator(answer)
    if (size and stand.size and size != stand.size) or (
        validator and stand.validator and validator != stand.validator
    ):
        raise FileChanged("the file on the server has changed")
    return Stand(stand.have, stand.size or size, stand.validator)


def _validator(answer: "httpx2.Response") -> str:
    return str(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")


def _length(answer: "httpx2.Response") -> int:
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else 0


def _wait(answer: "httpx2.Response", longest: float) -> TryAgain | FetchError:
    seconds = retry_after(answer)
    said = f"the server answers {answer.status_code} {answer.reason_phrase}".rstrip()
    if seconds > longest:
        return FetchError(
            f"{answer.url}: {said} and asks to wait {seconds:.0f} s",
            "run the same command again then; what has arrived is kept",
        )
    return TryAgain(said, seconds)


def retry_after(answer: "httpx2.Response") -> float:
    """Read for how many seconds a server wants to be left alone; 0 where it does not say."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0)
    except (TypeError, ValueError):
        return 0


def _refusal(answer: "httpx2.Response") -> FetchError:
    said = f"{answer.url}: the server answers {answer.status_code} {answer.reason_phrase}".rstrip()
    if answer.status_code in (404, 410):
        return FetchError(said, f"the file has moved; name a mirror with --mirror URL{_ADOPT}")
    if answer.status_code in (401, 403, 407):
        return FetchError(said, f"it wants you to log in, or refuses this network{_ADOPT}")
    return FetchError(said, f"try again later, or name a mirror with --mirror URL{_ADOPT}")
