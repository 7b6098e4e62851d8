"""What ``dfdetect scan`` prints, writes and exits with."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest
from hub_models import model_files, painter_files, write_model

from deepfake_cli.cli.scan import MethodName
from deepfake_cli.io.model_folder import EMBEDDED, embedded_models, load_model_folder
from deepfake_cli.pipeline.scan import METHODS
from deepfake_cli.profile import load_profile

Run = Callable[..., subprocess.CompletedProcess[str]]

SCHEMA = json.loads((files("deepfake_cli") / "scan-result.schema.json").read_text())


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that takes bright faces for fake ones."""
    return str(write_model(tmp_path_factory.mktemp("models") / "lamp", model_files(gain=30.0)))


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same, but it paints the left edge of every cut."""
    edge = np.full((32, 32), -10, np.float32)
    edge[:, :3] = 10
    files = painter_files(gain=30.0, spot=edge)
    return str(write_model(tmp_path_factory.mktemp("models") / "painter", files))


@pytest.fixture(scope="module")
def media(
    tmp_path_factory: pytest.TempPathFactory,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
    portrait: np.ndarray,
) -> Path:
    folder = tmp_path_factory.mktemp("media")
    make_video(folder / "bright.mp4", pan(6))
    make_video(folder / "dark.mp4", [(frame * 0.4).astype(np.uint8) for frame in pan(6)])
    make_video(folder / "nobody.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 5)
    (folder / "sub").mkdir()
    cv2.imwrite(str(folder / "sub" / "portrait.png"), portrait[:, :, ::-1])
    (folder / "broken.mp4").write_bytes(b"")
    (folder / "notes.txt").write_text("not scanned")
    return folder


@pytest.fixture
def scan(dfdetect: Run, media: Path, lamp: str) -> Run:
    """Run ``dfdetect scan`` where the media are, with the model for them."""

    def run(*args: str | os.PathLike[str], **more: Any) -> subprocess.CompletedProcess[str]:
        found = dfdetect("scan", "--model", lamp, *args, **{"cwd": media, **more})
        assert "Traceback" not in found.stderr
        return found

    return run


def files_of(lines: str) -> list[str]:
    return [json.loads(line)["file"] for line in lines.splitlines()]


def test_the_table_has_a_row_a_file_and_says_why(scan: Run) -> None:
    run = scan("bright.mp4", "dark.mp4", "nobody.mp4", "broken.mp4")
    head, *rows = run.stdout.splitlines()
    assert head.split() == ["file", "verdict", "score", "people", "frames", "time"]
    assert [row.split()[:2] for row in rows if not row.startswith(" ")] == [
        *(
            ["bright.mp4", "FAKE"],
            ["dark.mp4", "REAL"],
            ["nobody.mp4", "NO_FACE"],
            ["broken.mp4", "UNREADABLE"],
        ),
    ]
    assert "    no face found in 5 frames" in [row.rstrip() for row in rows]
    assert max(map(len, rows)) < 80
    rule, count = run.stderr.splitlines()
    assert "FAKE from 0.5 (balanced accuracy on choose), UNCERTAIN in 0.45-0.55; model brightness" in rule
    assert count.startswith("4 files: 1 FAKE, 1 NO_FACE, 1 REAL, 1 UNREADABLE; ")


def test_details_show_every_person(scan: Run) -> None:
    run = scan("bright.mp4", "--details", "--quiet")
    (line,) = [line for line in run.stdout.splitlines() if line.startswith(" ")]
    assert line.startswith("    person 1  0:00.0-0:00.2  6 faces  score ")
    assert line.count("(") == 3
    assert run.stderr == ""


def test_a_folder_is_scanned_without_and_with_its_folders(scan: Run) -> None:
    names = ["./bright.mp4", "./broken.mp4", "./dark.mp4", "./nobody.mp4"]
    flat = scan(".", "--format", "csv", "--frames", "1")
    assert [row["file"] for row in csv.DictReader(io.StringIO(flat.stdout))] == names
    deep = scan(".", "--recursive", "--format", "json", "--frames", "1")
    assert [record["file"] for record in json.loads(deep.stdout)] == [*names, "./sub/portrait.png"]


@pytest.mark.parametrize("separator", ["\n", "\0"])
def test_lists_come_from_stdin_and_from_files(scan: Run, tmp_path: Path, separator: str) -> None:
    listed = separator.join(["nobody.mp4", "sub"])
    expected = ["nobody.mp4", "sub/portrait.png"]
    assert sorted(files_of(scan("-", "--format", "jsonl", input=listed).stdout)) == expected
    (tmp_path / "list").write_text(listed)
    assert sorted(files_of(scan("--from-file", tmp_path / "list", "--format", "jsonl").stdout)) == expected


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_json_fits_its_schema(scan: Run, kind: str) -> None:
    run = scan("bright.mp4", "broken.mp4", "nobody.mp4", "--format", kind)
    records = json.loads(run.stdout) if kind == "json" else [*map(json.loads, run.stdout.splitlines())]
    assert len(records) == 3
    for record in records:
        jsonschema.validate(record, SCHEMA)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["bright.mp4", "broken.mp4"], 1),
        (["dark.mp4"], 0),
        (["nobody.mp4"], 0),
        (["broken.mp4", "dark.mp4"], 2),
        (["bright.mp4", "--threshold", "1"], 0),
        (["bright.mp4", "--fail-on", "no-face"], 0),
        (["nobody.mp4", "--fail-on", "fake", "--fail-on", "no-face"], 1),
        (["broken.mp4", "--fail-on", "unreadable"], 1),
        (["bright.mp4", "--only", "real"], 1),
        ([], 2),
        (["dark.mp4", "--threshold", "2"], 2),
        (["dark.mp4", "--frames", "none"], 2),
        (["dark.mp4", "--model", "nowhere"], 2),
        (["dark.mp4", "--from-file", "nowhere"], 2),
        (["dark.mp4", "--output", "report"], 2),
        (["dark.mp4", "--output", "report.txt", "--format", "table"], 2),
        (["dark.mp4", "--resume", "r.jsonl", "--format", "csv"], 2),
    ],
)
def test_exit_codes(scan: Run, args: list[str], code: int) -> None:
    run = scan(*args)
    assert run.returncode == code
    if code == 2 and "broken.mp4" not in args:
        assert run.stdout == ""
        assert run.stderr.startswith("error: ")


def test_fail_on_comes_from_the_profile_too(scan: Run) -> None:
    env = {"DFDETECT_SCAN__FAIL_ON": '["no-face"]'}
    assert scan("nobody.mp4", env=env).returncode == 1
    assert scan("nobody.mp4", "--fail-on", "fake", env=env).returncode == 0


def test_only_leaves_out_the_others(scan: Run) -> None:
    run = scan(
        "bright.mp4", "dark.mp4", "nobody.mp4", "--only", "fake", "--only", "no-face", "--format", "csv"
    )
    assert [row["verdict"] for row in csv.DictReader(io.StringIO(run.stdout))] == ["FAKE", "NO_FACE"]
    assert "3 files" in run.stderr


def test_a_threshold_of_ones_own_is_said_to_be_so(scan: Run) -> None:
    run = scan("bright.mp4", "--threshold", "0.25", "--format", "json")
    (record,) = json.loads(run.stdout)
    assert record["rule"]["threshold"] == 0.25
    assert (record["rule"]["source"], record["rule"]["uncertain"]) == ("user", None)
    assert "FAKE from 0.25 (user); model" in run.stderr


@pytest.mark.parametrize("name", ["r.json", "r.jsonl", "r.csv"])
def test_output_goes_to_a_file_of_the_kind_its_name_says(scan: Run, tmp_path: Path, name: str) -> None:
    run = scan("dark.mp4", "nobody.mp4", "--output", tmp_path / name)
    assert (run.returncode, run.stdout) == (0, "")
    text = (tmp_path / name).read_text()
    assert {
        "r.json": text.startswith("[\n{"),
        "r.jsonl": text.startswith("{"),
        "r.csv": text.startswith("file,"),
    }[name]
    assert text.count("NO_FACE") == 1
    assert os.listdir(tmp_path) == [name]


def test_verbose_tells_where_the_time_went(scan: Run) -> None:
    run = scan("dark.mp4", "--verbose", "--format", "json")
    assert "dark.mp4: REAL; decode " in run.stderr
    assert json.loads(run.stdout)[0]["verdict"] == "REAL"


def test_faces_are_saved(scan: Run, tmp_path: Path) -> None:
    assert scan("bright.mp4", "--save-faces", tmp_path / "faces", "--frames", "2").returncode == 1
    assert len(list((tmp_path / "faces").glob("bright.mp4-*/person-001_frame-*_score-*.png"))) == 2


class TestMaps:
    @pytest.mark.parametrize(("file", "count"), [("bright.mp4", 2), ("sub/portrait.png", 1)])
    def test_they_are_saved_and_said(
        self, dfdetect: Run, media: Path, painter: str, tmp_path: Path, file: str, count: int
    ) -> None:
        run = dfdetect(
            *(
                "scan",
                "--model",
                painter,
                file,
                "--details",
                "--frames",
                "2",
                "--save-mri",
                tmp_path / "maps",
            ),
            cwd=media,
        )
        assert run.returncode == 1
        (line,) = [line for line in run.stdout.splitlines() if "person 1 " in line]
        assert line.rstrip().endswith("  glows most in the background")
        pattern = f"{Path(file).name}-*/person-001_frame-*_score-*_mri.png"
        assert len(list((tmp_path / "maps").glob(pattern))) == count

    def test_to_save_them_changes_no_fingerprint(
        self, dfdetect: Run, media: Path, painter: str, tmp_path: Path
    ) -> None:
        report = tmp_path / "r.jsonl"
        args = ("scan", "--model", painter, "bright.mp4", "--frames", "2", "--resume", report)
        dfdetect(*args, cwd=media)
        (record,) = map(json.loads, report.read_text().splitlines())
        jsonschema.validate(record, SCHEMA)
        assert {face["region"] for face in record["tracks"][0]["frames"]} == {"background"}
        again = dfdetect(*args, "--save-mri", tmp_path / "maps", cwd=media)
        assert "(1 of them judged before)" in again.stderr

    def test_a_model_that_paints_none_is_a_wrong_choice(self, scan: Run, tmp_path: Path) -> None:
        run = scan("bright.mp4", "--save-mri", tmp_path / "maps")
        assert run.returncode == 2
        assert run.stderr.startswith("error: model brightness looks at the face alone")
        assert "--method mri" in run.stderr
        assert os.listdir(tmp_path) == []


def test_a_method_is_a_model_of_its_own(scan: Run, dfdetect: Run, media: Path) -> None:
    both = scan("bright.mp4", "--method", "plain")
    assert both.returncode == 2
    assert both.stderr.startswith("error: --method and --model exclude each other")
    run = dfdetect("scan", "--method", "plain", "nobody.mp4", cwd=media)
    assert run.returncode == 0
    assert run.stderr.splitlines()[0].endswith(load_model_folder(EMBEDDED / "plain").revision)
    assert dfdetect("scan", "--method", "guess", "nobody.mp4", cwd=media).returncode == 2


def test_every_method_is_inside_the_package_and_can_be_typed() -> None:
    assert {*METHODS} == {*MethodName} == {*embedded_models()}
    profile = load_profile()
    for renderer in (profile.modalities.renderer, profile.classifier.renderer):
        assert renderer in embedded_models("renderer")


@pytest.mark.parametrize("options", [["--format", "json", "-o"], ["--format", "jsonl", "-o"], ["--resume"]])
def test_what_is_scanned_is_not_written_over(scan: Run, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "v.mp4").write_bytes(b"evidence")
    (tmp_path / "link.mp4").symlink_to("v.mp4")
    run = scan(tmp_path / "v.mp4", *options, tmp_path / "link.mp4")
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {tmp_path}/link.mp4 is to be scanned")
    assert (tmp_path / "v.mp4").read_bytes() == b"evidence"


class TestResume:
    def test_what_was_judged_is_not_judged_again(self, scan: Run, tmp_path: Path) -> None:
        report = tmp_path / "r.jsonl"
        first = scan("bright.mp4", "--resume", report)
        assert (first.returncode, first.stdout) == (1, "")
        before = report.read_text()
        second = scan("bright.mp4", "dark.mp4", "broken.mp4", "--resume", report)
        assert second.returncode == 1  # the FAKE of the first run still counts
        assert "3 files (1 of them judged before): 1 FAKE, 1 REAL, 1 UNREADABLE" in second.stderr
        assert report.read_text().startswith(before)
        assert sorted(files_of(report.read_text())) == ["bright.mp4", "broken.mp4", "dark.mp4"]
        third = scan("dark.mp4", "--resume", report)
        assert third.returncode == 0
        assert len(files_of(report.read_text())) == 3

    def test_other_settings_content_or_failure_is_judged_again(
        self, scan: Run, media: Path, tmp_path: Path
    ) -> None:
        report, video = tmp_path / "r.jsonl", tmp_path / "v.mp4"
        video.write_bytes((media / "dark.mp4").read_bytes())
        scan(video, "broken.mp4", "--resume", report)
        for change, lines in [
            (lambda: scan(video, "--resume", report, "--frames", "3"), 3),
            (lambda: scan(video, "--resume", report, "--frames", "3"), 3),
            (lambda: scan(video, "--resume", report, "--frames", "3", "--jobs", "1"), 3),
            (lambda: os.utime(video, (1, 1)), 3),
            (lambda: scan(video, "--resume", report, "--frames", "3"), 3),
            (lambda: video.write_bytes((media / "bright.mp4").read_bytes()), 3),
            (lambda: scan(video, "--resume", report, "--frames", "3"), 4),
            (lambda: scan("broken.mp4", "--resume", report, "--frames", "3"), 5),
        ]:
            change()
            assert len(files_of(report.read_text())) == lines
        assert json.loads(report.read_text().splitlines()[3])["verdict"] == "FAKE"

    def test_a_torn_line_is_mended(self, scan: Run, tmp_path: Path) -> None:
        report = tmp_path / "r.jsonl"
        scan("dark.mp4", "--resume", report)
        whole = report.read_text()
        report.write_text(whole + whole[: len(whole) // 2])
        assert scan("dark.mp4", "nobody.mp4", "--resume", report).returncode == 0
        assert files_of(report.read_text()) == ["dark.mp4", "nobody.mp4"]

    def test_a_result_that_lacks_something_is_told(self, scan: Run, tmp_path: Path) -> None:
        report = tmp_path / "r.jsonl"
        report.write_text('{"schema_version": 1, "file": "dark.mp4"}\n')
        run = scan("dark.mp4", "--resume", report)
        assert run.returncode == 2
        assert run.stderr.startswith(f"error: {report}: the result of dark.mp4 has no verdict")

    def test_a_file_that_is_no_report_is_left_alone(self, scan: Run, media: Path) -> None:
        before = (media / "dark.mp4").read_bytes()
        run = scan("nobody.mp4", "--resume", "dark.mp4")
        assert run.returncode == 2
        assert "dark.mp4, line 1: not a result of dfdetect scan" in run.stderr
        assert (media / "dark.mp4").read_bytes() == before


def on_a_terminal(*args: str | Path, cwd: Path, **env: str) -> str:
    """Run the command line on a terminal of its own; return all it shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "deepfake_cli", *args],
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": os.getcwd(), **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return shown.decode()


