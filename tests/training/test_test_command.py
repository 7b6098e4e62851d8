"""Models measured from the command line: on tables, folders and lists, with all that is told of them."""

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from hub_models import model_files, write_model

from deepfake_cli import scan
from deepfake_cli.io.face_table import read_faces
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.training.measure.findings import examine, examine_all
from deepfake_cli.training.measure.judged import Judged, Part

Run = Callable[..., subprocess.CompletedProcess[str]]
WRITTEN = ("metrics.json", "scores.csv", "videos.csv", "scores.svg", "report.html")
CURVES = ("roc.svg", "pr.svg", "reliability.svg")


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes bright faces for fake ones."""
    return write_model(tmp_path_factory.mktemp("models") / "lamp", model_files(gain=8.0))


@pytest.fixture(scope="module")
def clips(
    tmp_path_factory: pytest.TempPathFactory,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
    portrait: np.ndarray,
) -> Path:
    """Labelled files: a bright fake, a dark real one, a picture, one of nobody and one that is broken."""
    folder = tmp_path_factory.mktemp("clips") / "mine"
    (folder / "real").mkdir(parents=True)
    (folder / "fake" / "lamps").mkdir(parents=True)
    make_video(folder / "fake" / "lamps" / "bright.mp4", pan(6))
    make_video(folder / "real" / "dark.mp4", [(frame * 0.4).astype(np.uint8) for frame in pan(6)])
    cv2.imwrite(str(folder / "real" / "portrait.png"), portrait[:, :, ::-1])
    make_video(folder / "real" / "nobody.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 5)
    (folder / "fake" / "broken.mp4").write_bytes(b"this is no video at all")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def rewritten(table: Path, name: str, change: Callable[[int, dict[str, str]], dict[str, str]]) -> Path:
    """Write another table beside one."""
    rows = [change(number, row) for number, row in enumerate(rows_of(table))]
    with (table.parent / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table.parent / name


def test_a_table_is_reported_whole(lamp: Path, faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    two_by_two = rewritten(
        faces_table, "couples.csv", lambda i, row: row | {"video": f"{row['label']}{i // 4}"}
    )
    done = dfdetect(
        *("classifier", "test", lamp, two_by_two, "--output", "out", "--json"),
        *("--split", "choose", "--split", "report"),
    )
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stderr
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {*WRITTEN, *CURVES}
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics == json.loads(done.stdout)
    assert metrics["threshold_source"] == "balanced accuracy on choose"
    assert metrics["model"] == {"name": "brightness", "revision": load_model_folder(lamp).revision}
    found = {m["metric"]: m for m in metrics["measurements"]}
    assert found["AUC, faces"]["real"] == 20
    assert found["EER, videos"]["real"] == 10
    assert {"AUC, videos, blend", "AUC, faces, 128 to 256 px"} <= set(found)
    assert found["AUC, faces"]["interval"][0] <= found["AUC, faces"]["value"]
    scores, videos = rows_of(out / "scores.csv"), rows_of(out / "videos.csv")
    assert (len(scores), len(videos)) == (40, 20)
    first = [float(row["score"]) for row in scores if row["video"] == videos[0]["video"]]
    assert float(videos[0]["score"]) == pytest.approx(np.mean(first), abs=1e-4)
    assert videos[0]["faces"] == "2"
    verdicts = {v["examples"]: v for v in metrics["verdicts"]}
    (low, high), _ = verdicts["faces"]["matrix"]
    assert low + high == sum(verdicts["faces"]["real"]) == 20
    assert sum(verdicts["faces"]["shares"][0]) == pytest.approx(1)


def test_the_page_stands_alone_and_curves_are_files(
    lamp: Path, faces_table: Path, tmp_path: Path, dfdetect: Run
) -> None:
    assert dfdetect("classifier", "test", lamp, faces_table, "-o", tmp_path, "--quiet").returncode == 0
    for name in (*CURVES, "scores.svg"):
        assert ElementTree.parse(tmp_path / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 4
    links: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            links.extend(value or "" for name, value in attrs if name in ("src", "href"))

    Links().feed(page)
    assert all(link.startswith("#") for link in links)


def test_the_terminal_shows_the_whole_first(lamp: Path, faces_table: Path, dfdetect: Run) -> None:
    done = dfdetect("classifier", "test", lamp, faces_table)
    lines = done.stdout.splitlines()
    assert lines[0] == "tinted, split report: 10 real and 10 fake faces"
    assert [line.split()[0] for line in lines[1:3]] == ["measure", "AUC"]
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("faces, blend") for line in lines)


def test_a_folder_is_scanned_as_scan_does(lamp: Path, clips: Path, tmp_path: Path, dfdetect: Run) -> None:
    done = dfdetect("classifier", "test", lamp, clips, "--output", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert "mine: left out 1 real and 0 fake files without a face" in done.stderr
    assert "mine: left out 0 real and 1 fake files that cannot be read" in done.stderr
    videos = {Path(row["video"]).name: row for row in rows_of(tmp_path / "videos.csv")}
    for result in scan([clips], recursive=True, model=str(lamp)):
        row = videos[Path(result.file).name]
        assert row["verdict"] == result.verdict
        assert row["score"] == ("" if result.score is None else f"{result.score:.4f}")
        assert int(row["faces"]) == sum(person.faces for person in result.tracks)
    assert videos["nobody.mp4"]["reason"].startswith("no face")
    assert videos["bright.mp4"]["method"] == "lamps"
    metrics = json.loads(done.stdout)
    assert {Path(one["path"]).name for one in metrics["left_out"]} == {"nobody.mp4", "broken.mp4"}
    assert all(m["value"] is None for m in metrics["measurements"])
    assert not (tmp_path / "roc.svg").exists()
    times = [float(row["time"]) for row in rows_of(tmp_path / "scores.csv")]
    assert max(times) > 0


def test_a_list_names_files_beside_it(lamp: Path, clips: Path, tmp_path: Path, dfdetect: Run) -> None:
    listed = clips / "listed.csv"
    listed.write_text(
        "path,label,method,compression,original\n"
        "fake/lamps/bright.mp4,1,lamps,c23,ada\n"
        "real/dark.mp4,REAL,,c23,ada\n"
        "real/gone.mp4,0,,,\n"
    )
    done = dfdetect("classifier", "test", lamp, listed, "-o", tmp_path, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(tmp_path / "videos.csv")
    assert [(row["label"], row["compression"], row["original"]) for row in rows[:2]] == [
        ("fake", "c23", "ada"),
        ("real", "c23", "ada"),
    ]
    assert (rows[2]["verdict"], rows[2]["score"]) == ("UNREADABLE", "")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("path,label\na.mp4,maybe\n", "line 2"),
        ("path,label\na.mp4,1\na.mp4,0\n", "there twice"),
        ("path,label\n", "names no video"),
        ("file,label\na.mp4,1\n", "lacks the columns"),
        (None, "no such file"),
    ],
)
def test_what_is_no_data_set_is_told(
    content: str | None, complaint: str, lamp: Path, tmp_path: Path, dfdetect: Run
) -> None:
    if content is not None:
        (tmp_path / "list.csv").write_text(content)
    done = dfdetect("classifier", "test", lamp, "list.csv")
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_labels_is_told(lamp: Path, tmp_path: Path, dfdetect: Run) -> None:
    (tmp_path / "set" / "real").mkdir(parents=True)
    done = dfdetect("classifier", "test", lamp, "set")
    assert done.returncode == 2
    assert "holds no folder fake" in done.stderr


def test_pictures_that_cannot_be_read_are_left_out(
    lamp: Path, faces_table: Path, tmp_path: Path, dfdetect: Run
) -> None:
    folder = tmp_path / "holed"
    shutil.copytree(faces_table.parent, folder)
    (folder / "faces" / "report0real.png").unlink()
    (folder / "faces" / "report1fake.png").write_bytes(b"no picture")
    done = dfdetect("classifier", "test", lamp, folder / "faces.csv", "-o", "out", "--json")
    assert done.returncode == 0, done.stderr
    assert "holed: left out 1 real and 1 fake pictures that cannot be read" in done.stderr
    assert {one["reason"] for one in json.loads(done.stdout)["left_out"]} == {
        "no such file",
        "cannot be decoded",
    }
    lost = [row for row in rows_of(tmp_path / "out" / "videos.csv") if row["verdict"] == "UNREADABLE"]
    assert {row["video"] for row in lost} == {"report0real", "report1fake"}
    shutil.rmtree(folder / "faces")
    done = dfdetect("classifier", "test", lamp, folder / "faces.csv")
    assert done.returncode == 2
    assert "cannot read a single picture" in done.stderr


def test_a_score_that_is_always_the_same_is_told(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    blind = write_model(tmp_path / "blind", model_files(gain=0.0))
    done = dfdetect("classifier", "test", blind, faces_table, "-o", "out")
    assert "warning: tinted: all 20 faces have the same score, 0.5000" in done.stderr
    assert "same score" in (tmp_path / "out" / "report.html").read_text()


def test_one_class_is_counted_and_the_reason_told(lamp: Path, faces_table: Path, dfdetect: Run) -> None:
    def only_real(number: int, row: dict[str, str]) -> dict[str, str]:
        return row | {"split": row["split"] if row["label"] == "real" else "aside"}

    table = rewritten(faces_table, "real.csv", only_real)
    done = dfdetect("classifier", "test", lamp, table)
    assert "AUC  " not in "\n".join(done.stdout.splitlines()[:3])
    assert "all are real, so there is no AUC" in done.stderr


def test_several_data_sets_are_told_apart_and_together(faces_table: Path, lamp: Path) -> None:
    decision = load_model_folder(lamp).config.decision
    rows = read_faces(faces_table, ["report"])
    rng = np.random.default_rng(0)
    sets = [
        Judged(
            name, "report", rows, np.clip(rng.random(20) * 0.6 + 0.4 * np.array([r.fake for r in rows]), 0, 1)
        )
        for name in ("one", "two")
    ]
    *_, joined = examine_all(sets, decision)
    assert joined.judged.dataset == "one+two"
    assert (joined.found[0].real, joined.found[0].sources) == (20, 20)  # videos of one name stay apart
    (alone,) = examine_all(sets[:1], decision)
    assert alone.found == examine(sets[0], decision).found


def test_one_source_has_no_interval(faces_table: Path, lamp: Path) -> None:
    rows = [replace(row, original="ada") for row in read_faces(faces_table, ["report"])]
    judged = Judged("one", "report", rows, np.linspace(0, 1, 20))
    whole = examine(judged, load_model_folder(lamp).config.decision).found[0]
    assert whole.measurements["AUC"].value is not None
    assert whole.measurements["AUC"].interval is None


def test_verdicts_of_scan_outweigh_the_score(lamp: Path, faces_table: Path) -> None:
    row = read_faces(faces_table, ["report"])[0]
    labels, scores = np.array([1, 1]), np.array([0.9, 0.9])
    part = Part("videos", [row] * 2, labels, scores, np.array(["a", "b"]), np.array(["UNCERTAIN", ""]))
    assert part.verdicts(load_model_folder(lamp).config.decision).tolist() == ["UNCERTAIN", "FAKE"]
