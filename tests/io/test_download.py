import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest
from file_server import FileServer

from deepfake_cli.errors import DataError, FetchError, OutputError
from deepfake_cli.io.download import Manner, Remote, download

CONTENT = random.Random(0).randbytes(300_000)
MANNER = Manner(connections=3, timeout=5, retries=3, pause=0.01, wait=0.1, reserve=0)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        server.files["data.zip"] = CONTENT
        yield server


def fetch(server: FileServer, folder: Path, manner: Manner = MANNER, **known: object) -> Path:
    path = folder / "data.zip"
    download([Remote(f"{server.url}/data.zip", path, **known)], manner, name="data")  # type: ignore[arg-type]
    return path


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if ".part" in path.name)


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(server: FileServer, tmp_path: Path) -> None:
    path = fetch(server, tmp_path / "new", size=len(CONTENT), sha256=sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT
    assert leftovers(tmp_path) == []


def test_what_is_here_is_not_asked_for(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert len(server.requests) == 1


def test_several_files_arrive_side_by_side(server: FileServer, tmp_path: Path) -> None:
    """Three connections: the first file's server falls silent, and the others arrive all the same."""
    server.fail("stall", "0", value=10)
    server.files |= {str(i): bytes([i]) * 1000 for i in range(6)}
    files = [Remote(f"{server.url}/{i}", tmp_path / str(i)) for i in range(6)]
    with pytest.raises(FetchError, match="silent"):
        download(files, replace(MANNER, timeout=0.2, retries=0), name="files")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.part", "0.part.json", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("tags", ["etag", "weak", "date"])
def test_a_broken_download_goes_on_where_it_was(server: FileServer, tmp_path: Path, tags: str) -> None:
    server.tags = tags
    server.fail("drop", value=100_000, times=2)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert [request.range for request in server.requests] == ["", "bytes=100000-", "bytes=200000-"]
    assert all(bool(request.if_range) == (tags != "weak") for request in server.requests[1:])


def test_it_goes_on_in_a_later_run_too(server: FileServer, tmp_path: Path) -> None:
    server.fail("drop", value=150_000, times=1)
    with pytest.raises(FetchError) as caught:
        fetch(server, tmp_path, replace(MANNER, retries=0))
    assert "run the same command again" in caught.value.hint
    assert (tmp_path / "data.zip.part").stat().st_size == 150_000
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests[-1].range == "bytes=150000-"


def test_progress_counts_as_a_new_chance(server: FileServer, tmp_path: Path) -> None:
    server.fail("drop", value=10_000, times=25)
    assert fetch(server, tmp_path, replace(MANNER, retries=1, pause=0)).read_bytes() == CONTENT


@pytest.mark.parametrize("tags", ["etag", "weak", "date"])
def test_a_file_that_changed_is_fetched_anew(server: FileServer, tmp_path: Path, tags: str) -> None:
    server.tags = tags
    server.fail("drop", value=100_000, times=1)
    with pytest.raises(FetchError):
        fetch(server, tmp_path, replace(MANNER, retries=0))
    server.files["data.zip"] = other = CONTENT[::-1]
    assert fetch(server, tmp_path).read_bytes() == other


def test_a_file_that_shrank_is_fetched_anew(server: FileServer, tmp_path: Path) -> None:
    server.tags = "weak"  # with which a range is asked for without a condition
    server.fail("drop", value=100_000, times=1)
    with pytest.raises(FetchError):
        fetch(server, tmp_path, replace(MANNER, retries=0))
    server.files["data.zip"] = other = CONTENT[:50_000]
    assert fetch(server, tmp_path).read_bytes() == other


def test_without_ranges_it_begins_anew(server: FileServer, tmp_path: Path) -> None:
    server.ranges = False
    server.fail("drop", value=100_000, times=1)
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_nothing_is_joined_that_nobody_can_tell_apart(server: FileServer, tmp_path: Path) -> None:
    server.tags = ""
    server.fail("drop", value=100_000, times=1)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert [request.range for request in server.requests] == ["", ""]


def test_a_published_hash_tells_in_the_end(server: FileServer, tmp_path: Path) -> None:
    server.tags = ""
    server.fail("drop", value=100_000, times=1)
    digest = sha256(CONTENT).hexdigest()
    assert fetch(server, tmp_path, sha256=digest).read_bytes() == CONTENT
    assert server.requests[-1].range == "bytes=100000-"


def test_a_part_of_another_address_is_not_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(b"x" * 1000)
    record = {"url": f"{server.url}/other.zip", "size": 300_000, "validator": ""}
    (tmp_path / "data.zip.part.json").write_text(json.dumps(record))
    assert fetch(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("record", ["", "{", "[]", '{"url": 1}', "null"])
def test_a_damaged_record_costs_the_part(server: FileServer, tmp_path: Path, record: str) -> None:
    (tmp_path / "data.zip.part").write_bytes(b"x" * 1000)
    (tmp_path / "data.zip.part.json").write_text(record)
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_file_with_another_hash_is_tried_twice(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another sha256 than was published, twice"):
        fetch(server, tmp_path, sha256="0" * 64)
    assert len(server.requests) == 2
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_refused_before_it_is_fetched(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="300000 bytes, and not the 300001 that were published"):
        fetch(server, tmp_path, size=300_001)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_announces_too_much_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.fail("long", value=5)
    with pytest.raises(FetchError, match="shorter file|connection failed"):
        fetch(server, tmp_path)
    assert not (tmp_path / "data.zip").exists()


def test_a_server_that_announces_too_little_is_found_out(server: FileServer, tmp_path: Path) -> None:
    server.fail("short", value=5)
    with pytest.raises(DataError, match="299995 bytes, and not the 300000"):
        fetch(server, tmp_path, size=len(CONTENT))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_unwell_server_gets_another_chance(server: FileServer, tmp_path: Path, status: int) -> None:
    server.fail("status", value=status, times=2)
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_server_may_ask_to_be_left_alone(server: FileServer, tmp_path: Path) -> None:
    server.fail("status", value=429, wait="1", times=1)
    begun = monotonic()
    assert fetch(server, tmp_path, replace(MANNER, wait=2)).read_bytes() == CONTENT
    assert monotonic() - begun >= 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_but_not_for_too_long(server: FileServer, tmp_path: Path, form: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.fail("status", value=503, wait="3600" if form == "seconds" else later)
    with pytest.raises(FetchError, match=r"503.*asks to wait 3(600|59\d) s") as caught:
        fetch(server, tmp_path)
    assert "run the same command again then" in caught.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "hint"), [(404, "--mirror"), (403, "log in"), (401, "log in"), (418, "--mirror")]
)
def test_a_refusal_is_final(server: FileServer, tmp_path: Path, status: int, hint: str) -> None:
    server.fail("status", value=status)
    with pytest.raises(FetchError, match=str(status)) as caught:
        fetch(server, tmp_path)
    assert hint in caught.value.hint
    assert len(server.requests) == 1


def test_a_web_page_is_no_data(server: FileServer, tmp_path: Path) -> None:
    server.fail("portal")
    with pytest.raises(FetchError, match="web page instead of the file"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_told_of_soon(tmp_path: Path) -> None:
    with FileServer() as gone:
        url = gone.url
    with pytest.raises(FetchError, match="connection failed"):
        download([Remote(f"{url}/a", tmp_path / "a")], replace(MANNER, retries=100), name="a")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/a", "http://", "nonsense"])
def test_an_address_that_makes_no_sense_is_not_tried_twice(tmp_path: Path, url: str) -> None:
    with pytest.raises(FetchError, match="a|nonsense|http") as caught:
        download([Remote(url, tmp_path / "a")], replace(MANNER, pause=60, wait=60), name="a")
    assert caught.value.hint == "check the address"


def test_room_on_the_disk_is_checked_before(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="needs 300000 bytes more.*are free"):
        fetch(server, tmp_path, replace(MANNER, reserve=1 << 60))


def test_a_full_disk_keeps_what_has_arrived(server: FileServer, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: the system refuses the bytes beyond it."""
    script = f"""
import resource, sys
from pathlib import Path
from deepfake_cli.errors import OutputError
from deepfake_cli.io.download import Manner, Remote, download
resource.setrlimit(resource.RLIMIT_FSIZE, (123456, resource.RLIM_INFINITY))
try:
    download([Remote({server.url + "/data.zip"!r}, Path("data.zip"))], Manner(1, 5, 0, 0, 0, 0), name="d")
except OutputError as error:
    print(error.message, error.hint)
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert "cannot write data.zip.part" in run.stdout, run.stderr
    assert "run the same command again" in run.stdout
    assert (tmp_path / "data.zip.part").stat().st_size == 123456
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests[-1].range == "bytes=123456-"


def test_interrupting_does_not_wait_for_a_silent_server(server: FileServer, tmp_path: Path) -> None:
    server.fail("stall", value=2_000_000)
    server.files["data.zip"] = bytes(3_000_000)

    class Enough(Exception):
        pass

    def track(items, description, total=None):  # type: ignore[no-untyped-def]
        for item in items:
            yield item
            raise Enough

    begun = monotonic()
    with pytest.raises(Enough):
        download(
            [Remote(f"{server.url}/data.zip", tmp_path / "data.zip")],
            replace(MANNER, timeout=600),
            name="data",
            track=track,
        )
    assert monotonic() - begun < 2
    assert (tmp_path / "data.zip.part").stat().st_size >= 1_000_000


def test_no_threads_are_left(server: FileServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    assert [thread for thread in threading.enumerate() if "(work)" in thread.name] == []
