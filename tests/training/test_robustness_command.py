"""What damage leaves of a detector, from the command line."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from training.bright import Face, lamp_faces, write_bright, write_lamp

from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.training.measure.damage import KINDS
from deepfake_cli.training.measure.robustness import draw_faces, measure_robustness
from deepfake_cli.training.tables import read_faces

Run = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_five_levels_each_worse_than_the_last(name: str, portrait: np.ndarray) -> None:
    kind = KINDS[name]
    face = np.ascontiguousarray(portrait[60:200, 160:300])
    losses = [
        np.abs(kind.apply(face, level, np.random.default_rng(0)).astype(int) - face).mean()
        for level in kind.levels
    ]
    assert len(losses) == 5
    assert losses[0] > 0
    assert losses == sorted(losses)


def test_faces_are_drawn_evenly_over_labels_and_videos(tmp_path: Path) -> None:
    many = [Face(False, "long", "long", 100)] * 30 + lamp_faces(6, 20, each=4)
    rows = read_faces(write_bright(tmp_path / "lamps", many), ["report"])
    drawn = draw_faces(rows, 20)
    assert Counter(row.fake for row in drawn) == {False: 10, True: 10}
    assert max(Counter(row.video for row in drawn).values()) == 2
    assert draw_faces(rows, 20) == drawn
    assert draw_faces(rows, 20, seed=1) != drawn
    assert [row.path for row in draw_faces(rows, 1000)] == [row.path for row in rows]


def test_draws_do_not_depend_on_what_else_is_judged(tmp_path: Path) -> None:
    faces = lamp_faces(12, 15)
    model = load_model_folder(write_lamp(tmp_path / "model", 40.0))
    table = write_bright(tmp_path / "lamps", faces)
    alone = measure_robustness(model, table, ["report"], ["noise"])
    among = measure_robustness(model, table, ["report"], ["blur", "noise", "blocks"])
    assert alone.cells == tuple(cell for cell in among.cells if cell.kind == "noise")
    assert alone.clean == among.clean


def test_what_is_seen_by_brightness_stands_colours_lost_and_not_grey_blocks(
    tmp_path: Path, dfdetect: Run
) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(12, 30, each=2))
    model = write_lamp(tmp_path / "model", 4.0)
    args = ["classifier", "robustness", model, table, "--kind", "saturation", "--kind", "blocks"]
    done = dfdetect(*args, "--json", "--output", "out")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["tables"]
    assert (found["examples"], found["faces"], found["real"], found["fake"]) == ("videos", 48, 12, 12)
    assert len(found["cells"]) == 10
    clean = found["clean"]["auc"]
    assert clean > 0.9
    for cell in found["cells"]:
        if cell["kind"] == "saturation":
            assert cell["auc"] == pytest.approx(clean, abs=0.02)
    assert found["worst"]["kind"] == "blocks"
    assert found["mean"] == pytest.approx(np.mean([cell["auc"] for cell in found["cells"]]))
    rows = list(csv.DictReader((tmp_path / "out" / "robustness.csv").open()))
    assert [row["kind"] for row in rows] == ["clean"] + ["saturation"] * 5 + ["blocks"] * 5
    assert (tmp_path / "out" / "report.html").read_text().count("<svg") == 2
    assert json.loads((tmp_path / "out" / "robustness.json").read_text())["tables"] == [found]

    few = dfdetect(*args, "--faces", "30")
    assert few.returncode == 0, few.stderr
    assert "30 faces" in few.stdout
    assert "undamaged: AUC" in few.stdout


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--kind", "rain"], "there is no damage 'rain'"),
        (["--faces", "12"], "6 real and 6 fake faces are too few"),
        (["--split", "train"], "has no row in the split train"),
    ],
)
def test_what_cannot_be_measured_is_said(more: list[str], words: str, tmp_path: Path, dfdetect: Run) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(12, 30))
    done = dfdetect("classifier", "robustness", write_lamp(tmp_path / "model", 4.0), table, *more)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
