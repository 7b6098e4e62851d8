"""Thresholds set anew on faces of one's own, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.bright import Face, lamp_faces, write_bright, write_lamp

from deepfake_cli.errors import DataError
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.training.calibrate.fit import balanced_threshold, cheapest_threshold, threshold_at_rate
from deepfake_cli.training.calibrate.frame_rules import try_frame_rules

Run = Callable[..., CompletedProcess[str]]

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.6, 0.4, 0.7, 0.8, 0.9])


def test_a_rate_of_false_alarms_is_kept() -> None:
    assert threshold_at_rate(LABELS, SCORES, 0) == pytest.approx(0.65)
    assert threshold_at_rate(LABELS, SCORES, 0.25) == pytest.approx(0.35)


def test_no_threshold_parts_what_scores_one() -> None:
    with pytest.raises(DataError, match="more of the real faces score 1"):
        threshold_at_rate(np.array([0, 0, 1]), np.array([0.2, 1.0, 1.0]), 0.4)


def test_dear_errors_are_avoided() -> None:
    assert cheapest_threshold(LABELS, SCORES, 1, 10) == pytest.approx(0.65)
    assert cheapest_threshold(LABELS, SCORES, 10, 1) == pytest.approx(0.35)
    upside_down = np.array([0.5, 0.6, 0.1, 0.2])  # better nothing is called fake
    assert cheapest_threshold(np.array([0, 0, 1, 1]), upside_down, 1, 10) == pytest.approx(0.8)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 100)), min_size=2, max_size=40))
def test_thresholds_are_probabilities_and_rates_are_kept(pairs: list[tuple[int, int]]) -> None:
    labels, scores = np.array([y for y, _ in pairs]), np.array([s / 100 for _, s in pairs])
    if len(set(labels.tolist())) < 2:
        return
    for threshold in (balanced_threshold(labels, scores), cheapest_threshold(labels, scores, 1, 3)):
        assert 0 <= threshold <= 1
    try:
        threshold = threshold_at_rate(labels, scores, 0.2)
    except DataError:
        assert np.mean(scores[labels == 0] == 1) > 0.2
    else:
        assert np.mean(scores[labels == 0] >= threshold) <= 0.2


def test_rules_over_frames_count_fake_frames() -> None:
    labels = np.array([0, 1])
    which = np.repeat([0, 1], 10)
    scores = np.r_[[0.95, 0.95], np.zeros(8), [0.55, 0.55, 0.55], np.zeros(7)]
    rules = try_frame_rules(labels, which, scores, np.array([True, False]))
    assert rules.balanced_accuracy[4][2] == 1  # frames from 0.5, a share of 0.3: three of ten are enough
    assert rules.balanced_accuracy[4][3] == 0.5
    assert rules.balanced_accuracy[8][0] == 0
    assert rules.best == (0, 2)
    assert (rules.mean_accuracy, rules.mean_balanced_accuracy) == (0, 0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_bright(tmp_path / "lamps", lamp_faces(30, 40, each=3, split="choose"))


def test_a_model_of_ones_own_is_changed_in_place(tmp_path: Path, dfdetect: Run) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(150, 15, split="choose"))
    model = write_lamp(tmp_path / "model", 200.0)  # far too sure of itself
    done = dfdetect("classifier", "calibrate", model, table, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["examples"], found["real"], found["fake"]) == ("faces", 150, 150)
    assert found["after"]["calibration_error"] < found["before"]["calibration_error"]
    assert found["after"]["balanced_accuracy"] > 0.6
    assert found["frame_rules"] is None
    config = load_model_folder(model).config
    assert config.calibration.temperature == found["after"]["temperature"] > 2
    assert config.calibration.source == "least log loss on choose of lamps: 150 real and 150 fake faces"
    assert config.decision.threshold == found["after"]["threshold"]
    assert (
        config.decision.source == "greatest balanced accuracy on choose of lamps: 150 real and 150 fake faces"
    )
    assert config.metrics == ()
    assert str(found["after"]["threshold"]) in (model / "README.md").read_text()
    again = json.loads(dfdetect("classifier", "calibrate", model, table, "--json").stdout)
    assert again["before"] == again["after"] == found["after"]


def test_saturated_scores_do_not_break_it(table: Path, tmp_path: Path, dfdetect: Run) -> None:
    done = dfdetect("classifier", "calibrate", write_lamp(tmp_path / "model", 1e5), table, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["examples"], found["real"], found["fake"]) == ("videos", 30, 30)
    after = found["after"]
    assert after["temperature"] == pytest.approx(20, abs=0.01)  # the most that is tried
    assert 0 <= after["uncertain"][0] <= after["threshold"] <= after["uncertain"][1] <= 1


def test_embedded_models_are_copied_and_never_changed(table: Path, tmp_path: Path, dfdetect: Run) -> None:
    from deepfake_cli.io.model_folder import EMBEDDED

    before = (EMBEDDED / "plain" / "config.json").read_bytes()
    for name in ("plain", EMBEDDED / "plain"):
        refused = dfdetect("classifier", "calibrate", name, table)
        assert refused.returncode == 2
        assert "--output" in refused.stderr
    done = dfdetect("classifier", "calibrate", "plain", table, "--rule", "fpr", "--fpr", "0.1", "-o", "mine")
    assert done.returncode == 0, done.stderr
    assert (EMBEDDED / "plain" / "config.json").read_bytes() == before
    mine = load_model_folder(tmp_path / "mine").config
    assert mine.decision.source.startswith("false-positive rate of at most 0.1 on choose of lamps")
    assert "the mean, which stays" in done.stdout
    assert "*" in done.stdout
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    again = dfdetect("classifier", "calibrate", "plain", table, "-o", "mine")
    assert "it is there already" in again.stderr


def test_faces_are_cut_as_is_asked_from_then_on(table: Path, tmp_path: Path, dfdetect: Run) -> None:
    model = write_lamp(tmp_path / "model", 5.0)
    own = load_model_folder(model).config.input.margin
    done = dfdetect("classifier", "calibrate", model, table, "--margin", "0.7", "-o", "tight", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["before"]["margin"], found["after"]["margin"]) == (own, 0.7)
    tight = load_model_folder(tmp_path / "tight").config
    assert tight.input.margin == 0.7
    assert "a square of 0.7 times" in (tmp_path / "tight" / "README.md").read_text()
    plain = dfdetect("classifier", "calibrate", "./tight", table, "--json")
    assert json.loads(plain.stdout)["before"] == found["after"]


def test_what_the_model_learned_from_goes_with_the_copy(table: Path, tmp_path: Path, dfdetect: Run) -> None:
    from deepfake_cli.training.measure.overlap import find_learned, write_learned
    from deepfake_cli.training.tables import Source

    model = write_lamp(tmp_path / "run" / "model", 4.0)
    write_learned(tmp_path / "run" / "learned.json", [Source(table)])
    more = ("--rule", "cost", "--cost-missed", "1", "--cost-false-alarm", "20", "--abstain", "0")
    done = dfdetect("classifier", "calibrate", model, table, "-o", "copies/mine", *more)
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "copies" / "mine"
    assert find_learned(copy) == copy / "learned.json"
    config = load_model_folder(copy).config
    assert "least cost (1 a missed fake, 20 a false alarm" in config.decision.source


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        (lamp_faces(9, 40, split="choose"), "9 real and 9 fake faces are too few"),
        ([face for face in lamp_faces(20, 40, split="choose") if face.fake], "0 real and 20 fake"),
        (
            [Face(i % 2 == 0, str(i), "same", 120, "choose") for i in range(30)],
            "all faces have the same score",
        ),
        (lamp_faces(20, 40, split="report"), "has no row in the split choose"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused(
    faces: list[Face], words: str, tmp_path: Path, dfdetect: Run
) -> None:
    model = write_lamp(tmp_path / "model", 4.0)
    before = (model / "config.json").read_bytes()
    done = dfdetect("classifier", "calibrate", model, write_bright(tmp_path / "lamps", faces))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (model / "config.json").read_bytes() == before
