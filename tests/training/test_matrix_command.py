"""Several detectors on several data sets, and what they have seen of them."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import cv2
import pytest
from training.bright import lamp_faces, write_bright, write_lamp

from deepfake_cli.errors import DataError
from deepfake_cli.training.measure.overlap import describe, overlap, read_learned, write_learned
from deepfake_cli.training.tables import Source, read_faces

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def lamps(tmp_path: Path) -> Path:
    """A table with a split to learn from and one to report on, which share nothing."""
    faces = [face for split in ("train", "report") for face in lamp_faces(12, 40, each=3, split=split)]
    return write_bright(tmp_path / "lamps", faces)


def test_what_was_learned_is_found_again_and_nothing_else(lamps: Path, tmp_path: Path) -> None:
    write_learned(tmp_path / "learned.json", [Source(lamps)])
    learned = read_learned(tmp_path / "learned.json")
    assert learned.datasets == {"lamps"}
    assert not overlap(learned, describe("lamps", read_faces(lamps, ["report"])))
    shared = overlap(learned, describe("lamps", read_faces(lamps, ["train"])))
    assert shared.originals == 12
    assert shared.faces >= 12


def test_faces_are_found_again_under_other_names_and_compressed(lamps: Path, tmp_path: Path) -> None:
    write_learned(tmp_path / "learned.json", [Source(lamps)])
    other = tmp_path / "elsewhere"
    shutil.copytree(lamps.parent, other)
    for picture in (other / "faces").iterdir():
        cv2.imwrite(
            str(picture.with_suffix(".jpg")), cv2.imread(str(picture)), [cv2.IMWRITE_JPEG_QUALITY, 90]
        )
    table = other / "faces.csv"
    table.write_text(table.read_text().replace(".png", ".jpg"))
    shared = overlap(
        read_learned(tmp_path / "learned.json"), describe("elsewhere", read_faces(table, ["train"]))
    )
    assert shared.originals == 0
    assert shared.faces >= 12


def test_only_two_faces_of_a_video_are_looked_at_and_unreadable_ones_left_out(lamps: Path) -> None:
    rows = read_faces(lamps, ["train"])
    shutil.rmtree(lamps.parent / "faces")
    assert len(describe("lamps", rows).faces) == 0
    seen: list[str] = []
    describe("lamps", rows, track=lambda items, words, total=None: map(lambda x: seen.append(x) or x, items))
    assert len(seen) == 2 * 24


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2, "tables": []}', '{"schema": 1, "tables": [{}]}'])
def test_a_damaged_note_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "learned.json").write_text(text)
    with pytest.raises(DataError, match="does not say"):
        read_learned(tmp_path / "learned.json")


def test_the_matrix_marks_what_models_have_seen(lamps: Path, tmp_path: Path, dfdetect: Run) -> None:
    streets = write_bright(tmp_path / "streets", lamp_faces(12, 10, each=2, seed=3))
    write_lamp(tmp_path / "run" / "model", 4.0)
    write_learned(tmp_path / "run" / "learned.json", [Source(lamps)])
    alone = write_lamp(tmp_path / "alone", -4.0)
    args = ["classifier", "matrix", lamps, streets, "-m", tmp_path / "run" / "model", "-m", alone]
    done = dfdetect(*args, "--json", "--output", "out")
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert [cell["mark"] for cell in cells] == ["=", "", "=", "?"]
    assert [cell["examples"] for cell in cells] == ["videos"] * 4
    assert cells[0]["auc"] > 0.9
    assert cells[0]["auc"] + cells[2]["auc"] == pytest.approx(1)
    assert json.loads((tmp_path / "out" / "matrix.json").read_text())["cells"] == cells
    rows = list(csv.DictReader((tmp_path / "out" / "matrix.csv").open()))
    assert [row["mark"] for row in rows] == ["=", "", "=", "?"]
    assert "streets" in (tmp_path / "out" / "report.html").read_text()

    seen = dfdetect(*args, "--split", "train", "--split", "report")
    assert seen.returncode == 0
    assert "has seen 12 originals and" in seen.stderr
    assert ") !" in seen.stdout
    refused = dfdetect(*args, "--split", "train", "--split", "report", "--strict")
    assert refused.returncode == 2
    assert "has seen 12 originals and" in refused.stderr
    assert not refused.stdout


def test_tables_of_one_name_are_told_apart_and_few_faces_are_too_few(tmp_path: Path, dfdetect: Run) -> None:
    tables = [write_bright(tmp_path / place / "lamps", lamp_faces(3, 40)) for place in ("a", "b")]
    done = dfdetect("classifier", "matrix", *tables, "--model", write_lamp(tmp_path / "model", 4.0))
    assert done.returncode == 0, done.stderr
    assert all(f"{table}, faces" in done.stdout for table in tables)
    assert "too few =" in done.stdout
