"""Find photographs on Unsplash by a word, list them for people to prune, and fetch what they left.

The interface is described at https://unsplash.com/documentation. As its guidelines demand, pictures are
fetched from the addresses it returns, and each is reported to its photographer first (``download_location``).
"""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_cli.errors import DataError, FetchError, UsageError
from deepfake_cli.progress import Track, untracked

from .answers import retry_after
from .download import Manner, Remote, download, http_client
from .files import reason, write_atomically
from .hub_errors import first_line

if TYPE_CHECKING:
    import httpx2

API = "https://api.unsplash.com"
KEY = "UNSPLASH_ACCESS_KEY"
_PAGE = 30  # pictures a page; the most that Unsplash sends
_LIMIT_HINT = "keys for trying out allow 50 requests an hour: run the same command again in an hour"


class LimitReached(FetchError):
    """Unsplash wants to be left alone for an hour."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A line of the list.

    Attributes:
        word: That found it.
        id: Unsplash's name of it.
        url: Address of the picture.
        width: Of the original in pixels.
        height: Likewise.
        author: Who took it.
        page: Address for people.
        shows: What it shows, as somebody described it.
        report: Address that is asked once before it is fetched.
    """

    word: str
    id: str
    url: str
    width: str
    height: str
    author: str
    page: str
    shows: str
    report: str


COLUMNS = tuple(field.name for field in fields(Photo))


def search(
    word: str, count: int, size: str, timeout: float, api: str, track: Track = untracked
) -> list[Photo]:
    """Ask Unsplash for photographs.

    Args:
        word: What they should show.
        count: How many at most.
        size: Which of Unsplash's sizes: ``full``, ``regular`` or ``small``.
        timeout: Seconds that it may be silent.
        api: Its address.
        track: Shows the progress over the pages.

    Raises:
        UsageError: There is no access key in the environment.
        FetchError: Unsplash refuses or cannot be reached.
    """
    photos: dict[str, Photo] = {}
    with _session(timeout) as client:
        for page in track(range(1, (count + _PAGE - 1) // _PAGE + 1), f"searching for {word}"):
            query = {"query": word, "page": str(page), "per_page": str(_PAGE)}
            answer = _ask(client, f"{api}/search/photos", query)
            try:
                for found in answer["results"]:
                    photo = _photo(word, found, size)
                    photos.setdefault(photo.id, photo)
                if page >= int(answer["total_pages"]):
                    break
            except (KeyError, TypeError, ValueError) as error:
                raise FetchError(f"{api} does not answer as Unsplash does", "check the mirror") from error
    return list(photos.values())[:count]


def read_list(path: Path) -> list[Photo]:
    """Read a list of photographs, as pruned by hand; none if there is none yet.

    Raises:
        DataError: It is damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # some spreadsheets leave a mark
            reader = csv.DictReader(file)
            if missing := set(COLUMNS) - set(reader.fieldnames or ()):
                raise ValueError(f"no column {missing}")
            photos = [Photo(**{name: row[name] or "" for name in COLUMNS}) for row in reader]
        if all(re.fullmatch(r"[\w-]+", photo.id) and photo.word.strip(" ./") for photo in photos):
            return photos
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, csv.Error) as error:
        why = reason(error) if isinstance(error, OSError) else f"it needs the columns {', '.join(COLUMNS)}"
        raise DataError(f"cannot read {path}: {why}", "search again, after removing it") from error
    raise DataError(f"{path} holds a line without word or id", "delete that line")


def write_list(path: Path, photos: Sequence[Photo]) -> None:
    """Write a list of photographs.

    Raises:
        OutputError: It cannot be written.
    """
    with write_atomically(path) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, photos))


def fetch_photos(
    photos: Sequence[Photo], folder: Path, manner: Manner, api: str, track: Track = untracked
) -> None:
    """Fetch the listed photographs that are not here yet, as ``WORD/ID.jpg``.

    Raises:
        UsageError: There is no access key in the environment.
        FetchError: Unsplash refuses; what has arrived stays.
        OutputError: They cannot be written.
    """
    missing = [(photo, place(photo, folder)) for photo in photos if not place(photo, folder).exists()]
    reported, refusal = [], None
    with _session(manner.timeout) as client:
        for photo, path in track(missing, "reporting to photographers"):
            try:
                if photo.report.startswith(f"{api}/"):  # the key goes nowhere else, whatever the list says
                    _ask(client, photo.report, {})
            except LimitReached as limit:
                refusal = limit
                break
            reported.append(Remote(photo.url, path))
    download(reported, manner, name="photographs", track=track)
    if refusal is not None:
        here = len(photos) - len(missing) + len(reported)
        raise FetchError(f"{here} of {len(photos)} photographs are here; {refusal.message}", refusal.hint)


def place(photo: Photo, folder: Path) -> Path:
    """Say where a photograph lies."""
    return folder / re.sub(r"[^\w-]+", "-", photo.word) / f"{photo.id}.jpg"


def _session(timeout: float) -> "httpx2.Client":
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise UsageError(
            f"Unsplash wants an access key, and {KEY} is not set",
            f"register at https://unsplash.com/developers, then: export {KEY}=…",
        )
    client = http_client(timeout)
    client.headers["Authorization"] = f"Client-ID {key}"
    client.headers["Accept-Version"] = "v1"
    return client


def _ask(client: "httpx2.Client", url: str, query: dict[str, str]) -> Any:
    import httpx2

    try:
        answer = client.get(url, params=query) if query else client.get(url)
        status = answer.status_code
        spent = answer.headers.get("X-Ratelimit-Remaining") == "0" or "Rate Limit" in answer.text[:200]
        if status == 429 or (status == 403 and spent):
            wait = retry_after(answer)
            hint = f"it asks to wait {wait:.0f} s" if wait else _LIMIT_HINT
            raise LimitReached("Unsplash allows no more requests for now", hint)
        if status in (401, 403):
            raise FetchError("Unsplash does not accept the access key", f"check {KEY}")
        if status != 200:
            raise FetchError(f"Unsplash answers {status} {answer.reason_phrase}".rstrip(), "try again later")
        return answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise FetchError(f"Unsplash cannot be reached: {first_line(error)}", "check the network") from error
    except ValueError as error:  # no JSON
        raise FetchError(
            f"{url} does not answer as Unsplash does", "check the network and the mirror"
        ) from error


def _photo(word: str, found: dict[str, Any], size: str) -> Photo:
    shows = str(found.get("alt_description") or found.get("description") or "")
    return Photo(
        word,
        str(found["id"]),
        str(found["urls"][size]),
        str(found.get("width", "")),
        str(found.get("height", "")),
        str(found["user"]["name"]),
        str(found["links"]["html"]),
        " ".join(shows.split()),
        str(found["links"].get("download_location", "")),
    )


def words_of(photos: Sequence[Photo]) -> Iterator[str]:
    """Yield the words of a list, each once, in order."""
    yield from dict.fromkeys(photo.word for photo in photos)
