import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import Answer, FileServer, Request

from deepfake_cli.errors import DataError, FetchError, UsageError
from deepfake_cli.io import unsplash
from deepfake_cli.io.download import Manner

MANNER = Manner(connections=3, timeout=5, retries=1, pause=0, wait=0.1, reserve=0)


class Unsplash(FileServer):
    """The part of Unsplash's interface that is used: 70 photographs, 30 a page, and a limit of requests."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 1000
        self.routes["/search/photos"] = self.search
        for i in range(70):
            self.files[f"photo/{i}.jpg"] = b"jpeg %d" % i
            self.routes[f"/photos/id-{i}/download"] = self.report

    def search(self, request: Request) -> Answer:
        if refusal := self.refusal(request):
            return refusal
        page, size = int(request.query["page"]), int(request.query["per_page"])
        found = [self.photo(i) for i in range((page - 1) * size, min(page * size, 70))]
        return 200, {}, json.dumps({"total": 70, "total_pages": 3, "results": found}).encode()

    def report(self, request: Request) -> Answer:
        return self.refusal(request) or (200, {}, b'{"url": ""}')

    def refusal(self, request: Request) -> Answer | None:
        self.limit -= 1
        if request.authorization != "Client-ID secret":
            return 401, {}, b'{"errors": ["OAuth error"]}'
        return (403, {"X-Ratelimit-Remaining": "0"}, b"Rate Limit Exceeded") if self.limit < 0 else None

    def photo(self, i: int) -> dict[str, object]:
        return {
            "id": f"id-{i}",
            "width": 4000,
            "height": 3000,
            "alt_description": "a face,\nsmiling",
            "urls": {"regular": f"{self.url}/photo/{i}.jpg"},
            "user": {"name": "Ada, of Kent"},
            "links": {
                "html": f"https://unsplash.com/{i}",
                "download_location": f"{self.url}/photos/id-{i}/download",
            },
        }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Unsplash]:
    monkeypatch.setenv(unsplash.KEY, "secret")
    with Unsplash() as server:
        yield server


def search(server: Unsplash, count: int = 300) -> list[unsplash.Photo]:
    return unsplash.search("face", count, "regular", 5, server.url)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (30, 1), (31, 2), (300, 3)])
def test_a_search_asks_for_as_many_pages_as_it_needs(server: Unsplash, count: int, pages: int) -> None:
    photos = search(server, count)
    assert [photo.id for photo in photos] == [f"id-{i}" for i in range(min(count, 70))]
    assert len(server.requests) == pages


def test_a_list_survives_being_written_pruned_and_read(server: Unsplash, tmp_path: Path) -> None:
    path, photos = tmp_path / "list.csv", search(server)
    unsplash.write_list(path, photos)
    assert unsplash.read_list(path) == photos
    lines = path.read_text().splitlines()
    assert len(lines) == 71  # one line a picture, though what it shows was on two
    path.write_text("\ufeff" + "\r\n".join([lines[0], *lines[5:8]]))
    assert [photo.id for photo in unsplash.read_list(path)] == ["id-4", "id-5", "id-6"]


@pytest.mark.parametrize("text", ["", "id,url\n1,2\n", "\0"])
def test_a_damaged_list_is_told_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text(text + "x,y\n")
    with pytest.raises(DataError):
        unsplash.read_list(tmp_path / "list.csv")


@pytest.mark.parametrize(("word", "name"), [("face", "../../evil"), ("..", "id"), ("", "id"), ("face", "")])
def test_a_list_leads_nowhere_else(tmp_path: Path, word: str, name: str) -> None:
    path = tmp_path / "list.csv"
    unsplash.write_list(path, [unsplash.Photo(word, name, "http://x", "", "", "", "", "", "")])
    with pytest.raises(DataError, match="without word or id"):
        unsplash.read_list(path)


def test_pictures_are_reported_and_fetched_once(server: Unsplash, tmp_path: Path) -> None:
    photos = search(server, 5)
    unsplash.fetch_photos(photos, tmp_path, MANNER, server.url)
    assert (tmp_path / "face" / "id-3.jpg").read_bytes() == b"jpeg 3"
    assert len(server.asked("/download")) == len(server.asked(".jpg")) == 5
    unsplash.fetch_photos(photos, tmp_path, MANNER, server.url)
    assert len(server.asked("/download")) == 5


def test_the_key_goes_to_unsplash_alone(server: Unsplash, tmp_path: Path) -> None:
    with FileServer() as stranger:
        stranger.files["pick"] = b"{}"
        photo = replace(search(server, 1)[0], report=f"{stranger.url}/pick")
        unsplash.fetch_photos([photo], tmp_path, MANNER, server.url)
        assert stranger.requests == []
    assert all(not request.authorization for request in server.asked(".jpg"))


def test_the_limit_of_an_hour_keeps_what_has_arrived(server: Unsplash, tmp_path: Path) -> None:
    photos = search(server, 8)
    server.limit = 3
    with pytest.raises(FetchError, match="3 of 8 photographs are here") as caught:
        unsplash.fetch_photos(photos, tmp_path, MANNER, server.url)
    assert "50 requests an hour" in caught.value.hint
    assert len(list(tmp_path.rglob("*.jpg"))) == 3
    server.limit = 1000
    unsplash.fetch_photos(photos, tmp_path, MANNER, server.url)
    assert len(list(tmp_path.rglob("*.jpg"))) == 8
    assert len(server.asked(".jpg")) == 8


def test_without_a_key_it_says_where_to_get_one(server: Unsplash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(unsplash.KEY)
    with pytest.raises(UsageError, match=unsplash.KEY) as caught:
        search(server)
    assert "unsplash.com/developers" in caught.value.hint


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "status", "value": 500}, "answers 500"),
        ({"kind": "status", "value": 429}, "allows no more requests"),
        ({"kind": "portal"}, "does not answer as Unsplash does"),
        ({"kind": "drop", "value": 0}, "does not answer as|cannot be reached"),
    ],
)
def test_what_unsplash_may_answer_instead(server: Unsplash, fault: dict[str, object], message: str) -> None:
    server.fail(**fault)  # type: ignore[arg-type]
    if fault["kind"] == "drop":
        server.routes["/search/photos"] = lambda request: (200, {"Content-Length": "9"}, b"{")
    with pytest.raises(FetchError, match=message):
        search(server)


def test_a_wrong_key_is_told_of(server: Unsplash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(unsplash.KEY, "wrong")
    with pytest.raises(FetchError, match="does not accept the access key"):
        search(server)


def test_the_columns_are_those_that_the_docs_name() -> None:
    text = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
    assert f"`{','.join(unsplash.COLUMNS)}`" in text
