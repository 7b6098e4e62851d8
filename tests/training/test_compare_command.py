"""Two detectors on the same faces, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from training.bright import lamp_faces, write_bright, write_lamp

from deepfake_cli.training.measure.compare import balanced_accuracy_at, differ
from deepfake_cli.training.measure.examples import quick_auc
from deepfake_cli.training.measure.judged import Part, by_face
from deepfake_cli.training.measure.metrics import auc

Run = Callable[..., CompletedProcess[str]]


def part_of(labels: np.ndarray, scores: np.ndarray) -> Part:
    from deepfake_cli.training.measure.judged import Judged
    from deepfake_cli.training.tables import FaceRow

    rows = [
        FaceRow(Path(f"{i}.png"), np.zeros(4), None, bool(y), str(i), str(i), "", "", "report", None, None, 1)
        for i, y in enumerate(labels)
    ]
    return by_face(Judged("lamps", "report", rows, scores))


def test_the_quick_auc_is_the_auc() -> None:
    rng = np.random.default_rng(2)
    labels, scores = rng.integers(0, 2, 200), rng.random(200).round(1)  # with ties
    assert quick_auc(labels, scores) == pytest.approx(auc(labels, scores))


def test_pairing_sees_a_small_difference_that_intervals_of_each_alone_hide() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    hard = rng.normal(0, 1, 120) + labels
    better, worse = (part_of(labels, 1 / (1 + np.exp(-hard - gain * labels))) for gain in (0.2, 0.0))
    found = differ(better, worse, quick_auc, quick_auc)
    assert found.a_interval[0] < found.b < found.a
    assert found.interval[0] > 0
    assert found.ahead == 1
    assert found.difference == pytest.approx(found.a - found.b)


def test_a_model_does_not_differ_from_itself() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 20)
    part = part_of(labels, rng.random(40))
    found = differ(part, part, quick_auc, quick_auc)
    assert (found.difference, found.interval, found.ahead) == (0, (0, 0), 0.5)


def test_balanced_accuracy_is_the_mean_of_both_rates() -> None:
    measure = balanced_accuracy_at(0.5)
    assert measure(np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.4, 0.5, 0.3])) == 0.625


def test_the_better_model_is_named(tmp_path: Path, dfdetect: Run) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(20, 40, each=2))
    good, bad = write_lamp(tmp_path / "good", 4.0), write_lamp(tmp_path / "bad", -4.0)
    done = dfdetect("classifier", "compare", good, bad, table)
    assert done.returncode == 0, done.stderr
    assert "lamps, report, AUC, videos: A is better, and that is more than chance" in done.stdout
    told = dfdetect("classifier", "compare", bad, good, table, "--json")
    comparison = json.loads(told.stdout)["comparisons"][0]
    assert comparison["found"]["ahead"] == 0
    assert comparison["verdict"] == f"{good} is better, and that is more than chance"
    assert (comparison["real"], comparison["fake"]) == (20, 20)


def test_few_faces_are_too_few_to_tell(tmp_path: Path, dfdetect: Run) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(5, 40))
    model = write_lamp(tmp_path / "model", 4.0)
    done = dfdetect("classifier", "compare", model, model, table)
    assert done.returncode == 0, done.stderr
    assert "AUC, faces: too few to tell: 5 real and 5 fake" in done.stdout
