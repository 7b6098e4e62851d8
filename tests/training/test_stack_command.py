"""Several detectors weighed against each other, from the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from hub_models import brightness_onnx, heating_onnx, model_files, write_model
from training.bright import lamp_faces, write_bright

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.inference.stack import open_scorer
from deepfake_cli.io.model_folder import StackFolder, load_model_folder
from deepfake_cli.pipeline.models import resolve
from deepfake_cli.profile import load_profile
from deepfake_cli.training.measure.evaluate import judge, read_rows
from deepfake_cli.training.measure.metrics import auc
from deepfake_cli.training.measure.overlap import LEARNED, find_learned, read_learned, write_learned
from deepfake_cli.training.stack import Asked, stack
from deepfake_cli.training.stack_fit import cross_validate, fit_weights, part_by_source
from deepfake_cli.training.tables import Source

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of faces, and two models: one that sees its way, and one that is wrong."""
    folder = tmp_path_factory.mktemp("stack")
    faces = lamp_faces(20, 30, each=2, split="choose") + lamp_faces(12, 30, split="report", seed=1)
    write_bright(folder / "lamps", faces)
    wide = {"size": 48, "margin": 1.0, "mean": [0.4] * 3, "std": [0.5] * 3}
    write_model(folder / "one", model_files(network=brightness_onnx(gain=6.0)))
    calm = {"temperature": 2.0, "source": "lamps"}
    against = model_files(network=heating_onnx(48, -3.0), input=wide, calibration=calm, trained_on=["suns"])
    write_model(folder / "other", against)
    return folder


def asked(folder: Path) -> list[Asked]:
    paths = [folder / "one", folder / "other"]
    return [Asked(path.name, str(path), True, load_model_folder(path)) for path in paths]


def test_a_stack_is_fitted_and_written(made: Path, tmp_path: Path) -> None:
    table = made / "lamps" / "faces.csv"
    settings = load_profile().classifier
    found = stack(asked(made), [table], ["choose"], tmp_path / "whole", settings)
    assert (found.examples, found.real, found.fake) == ("videos", 20, 20)
    assert [one.name for one in found.standings] == [
        "one",
        "other",
        "plain average",
        "stack, cross-validated",
    ]
    one, other, average, whole = found.standings
    assert one.auc > 0.8 > 0.2 > other.auc
    assert whole.auc > 0.8
    assert one.weight is not None
    assert other.weight is not None
    assert one.weight > 0 > other.weight
    model = resolve(str(tmp_path / "whole"))
    assert isinstance(model, StackFolder)
    assert [member.path.name for member in model.members] == ["one", "other"]
    assert model.config.trained_on == ("lamps", "suns")
    assert model.config.decision.source == (
        "greatest balanced accuracy on choose of lamps: 40 real and 40 fake faces, cross-validated"
    )
    judged = judge(model, table, ["report"])
    labels = [row.fake for row in judged.rows]
    assert auc(labels, judged.scores) > 0.8
    called = judged.scores >= model.config.decision.threshold
    assert np.mean([np.mean(called[np.array(labels) == kind] == kind) for kind in (False, True)]) > 0.7
    again = stack(asked(made), [table], ["choose"], tmp_path / "again", settings)
    assert again.standings == found.standings


def test_what_is_judged_is_of_other_sources_than_what_is_fitted_to(made: Path) -> None:
    rows = read_rows(made / "lamps" / "faces.csv", ["choose"])
    seen = sorted({(row.original, row.fake) for row in rows})
    told = np.eye(len(seen))[[seen.index((row.original, row.fake)) for row in rows]]  # known by heart
    held_out = cross_validate(told, rows, part_by_source(rows, 0))
    assert auc([row.fake for row in rows], held_out) < 0.6
    bias, weights = fit_weights(told, rows)
    assert auc([row.fake for row in rows], bias + told @ weights) > 0.9


