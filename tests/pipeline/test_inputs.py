"""Which files are meant by paths, folders, patterns and lists."""

import io
import os
import sys
from pathlib import Path

import pytest

from deepfake_cli.errors import UsageError
from deepfake_cli.pipeline.inputs import find_inputs, read_list

JPEG, MKV, STREAM = b"\xff\xd8\xff\xe0", b"\x1a\x45\xdf\xa3", (b"G" + bytes(187)) * 3


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    content = {
        "b.mp4": b"",
        "a.MP4": b"damaged",
        "no_suffix": MKV,
        "notes.txt": b"hello",
        "app.ts": b"const greeting = 1;",
        "tv.ts": STREAM,
        "song.m4a": b"\0\0\0\x20ftypM4A ",
        "._a.MP4": b"\0\x05\x16\x07",
        "sub/c.jpg": JPEG,
        "sub/deep/d.webm": MKV,
    }
    for name, data in content.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def test_a_folder_gives_its_media_sorted(tree: Path) -> None:
    assert find_inputs(["."]).files == ("./a.MP4", "./b.mp4", "./no_suffix", "./tv.ts")


def test_recursive_goes_into_folders(tree: Path) -> None:
    files = find_inputs(["."], recursive=True).files
    assert files == ("./a.MP4", "./b.mp4", "./no_suffix", "./tv.ts", "./sub/c.jpg", "./sub/deep/d.webm")


def test_what_is_named_is_tried_whatever_it_is(tree: Path) -> None:
    named = ["notes.txt", "missing.mp4", "song.m4a", "b.mp4"]
    assert find_inputs(named).files == tuple(named)


def test_order_is_kept_and_second_names_are_dropped(tree: Path) -> None:
    os.symlink("b.mp4", "link.mp4")
    assert find_inputs(["sub/c.jpg", "b.mp4", "./b.mp4", str(tree / "sub/c.jpg"), "link.mp4"]).files == (
        "sub/c.jpg",
        "b.mp4",
    )


def test_patterns_are_expanded_unless_a_file_is_called_so(tree: Path) -> None:
    assert find_inputs(["*.mp4"]).files == ("b.mp4",)
    assert find_inputs(["**/*.webm"]).files == ("sub/deep/d.webm",)
    assert find_inputs(["none*.mp4"]).files == ("none*.mp4",)
    Path("what?.mp4").write_bytes(b"")
    Path("whatx.mp4").write_bytes(b"")
    assert find_inputs(["what?.mp4"]).files == ("what?.mp4",)
    assert find_inputs([], ["*.mp4"]).files == ("*.mp4",)


def test_a_folder_without_media_is_told(tree: Path) -> None:
    (tree / "empty").mkdir()
    found = find_inputs(["empty", "b.mp4"])
    assert found.files == ("b.mp4",)
    assert found.warnings == (
        "empty: no video or picture in this folder; --recursive looks into its folders too",
    )


def test_links_that_lead_in_circles_end(tree: Path) -> None:
    os.symlink("..", "sub/up")
    os.symlink("loop", "loop")
    files = find_inputs([".", "loop"], recursive=True).files
    assert sorted(map(os.path.basename, files)) == [
        *("a.MP4", "b.mp4", "c.jpg", "d.webm", "loop", "no_suffix", "tv.ts"),
    ]


def test_pipes_in_a_folder_are_passed_over(tree: Path) -> None:
    os.mkfifo("sub/pipe.mp4")
    assert find_inputs(["sub"]).files == ("sub/c.jpg",)
    assert find_inputs(["sub/pipe.mp4"]).files == ("sub/pipe.mp4",)


def test_names_that_are_not_utf8_survive(tree: Path) -> None:
    raw = b"caf\xe9.mp4"
    Path(os.fsdecode(raw)).write_bytes(b"")
    (file,) = find_inputs([os.fsdecode(b"caf\xe9*")]).files
    assert os.fsencode(file) == raw


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b"a.mp4\nb c.mp4\n\n", ["a.mp4", "b c.mp4"]),
        (b"a.mp4\r\nb.mp4", ["a.mp4", "b.mp4"]),
        (b"line\nbreak.mp4\0b.mp4\0", ["line\nbreak.mp4", "b.mp4"]),
        (b"caf\xe9.mp4\n", ["caf\udce9.mp4"]),
        (b"", []),
    ],
)
def test_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, paths: list[str]) -> None:
    (tmp_path / "list").write_bytes(data)
    assert read_list(str(tmp_path / "list")) == paths
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_list("-") == paths


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the list .*nowhere: no such file or directory"):
        read_list(str(tmp_path / "nowhere"))