def test_a_terminal_shows_a_bar_colours_and_the_table(
    media: Path,
    lamp: str,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
    tmp_path: Path,
) -> None:
    long = make_video(
        tmp_path / "long.mp4", pan(100)
    )  # so that its stages are seen: the bar is drawn now and then
    shown = on_a_terminal("scan", long, "dark.mp4", "--every", "1", "--model", lamp, cwd=media)
    assert "\x1b[1;31mFAKE" in shown
    assert "/2" in shown
    assert "long.mp4: frame " in shown
    assert "2 files: 1 FAKE, 1 REAL" in shown


def test_a_narrow_terminal_cuts_names_and_nothing_else(media: Path, lamp: str, tmp_path: Path) -> None:
    name = "x" * 100 + ".mp4"
    os.symlink(media / "nobody.mp4", tmp_path / name)
    shown = on_a_terminal("scan", name, "--model", lamp, cwd=tmp_path, COLUMNS="80", NO_COLOR="1")
    (row,) = [line for line in shown.splitlines() if "NO_FACE" in line and "xxx" in line]
    assert row.split()[1:5] == ["NO_FACE", "-", "0", "5"]
    assert name not in shown
    assert row.split()[0] == "…" + name[-29:]  # the end, by which files in one folder differ


def test_no_color_is_honoured(media: Path, lamp: str) -> None:
    shown = on_a_terminal("scan", "bright.mp4", "--model", lamp, cwd=media, NO_COLOR="1")
    assert "FAKE" in shown
    assert "\x1b[1;31m" not in shown
