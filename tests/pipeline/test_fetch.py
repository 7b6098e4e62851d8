import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from file_server import FileServer

from deepfake_cli.errors import DataError, FetchError, OutputError, UsageError
from deepfake_cli.io.datasets import Dataset, datasets, find_dataset, spelled_out
from deepfake_cli.io.index import read_source
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.conventions import convention_of
from deepfake_cli.pipeline.fetch import Fetched, Wish, fetch_dataset, search_pictures, steps_to_get
from deepfake_cli.profile import load_profile

Fetch = Callable[..., Fetched]


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    """Fetch into a workspace of its own; settings of `[fetch]` by name."""

    def run(name: str, settings: dict[str, object] | None = None, **wish: object) -> Fetched:
        options: dict[str, object] = {
            "workspace.path": tmp_path / "ws",
            "fetch.pause": 0.01,
            "fetch.retries": 2,
            "fetch.reserve": 0,
        }
        options |= {f"fetch.{key}": value for key, value in (settings or {}).items()}
        return fetch_dataset(Wish(name, **wish), load_profile(options=options))  # type: ignore[arg-type]

    return run


def tar_of(names: list[str], content: bytes = b"picture") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def zip_of(names: list[str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, b"picture")
    return made.getvalue()


def touch(root: Path, *names: str, content: bytes = b"x") -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def celeb(root: Path, real: int = 590, youtube: int = 300, fake: int = 5639) -> Path:
    touch(root, *(f"Celeb-real/id0_{i:04}.mp4" for i in range(real)))
    touch(root, *(f"YouTube-real/{i:05}.mp4" for i in range(youtube)))
    touch(root, *(f"Celeb-synthesis/id0_id1_{i:04}.mp4" for i in range(fake)))
    listed = "1 YouTube-real/00002.mp4\n0 Celeb-synthesis/id0_id1_0003.mp4\n"
    return touch(root, "List_of_testing_videos.txt", content=listed.encode())


@pytest.mark.parametrize("dataset", datasets(), ids=lambda dataset: dataset.name)
def test_every_entry_of_the_registry_makes_sense(dataset: Dataset) -> None:
    assert convention_of(dataset.name), "the index must know it"
    chosen = dataset.choose({})
    assert dataset.page.startswith("http") or dataset.access == "own"
    assert dataset.tree or dataset.access == "own"
    assert bool(dataset.download) == (dataset.access == "open")
    assert dataset.steps or dataset.access == "open"
    for part in (*dataset.tree, *dataset.download, *dataset.script):
        assert set(part.when) <= set(dataset.choices)
        for name, values in part.when.items():
            assert set(values) <= set(dataset.choices[name].values)
    for file in dataset.download:
        for name, url in spelled_out((file.name, file.url), file.when, chosen):
            assert "{" not in name + url
            assert url.startswith("http")
            assert name.endswith((".zip", ".tar.gz"))
    text = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    assert f"| `{dataset.name}` |" in text, "docs/datasets.md lacks it"


def test_an_open_data_set_is_downloaded_unpacked_and_noted(
    server: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    names = ["augment_deepfake/real/a.mp4", "augment_deepfake/fake/b.mp4", "augment_deepfake/val/fake/c.mp4"]
    server.files["augment_deepfake.tar.gz"] = tar_of(names)
    found = fetch("dessa-youtube", mirror=server.url)
    folder = DatasetFolder(tmp_path / "ws" / "dessa-youtube")
    assert found.source == read_source(folder)
    assert found.source.root == folder.raw
    assert sorted(str(path.relative_to(folder.raw)) for path in folder.raw.rglob("*.mp4")) == sorted(names)
    assert list((folder.path / "downloads").iterdir()) == []

    before = len(server.requests)
    assert fetch("dessa-youtube", mirror=server.url) == found
    assert len(server.requests) == before  # what is here is not asked for again


def test_parts_are_fetched_side_by_side_and_the_rest_later(server: FileServer, fetch: Fetch) -> None:
    for part in "abcde":
        names = [f"jpg/i{i:03}q{part}-fn.jpg" for i in range(751)]
        server.files[f"muct-{part}-jpg-v1.tar.gz"] = tar_of(names)
    some = fetch("muct", mirror=server.url, choices={"parts": ["a", "c"]})
    assert (some.files, some.source.options) == (2 * 751, {"parts": ["a", "c"]})
    assert fetch("muct", mirror=f"{server.url}/").files == 3755
    assert len(server.requests) == 5


def test_a_damaged_archive_is_removed_and_fetched_anew(
    server: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    good = zip_of([f"{i}.jpg" for i in range(131)])
    server.files["utrecht.zip"] = good[:-50]
    with pytest.raises(DataError, match=r"utrecht.zip is damaged") as caught:
        fetch("utrecht", mirror=server.url)
    assert "run the same command again" in caught.value.hint
    server.files["utrecht.zip"] = good
    assert fetch("utrecht", mirror=server.url).files == 131
    assert not list((tmp_path / "ws").rglob("*.part*"))


def test_what_lies_about_its_length_is_not_unpacked(server: FileServer, fetch: Fetch, tmp_path: Path) -> None:
    server.files["utrecht.zip"] = zip_of([f"{i}.jpg" for i in range(131)])
    server.fail("short", value=100, times=1)
    with pytest.raises(DataError, match="is damaged"):
        fetch("utrecht", mirror=server.url)
    assert not (tmp_path / "ws" / "utrecht" / "source.json").exists()
    assert fetch("utrecht", mirror=server.url).files == 131


def test_one_archive_that_fails_does_not_cost_the_others(
    server: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    for part in "abde":
        server.files[f"muct-{part}-jpg-v1.tar.gz"] = tar_of(
            [f"jpg/i{i:03}q{part}-fn.jpg" for i in range(751)]
        )
    with pytest.raises(FetchError, match="404"):
        fetch("muct", mirror=server.url)
    arrived = sorted(path.name for path in (tmp_path / "ws" / "muct" / "downloads").iterdir())
    assert arrived == [f"muct-{part}-jpg-v1.tar.gz" for part in "abde"]


def test_archives_can_be_kept(server: FileServer, fetch: Fetch, tmp_path: Path) -> None:
    server.files["utrecht.zip"] = zip_of([f"{i}.jpg" for i in range(131)])
    fetch("utrecht", {"keep": True}, mirror=server.url)
    assert (tmp_path / "ws" / "utrecht" / "downloads" / "utrecht.zip").exists()


def test_a_small_disk_is_told_of_before_anything_is_asked_for(server: FileServer, fetch: Fetch) -> None:
    with pytest.raises(OutputError, match="needs .* GB more"):
        fetch("fdf", {"reserve": 1e9}, mirror=server.url)
    assert server.requests == []


def test_limits_of_the_profile_hold(server: FileServer, fetch: Fetch) -> None:
    server.files["utrecht.zip"] = zip_of([f"{i}.jpg" for i in range(131)])
    with pytest.raises(DataError, match="more than 100 files") as caught:
        fetch("utrecht", {"members": 100}, mirror=server.url)
    assert "fetch.members" in caught.value.hint


def test_a_whole_copy_is_adopted_and_not_touched(fetch: Fetch, tmp_path: Path) -> None:
    root = celeb(tmp_path / "data")
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    found = fetch("celeb-df-v2", copy=root, alias="celeb")
    assert (found.name, found.source.dataset, found.source.root) == ("celeb", "celeb-df-v2", root)
    assert found.files == 590 + 300 + 5639 + 1
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
    assert sorted(path.name for path in (tmp_path / "ws" / "celeb").iterdir()) == [".lock", "source.json"]


def test_what_a_copy_lacks_is_told(fetch: Fetch, tmp_path: Path) -> None:
    root = celeb(tmp_path / "data", youtube=2, fake=10)
    touch(root, "Celeb-real/id0_0000.mp4", content=b"")
    with pytest.raises(DataError) as caught:
        fetch("celeb-df-v2", copy=root)
    lines = caught.value.message.splitlines()
    assert [line.strip() for line in lines[1:]] == [
        "1 files are empty: Celeb-real/id0_0000.mp4",
        "YouTube-real/*.mp4: 2 files, 300 expected",
        "Celeb-synthesis/*.mp4: 10 files, 5639 expected",
        "1 of 2 files that List_of_testing_videos.txt lists are missing: YouTube-real/00002.mp4",
    ]
    assert "--partial" in caught.value.hint
    assert len(fetch("celeb-df-v2", copy=root, partial=True).lacking) == 4


def test_the_folder_above_is_recognised(fetch: Fetch, tmp_path: Path) -> None:
    inner = celeb(tmp_path / "data" / "Celeb-DF-v2", 1, 1, 1)
    with pytest.raises(DataError) as caught:
        fetch("celeb-df-v2", copy=tmp_path / "data")
    assert caught.value.hint == f"{inner} looks like it: --from {inner}"


def test_metadata_is_compared_with_the_videos(fetch: Fetch, tmp_path: Path) -> None:
    names = [f"{i:03}.mp4" for i in range(400)]
    root = touch(tmp_path / "data", *(f"train_sample_videos/{name}" for name in names))
    listed = json.dumps({name: {"label": "FAKE"} for name in [*names, "gone.mp4"]})
    touch(root, "train_sample_videos/metadata.json", content=listed.encode())
    with pytest.raises(DataError, match=r"1 of 401 files that .*metadata.json lists are missing: gone.mp4"):
        fetch("dfdc-sample", copy=root)


def test_choices_are_checked_and_kept(fetch: Fetch, tmp_path: Path) -> None:
    root = tmp_path / "ff"
    names = [f"{i:03}.mp4" for i in range(1000)]
    touch(root, *(f"original_sequences/youtube/c40/videos/{name}" for name in names))
    touch(root, *(f"manipulated_sequences/FaceSwap/c40/videos/{name}" for name in names))
    chosen = {"compression": ["c40"], "methods": ["FaceSwap"]}
    assert fetch("faceforensics", copy=root, choices=chosen).source.options == chosen
    with pytest.raises(DataError, match="Deepfakes/c23/videos"):
        fetch("faceforensics", copy=root)
    with pytest.raises(UsageError, match="no compression 'c41'") as caught:
        fetch("faceforensics", copy=root, choices={"compression": ["c41"]})
    assert caught.value.hint == "it has raw, c23, c40"


SCRIPT = """
import argparse, pathlib, sys
p = argparse.ArgumentParser()
p.add_argument("output_path"); p.add_argument("-d"); p.add_argument("-c"); p.add_argument("-t")
p.add_argument("-n", type=int); p.add_argument("--server", default="EU")
a = p.parse_args()
print("Press any key to continue, or CTRL-C to exit.")
input("")
if a.server == "CA":
    sys.exit("the server is down")
place = "original_sequences/youtube" if a.d == "original" else "manipulated_sequences/" + a.d
folder = pathlib.Path(a.output_path, place, a.c, a.t)
folder.mkdir(parents=True, exist_ok=True)
for i in range(a.n):
    (folder / f"{i:03}.mp4").write_text("x")
"""


@pytest.mark.parametrize(
    ("server", "agree", "message"), [("EU2", True, ""), ("CA", True, "code 1"), ("", False, "code 1")]
)
def test_the_script_of_the_authors_is_run_for_every_set(
    tmp_path: Path,
    dfdetect: Callable[..., subprocess.CompletedProcess[str]],
    server: str,
    agree: bool,
    message: str,
) -> None:
    """It asks to confirm its terms: whoever runs us answers, we do not."""
    touch(tmp_path, "get.py", content=SCRIPT.encode())
    words = ["--script", "get.py", "--methods", "FaceSwap,Face2Face", "--number", "3", "--json", "-w", "ws"]
    words += ["--server", server] if server else []
    answers = subprocess.Popen(["yes", "" if agree else "no"], stdout=subprocess.PIPE)
    if not agree:
        answers.kill()
        assert answers.stdout
        answers.stdout.read()
    run = dfdetect("data", "fetch", "faceforensics", *words, stdin=answers.stdout)
    answers.kill()
    answers.wait()
    if message:
        assert run.returncode == 2
        assert message in run.stderr
        assert "terms confirmed on a terminal" in run.stderr
        return
    told = json.loads(run.stdout)
    assert "Press any key" in run.stderr
    assert told["files"] == 9
    assert told["options"] == {"compression": ["c23"], "methods": ["Face2Face", "FaceSwap"]}


def test_seeds_of_generated_faces_are_looked_for_one_by_one(fetch: Fetch, tmp_path: Path) -> None:
    root = touch(tmp_path / "faces", *(f"seed{i:04}.png" for i in range(3, 9) if i != 5))
    with pytest.raises(DataError, match="1 of 6 seeds are missing: seed0005.png"):
        fetch("stylegan2-ada", copy=root, seeds="3-8")
    touch(root, "seed0005.png")
    assert fetch("stylegan2-ada", copy=root, seeds="3-8").source.options == {"seeds": ["3-8"]}
    assert any("--seeds=3-8" in step for step in steps_to_get(find_dataset("stylegan2-ada"), "3-8"))
    with pytest.raises(UsageError, match="no range of seeds"):
        fetch("stylegan2-ada", copy=root, seeds="8-3")


def test_a_folder_of_ones_own_is_adopted_if_it_is_labelled(fetch: Fetch, tmp_path: Path) -> None:
    root = touch(tmp_path / "mine", "a.mp4")
    with pytest.raises(DataError, match="neither folders named real and fake nor a table"):
        fetch("folder", copy=root)
    touch(root, "deep/Fake/a.mp4")
    assert fetch("folder", copy=root, alias="mine").source.root == root
    table = touch(root, "list.csv") / "list.csv"
    assert fetch("folder", copy=table, alias="listed").source.options == {"csv": ["list.csv"]}


@pytest.mark.parametrize("name", [d.name for d in datasets() if d.access in ("gated", "tool", "hub", "own")])
def test_what_cannot_be_downloaded_says_how_to_get_it(fetch: Fetch, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        fetch(name)
    assert "\n  1. " in caught.value.message
    assert "--from" in caught.value.hint or "--hub" in caught.value.hint
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("muct", {"search": "face"}),
        ("muct", {"hub": "a/b"}),
        ("muct", {"script": Path("x")}),
        ("muct", {"seeds": "0-1"}),
        ("muct", {"number": 3}),
        ("dfdc", {"mirror": "http://x"}),
        ("dfdc", {"choices": {"methods": ["x"]}}),
        ("nope", {}),
        ("muct", {"alias": "../x"}),
        ("celeb-df-v2", {"copy": Path("/does/not/exist")}),
        ("faceforensics", {"script": Path("/does/not/exist")}),
        ("hub", {"hub": "nonsense"}),
    ],
)
def test_wishes_that_make_no_sense_are_refused(fetch: Fetch, name: str, wish: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        fetch(name, **wish)


def test_work_on_another_data_set_of_that_name_is_not_buried(fetch: Fetch, tmp_path: Path) -> None:
    root = celeb(tmp_path / "data", 1, 1, 1)
    fetch("celeb-df-v2", copy=root, alias="x", partial=True)
    other = touch(tmp_path / "mine", "real/a.mp4", "fake/b.mp4")
    fetch("folder", copy=other, alias="x")  # nothing was made of the first yet
    touch(tmp_path / "ws" / "x", "index.csv")
    with pytest.raises(UsageError, match="x in this workspace is folder") as caught:
        fetch("celeb-df-v2", copy=root, alias="x", partial=True)
    assert "--as NAME" in caught.value.hint
    moved = other.rename(tmp_path / "moved")
    assert fetch("folder", copy=moved, alias="x").source.root == moved
    assert fetch("celeb-df-v2", copy=root, alias="x", partial=True, force=True)


def test_a_workspace_that_cannot_be_written_is_told_of(
    server: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    touch(tmp_path, "ws")
    with pytest.raises(OutputError):
        fetch("utrecht", mirror=server.url)


def test_unsplash_is_searched_pruned_and_fetched(
    server: FileServer, fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSPLASH_ACCESS_KEY", "secret")
    found = [
        {
            "id": f"p{i}",
            "urls": {"regular": f"{server.url}/{i}.jpg"},
            "user": {"name": "Ada"},
            "links": {"html": ""},
        }
        for i in range(3)
    ]
    body = json.dumps({"total_pages": 1, "results": found}).encode()
    server.routes["/search/photos"] = lambda request: (200, {}, body)
    server.files |= {f"{i}.jpg": b"jpeg" for i in range(3)}
    with pytest.raises(UsageError, match="no list of pictures yet"):
        fetch("unsplash", mirror=server.url)
    profile = load_profile(options={"workspace.path": tmp_path / "ws"})
    wish = Wish("unsplash", search="face", mirror=server.url)
    path, count = search_pictures(wish, profile)
    assert count == 3
    path.write_text("".join(line for line in path.read_text().splitlines(True) if ",p1," not in line))
    with pytest.raises(UsageError, match="lists pictures of 'face' already, perhaps pruned"):
        search_pictures(wish, profile)
    result = fetch("unsplash", mirror=server.url)
    assert sorted(p.name for p in result.source.root.rglob("*.jpg")) == ["p0.jpg", "p2.jpg"]
    assert result.source.options == {"search": ["face"]}


def test_a_killed_unpacking_leaves_nothing_that_counts(
    server: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    touch(tmp_path / "ws" / "utrecht" / "raw" / ".utrecht.12345678.part", "half.jpg")
    server.files["utrecht.zip"] = zip_of([f"{i}.jpg" for i in range(131)])
    fetch("utrecht", mirror=server.url)
    assert sorted(path.name for path in (tmp_path / "ws" / "utrecht" / "raw").iterdir()) == ["utrecht"]
