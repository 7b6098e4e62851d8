"""Reports: valid whatever a file is called, whole or streamed, and a torn end is mended."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deepfake_cli.errors import DataError, OutputError
from deepfake_cli.io.reports import COLUMNS, open_report, read_records


def record(file: str = "a.mp4", **change: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "file": file,
        "sha256": "0" * 64,
        "media": {"duration": 1.5, "width": 320, "height": 240},
        "model": {"name": "plain", "revision": "0123456789ab"},
        "rule": {"threshold": 0.5, "source": "choose split"},
        "verdict": "FAKE",
        "score": 0.9,
        "reason": "",
        "frames": 32,
        "tracks": [{"id": 1}, {"id": 2}],
        "timings": {"total": 0.25},
        **change,
    }


def write(kind: str, path: Path | None, *records: dict[str, Any], append: bool = False) -> None:
    with open_report(kind, path, append=append) as put:
        for one in records:
            put(one)


NAMES = ["a.mp4", 'größe, "x".mp4', "line\nbreak.mp4", "caf\udce9.mp4"]


def test_json_is_a_list_of_what_was_written(tmp_path: Path) -> None:
    records = [record(name) for name in NAMES]
    write("json", tmp_path / "r.json", *records)
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == records
    write("json", tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == []


def test_jsonl_has_a_line_a_record_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with open_report("jsonl", path) as put:
        for number, name in enumerate(NAMES, 1):
            put(record(name))
            assert len(path.read_text("utf-8").splitlines()) == number
    assert list(read_records(path)) == [record(name) for name in NAMES]


def test_csv_has_one_row_a_record(tmp_path: Path) -> None:
    write("csv", tmp_path / "r.csv", *[record(name) for name in NAMES], record("b", media=None, score=None))
    header, *rows = csv.reader(io.StringIO((tmp_path / "r.csv").read_text("utf-8"), newline=""))
    assert tuple(header) == COLUMNS
    assert [row[0] for row in rows] == [*NAMES[:3], "caf\\udce9.mp4", "b"]
    first = dict(zip(header, rows[0], strict=True))
    assert (first["people"], first["score"], first["seconds"], first["threshold_source"]) == (
        *("2", "0.9", "0.25", "choose split"),
    )
    assert dict(zip(header, rows[-1], strict=True))["score"] == ""


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "report"
    path.write_text("old")

    def fail() -> None:
        with open_report(kind, path) as put:
            put(record())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_a_full_disk_is_told(kind: str) -> None:
    with pytest.raises(OutputError, match="cannot write /dev/full: no space left on device") as caught:
        write(kind, Path("/dev/full"), record())
    assert "free some space" in caught.value.hint


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_a_missing_folder_is_told(tmp_path: Path, kind: str) -> None:
    with pytest.raises(OutputError, match="cannot write .*: no such file or directory"):
        write(kind, tmp_path / "no" / "where", record())


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write("json", tmp_path / "pipe", record())
        assert reader.communicate()[0].startswith(b"[")


def test_standard_output_is_utf8_whatever_the_locale() -> None:
    code = (
        "from deepfake_cli.io.reports import open_report\n"
        "with open_report('jsonl') as put: put({'schema_version': 1, 'file': 'gr\\u00f6\\u00dfe'})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert json.loads(run.stdout.decode("utf-8"))["file"] == "größe"


@pytest.mark.parametrize(
    "torn", [b'{"schema_version": 1, "file": "b', b"{", b'{"schema_version": 1, "file": "\xff']
)
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "r.jsonl"
    write("jsonl", path, record("a"))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert [one["file"] for one in read_records(path)] == ["a"]
    assert path.read_bytes() == whole
    write("jsonl", path, record("b"), append=True)
    assert [one["file"] for one in read_records(path)] == ["a", "b"]


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    write("jsonl", path, record("a"), record("b"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert [one["file"] for one in read_records(path)] == ["a", "b"]
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content",
    [b"\0\0\0\x20ftypisom", b"[]\n", b'{"other": 1}\n', b'{"schema_version": 1}\nrubbish\n{}\n', b"hello"],
)
def test_what_is_no_report_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a result of dfdetect scan"):
        list(read_records(path))
    assert path.read_bytes() == content
