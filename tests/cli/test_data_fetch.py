import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from file_server import Answer, FileServer, Request

Run = Callable[..., subprocess.CompletedProcess[str]]

NAMES = ["augment_deepfake/real/a.mp4", "augment_deepfake/fake/b.mp4"]
COMMIT = "c0ffee" + "0" * 34


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name in NAMES:
                info = tarfile.TarInfo(name)
                info.size = 400_000
                archive.addfile(info, io.BytesIO(random.Random(name).randbytes(info.size)))
        server.files["augment_deepfake.tar.gz"] = made.getvalue()
        yield server


@pytest.fixture
def start(tmp_path: Path, server: FileServer) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start `dfdetect data fetch dessa-youtube` from the local server and wait for nothing."""
    begun = []

    def run() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "deepfake_cli", "data", "fetch", "dessa-youtube", "-w", "ws"]
        environment = {**os.environ, "NO_COLOR": "1", "DFDETECT_FETCH__PAUSE": "0.01"}
        process = subprocess.Popen(
            [*command, "--mirror", server.url],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.communicate()


def wait_for(path: Path, size: int) -> None:
    deadline = monotonic() + 60
    while monotonic() < deadline:
        if path.exists() and path.stat().st_size >= size:
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not reach {size} bytes")


def test_the_list_is_a_table(dfdetect: Run) -> None:
    run = dfdetect("data", "list")
    assert (run.returncode, run.stderr) == (0, "")
    head, *rows = run.stdout.splitlines()
    assert head.split() == ["name", "what", "size", "licence", "access"]
    assert [row.split()[0] for row in rows][:5] == [
        "dfdc",
        "dfdc-preview",
        "dfdc-sample",
        "celeb-df-v2",
        "faceforensics",
    ]
    assert {row.split()[-1] for row in rows} == {"open", "gated", "tool", "search", "hub", "own"}
    assert max(map(len, rows)) <= 100


def test_programs_get_the_same(dfdetect: Run) -> None:
    listed = json.loads(dfdetect("data", "list", "--json").stdout)
    (muct,) = [entry for entry in listed if entry["name"] == "muct"]
    assert muct["choices"]["parts"]["values"] == ["a", "b", "c", "d", "e"]
    one = json.loads(dfdetect("data", "list", "stylegan2-ada", "--seeds", "5-9", "--json").stdout)
    assert "--seeds=5-9" in one["steps"][1]


def test_one_is_explained_with_its_steps(dfdetect: Run) -> None:
    run = dfdetect("data", "list", "celeb-df-v2")
    assert run.returncode == 0
    for part in ("gated", "590 or more", "1. Fill in the form", "--from DIR"):
        assert part in run.stdout


def test_a_gated_one_tells_its_steps_and_exits_2(dfdetect: Run, tmp_path: Path) -> None:
    run = dfdetect("data", "fetch", "celeb-df-v2", "-w", "ws")
    assert (run.returncode, run.stdout) == (2, "")
    assert "1. Fill in the form" in run.stderr
    assert run.stderr.splitlines()[-1] == "hint: dfdetect data fetch celeb-df-v2 --from DIR"
    assert not (tmp_path / "ws").exists()


def test_a_wrong_name_gets_a_guess(dfdetect: Run) -> None:
    for command in ("list", "fetch"):
        run = dfdetect("data", command, "celeb-df")
        assert run.returncode == 2
        assert "did you mean celeb-df-v2?" in run.stderr


def test_an_open_one_is_fetched(dfdetect: Run, server: FileServer, tmp_path: Path) -> None:
    run = dfdetect("data", "fetch", "dessa-youtube", "--as", "yt", "-w", "ws", "--mirror", server.url)
    root = tmp_path / "ws" / "yt" / "raw"
    assert (run.returncode, run.stdout) == (0, f"yt: 2 files of dessa-youtube in {root}\n")
    assert run.stderr == "next: dfdetect data index yt\n"
    again = dfdetect(
        "data", "fetch", "dessa-youtube", "--as", "yt", "-w", "ws", "--mirror", server.url, "-q", "--json"
    )
    assert again.stderr == ""
    assert json.loads(again.stdout) == {
        "name": "yt",
        "dataset": "dessa-youtube",
        "root": str(root),
        "options": {},
        "files": 2,
        "lacking": [],
    }
    assert len(server.requests) == 1


def test_a_killed_download_goes_on_where_it_was(
    start: Callable[[], subprocess.Popen[str]], server: FileServer, tmp_path: Path
) -> None:
    whole = server.files["augment_deepfake.tar.gz"]
    part = tmp_path / "ws" / "dessa-youtube" / "downloads" / "augment_deepfake.tar.gz.part"
    server.fail("stall", value=300_000, times=2)
    for size in (300_000, 600_000):  # each time the server falls silent after 300,000 bytes more
        process = start()
        wait_for(part, size)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        assert part.read_bytes() == whole[:size]
    process = start()
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [request.range for request in server.requests] == ["", "bytes=300000-", "bytes=600000-"]
    raw = tmp_path / "ws" / "dessa-youtube" / "raw"
    for name in NAMES:
        assert (raw / name).read_bytes() == random.Random(name).randbytes(400_000)
    assert not list((tmp_path / "ws").rglob("*.part*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_is_quick_and_loses_nothing(
    start: Callable[[], subprocess.Popen[str]],
    server: FileServer,
    tmp_path: Path,
    number: signal.Signals,
    code: int,
) -> None:
    part = tmp_path / "ws" / "dessa-youtube" / "downloads" / "augment_deepfake.tar.gz.part"
    server.fail("stall", value=300_000, times=1)
    process = start()
    wait_for(part, 300_000)
    begun = monotonic()
    process.send_signal(number)
    told, errors = process.communicate(timeout=60)
    assert (process.returncode, told) == (code, ""), errors
    assert monotonic() - begun < 2
    assert "Traceback" not in errors
    assert part.stat().st_size == 300_000
    again = start()
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert server.requests[-1].range == "bytes=300000-"


def test_two_at_once_do_not_get_in_each_others_way(
    start: Callable[[], subprocess.Popen[str]], server: FileServer, tmp_path: Path
) -> None:
    server.fail("stall", value=300_000, times=1)
    start()
    wait_for(tmp_path / "ws/dessa-youtube/downloads/augment_deepfake.tar.gz.part", 300_000)
    second = start()
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "another dfdetect is working on dessa-youtube" in errors


def test_without_a_network_it_is_told_in_a_line(dfdetect: Run) -> None:
    with FileServer() as gone:
        url = gone.url
    run = dfdetect(
        "data", "fetch", "utrecht", "-w", "ws", "--mirror", url, env={"DFDETECT_FETCH__PAUSE": "0.01"}
    )
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {url}/utrecht.zip: the connection failed")
    assert len(run.stderr.splitlines()) == 2


def serve_repository(server: FileServer, files: dict[str, bytes]) -> None:
    """Answer as the Hub does for the data set owner/faces: info, tree, and files."""
    about = {
        "id": "owner/faces",
        "sha": COMMIT,
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": [{"rfilename": name} for name in files],
    }
    tree = [
        {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        for name, data in files.items()
    ]

    def page(content: object) -> Callable[[Request], Answer]:
        return lambda request: (200, {"Content-Type": "application/json"}, json.dumps(content).encode())

    def content(data: bytes) -> Callable[[Request], Answer]:
        tags = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        return lambda request: (200, tags, data)

    server.routes |= {
        "/api/datasets/owner/faces": page(about),
        "/api/datasets/owner/faces/revision/main": page(about),
        f"/api/datasets/owner/faces/revision/{COMMIT}": page(about),
        f"/api/datasets/owner/faces/tree/{COMMIT}": page(tree),
    }
    for name, data in files.items():
        server.routes[f"/datasets/owner/faces/resolve/{COMMIT}/{name}"] = content(data)


@pytest.fixture
def hub(tmp_path: Path, dfdetect: Run, server: FileServer) -> Run:
    """Run `dfdetect data fetch hub` with an empty cache and the local server as the Hub."""
    here = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_TOKEN": ""}
    return lambda *args: dfdetect("data", "fetch", "hub", "-w", "ws", "--mirror", server.url, *args, env=here)


def test_a_data_set_on_the_hub_is_fetched_by_its_client(hub: Run, server: FileServer, tmp_path: Path) -> None:
    serve_repository(server, {"real/a.jpg": b"one", "fake/b.jpg": b"two"})
    run = hub("--hub", "owner/faces", "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["name"], told["dataset"]) == ("faces", "hub")
    assert told["options"] == {"hub": [f"owner/faces@{COMMIT}"]}
    assert (tmp_path / "ws" / "faces" / "raw" / "real" / "a.jpg").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("RepoNotFound", "there is no data set owner/faces"),
        ("GatedRepo", "is gated"),
        ("RevisionNotFound", "has no revision"),
    ],
)
def test_what_the_hub_refuses_is_told(hub: Run, server: FileServer, code: str, message: str) -> None:
    status = 403 if code == "GatedRepo" else 404
    refusal = (status, {"X-Error-Code": code}, b"{}")
    server.routes["/api/datasets/owner/faces"] = lambda request: refusal
    server.routes["/api/datasets/owner/faces/revision/v1"] = lambda request: refusal
    run = hub("--hub", "owner/faces@v1")
    assert run.returncode == 2
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 2


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_undisturbed(
    start: Callable[[], subprocess.Popen[str]], server: FileServer, tmp_path: Path
) -> None:
    """Some of the kills hit the start, some the download, which breaks off at times, some the unpacking."""
    server.fail("drop", value=100_000, times=1 << 30)
    moments = random.Random(7)
    for _ in range(10):
        process = start()
        time.sleep(moments.uniform(0.3, 1.2))
        process.kill()
        process.communicate()
    process = start()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    folder = tmp_path / "ws" / "dessa-youtube"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {".lock", "source.json", *(f"raw/{name}" for name in NAMES)}
    for name in NAMES:
        assert (folder / "raw" / name).read_bytes() == random.Random(name).randbytes(400_000)