def test_a_stack_adds_up_what_its_members_say(made: Path, tmp_path: Path) -> None:
    table = made / "lamps" / "faces.csv"
    stack(asked(made), [table], ["choose"], tmp_path / "whole", load_profile().classifier)
    whole = resolve(str(tmp_path / "whole"))
    assert isinstance(whole, StackFolder)
    picture = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    expected = whole.config.bias
    for told, member in zip(whole.config.members, whole.members, strict=True):
        scorer = open_scorer(member)
        said = scorer.logits([scorer.cut(picture, np.array([5, 5, 50, 50]))])[0]
        expected += told.weight * said / member.config.calibration.temperature
    scorer = open_scorer(whole)
    found = scorer.logits([scorer.cut(picture, np.array([5, 5, 50, 50]))])
    assert found == pytest.approx([expected], abs=1e-5)


def test_a_stack_tells_what_its_members_learned_from(made: Path, tmp_path: Path) -> None:
    table, settings = made / "lamps" / "faces.csv", load_profile().classifier
    for name in ("one", "other"):
        shutil.copytree(made / name, tmp_path / name)
    write_learned(tmp_path / "one" / LEARNED, [Source(table)])
    stack(asked(tmp_path), [table], ["choose"], tmp_path / "half", settings)
    assert not (tmp_path / "half" / LEARNED).exists()  # of the other nothing is known
    others = write_bright(tmp_path / "suns", lamp_faces(5, 30, split="train", seed=2))
    write_learned(tmp_path / "other" / LEARNED, [Source(others)])
    stack(asked(tmp_path), [table], ["choose"], tmp_path / "whole", settings)
    assert read_learned(tmp_path / "whole" / LEARNED).datasets == {"lamps", "suns"}


def test_what_lies_beside_a_model_is_not_taken_for_its_own(tmp_path: Path) -> None:
    (tmp_path / LEARNED).write_text("{}")
    assert find_learned(tmp_path / "model") == tmp_path / LEARNED
    assert find_learned(tmp_path / "all") is None


def test_what_cannot_be_stacked_is_refused(made: Path, tmp_path: Path) -> None:
    table, settings = made / "lamps" / "faces.csv", load_profile().classifier
    one, other = asked(made)
    for members, words in (([one], "two models or more"), ([one, one], "named twice")):
        with pytest.raises(UsageError, match=words):
            stack(members, [table], ["choose"], tmp_path / "whole", settings)
    few = write_bright(tmp_path / "few", lamp_faces(5, 30, split="choose"))
    with pytest.raises(DataError, match="5 real and 5 fake faces are too few"):
        stack([one, other], [few], ["choose"], tmp_path / "whole", settings)
    assert not (tmp_path / "whole").exists()


def test_the_commands_take_a_stack_for_a_model(made: Path, dfdetect: Run) -> None:
    table = made / "lamps" / "faces.csv"
    done = dfdetect("classifier", "stack", "./one", "./other", "--on", table, "-o", "whole", cwd=made)
    assert done.returncode == 0, done.stderr
    assert "stack, cross-validated" in done.stdout
    config = json.loads((made / "whole" / "config.json").read_text())
    assert [member["model"] for member in config["members"]] == ["../one", "../other"]
    compared = dfdetect("classifier", "compare", "./whole", "./one", table, "--json", cwd=made)
    assert compared.returncode == 0, compared.stderr
    measured = json.loads(compared.stdout)["comparisons"][0]
    assert measured["found"]["a"] > 0.8
    tested = dfdetect("classifier", "test", "./whole", table, "--record", "--quiet", cwd=made)
    assert tested.returncode == 0, tested.stderr
    assert resolve(str(made / "whole")).config.metrics
    (made / "far").mkdir()
    moved = dfdetect("classifier", "calibrate", "./whole", table, "-o", "far/whole", cwd=made)
    assert moved.returncode == 0, moved.stderr
    faces = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 3), np.uint8)
    here, there = (open_scorer(resolve(str(made / name))) for name in ("whole", "far/whole"))
    assert there.logits([there.cut(faces[0], (0, 0, 48, 48))]) == pytest.approx(
        here.logits([here.cut(faces[0], (0, 0, 48, 48))])
    )
    refused = dfdetect("classifier", "combine", "./whole", "./one", "--on", table, "-o", "new", cwd=made)
    assert refused.returncode == 2
    assert "whole has no network" in refused.stderr
    shutil.rmtree(made / "far")
