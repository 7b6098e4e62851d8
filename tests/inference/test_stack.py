"""Faces scored by one classifier, and by a stack of several."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_models import brightness_onnx, model_files, stack_files, write_model

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.inference.stack import open_scorer
from deepfake_cli.io.model_config import Member, ModelConfig, StackConfig
from deepfake_cli.io.model_folder import ModelFolder, load_model_folder
from deepfake_cli.pipeline.models import find_model, resolve

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
BOXES = [(10.0, 5.0, 60.0, 70.0), (50.0, 20.0, 110.0, 85.0), (0.0, 0.0, 30.0, 30.0)]
SMALL = {"size": 32, "margin": 1.25, "mean": [0.5] * 3, "std": [0.5] * 3}


def member(path: Path, gain: float, temperature: float = 1.0, **given: Any) -> ModelFolder:
    network = brightness_onnx(given.get("size", 32), gain)
    changes = {"calibration": {"temperature": temperature, "source": "lamps"}, "input": SMALL | given}
    return load_model_folder(write_model(path, model_files(network=network, **changes)))


def logits(model: ModelFolder) -> np.ndarray:
    given = model.config.input
    cuts = [cut_face(PICTURE, box, given.size, given.margin) for box in BOXES]
    return Classifier.of(model).logits(np.stack(cuts)).astype(np.float64)


@pytest.fixture
def two(tmp_path: Path) -> tuple[ModelFolder, ModelFolder]:
    return member(tmp_path / "one", 3.0, 2.0), member(tmp_path / "other", 5.0, size=64, margin=1.0)


@pytest.fixture
def stacked(two: tuple[ModelFolder, ModelFolder], tmp_path: Path) -> Path:
    one, other = two
    named = ("../one", one.revision, 2.0, 0.75), ("../other", other.revision, 1.0, -2.0)
    return write_model(tmp_path / "stack", stack_files(*named, bias=0.5, temperature=1.5))


def test_each_member_sees_the_face_its_own_way(stacked: Path, two: tuple[ModelFolder, ModelFolder]) -> None:
    scorer = open_scorer(resolve(str(stacked)))
    assert [tuple(view) for view in scorer.views] == [(32, 1.25), (64, 1.0)]
    faces = [scorer.cut(PICTURE, box) for box in BOXES]
    told = np.stack([0.75 * logits(two[0]) / 2.0, -2.0 * logits(two[1])], axis=1)
    whole = 0.5 + told.sum(axis=1)
    assert scorer.logits(faces) == pytest.approx(whole)
    said = scorer.explain(faces)
    assert said.scores == pytest.approx(1 / (1 + np.exp(-whole / 1.5)))
    assert scorer.score(faces) == pytest.approx(said.scores)
    assert scorer.branches == ("../one", "../other")
    there = open_scorer(pickle.loads(pickle.dumps(resolve(str(stacked)))))  # as workers get it
    assert there.logits(faces) == pytest.approx(whole)
    assert said.parts == pytest.approx(told / 1.5, rel=1e-5)


def test_a_single_classifier_scores_as_it_always_did(two: tuple[ModelFolder, ModelFolder]) -> None:
    scorer = open_scorer(two[1])
    faces = [scorer.cut(PICTURE, box) for box in BOXES]
    np.testing.assert_array_equal(scorer.logits(faces), logits(two[1]))
    np.testing.assert_array_equal(scorer.score(faces), scorer.explain(faces).scores)
    assert scorer.explain(faces).parts is None


def test_members_that_see_faces_alike_share_their_cuts(tmp_path: Path) -> None:
    one, other = member(tmp_path / "one", 1.0), member(tmp_path / "other", 2.0)
    named = ("../one", one.revision, 1.0, 1.0), ("../other", other.revision, 1.0, 1.0)
    stack = resolve(str(write_model(tmp_path / "stack", stack_files(*named))))
    assert len(open_scorer(stack).views) == 1


def test_a_member_that_changed_is_refused(stacked: Path, tmp_path: Path) -> None:
    member(tmp_path / "one", 9.0)
    with pytest.raises(ModelError, match=r"stacked was made with \.\./one at revision .*, which is at"):
        resolve(str(stacked))


@pytest.mark.parametrize(
    ("name", "words"),
    [("./gone", "asks ./gone: there is no model"), ("../stack", "which is made of others itself")],
)
def test_members_that_cannot_be_asked_are_told(stacked: Path, tmp_path: Path, name: str, words: str) -> None:
    named = (name, "0" * 12, 1.0, 1.0), ("plain", "0" * 12, 1.0, 1.0)
    again = write_model(tmp_path / "again", stack_files(*named))
    with pytest.raises(ModelError, match=words):
        resolve(str(again))


def test_what_a_stack_computes_is_its_revision(stacked: Path, tmp_path: Path) -> None:
    first = load_model_folder(stacked)
    assert find_model(str(stacked)).folder.revision == first.revision
    config = json.loads((stacked / "config.json").read_text())
    config["bias"] = 0.75
    assert load_model_folder(
        write_model(tmp_path / "x", {"config.json": json.dumps(config).encode()})
    ).revision not in (first.revision, "")
    with pytest.raises(ModelError, match="has no network"):
        _ = first.onnx


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    named = ("owner/name", "0" * 40, 1.0, 1.0), ("owner/name", "1" * 40, 1.0, 1.0)
    with pytest.raises(ModelError, match="members has owner/name twice"):
        load_model_folder(write_model(tmp_path / "x", stack_files(*named)))


@pytest.mark.parametrize("extreme", [{"weight": 1e60}, {"weight": 1e308, "temperature": 1e-300}])
def test_numbers_beyond_all_numbers_are_told(
    stacked: Path, tmp_path: Path, extreme: dict[str, float]
) -> None:
    config = json.loads((stacked / "config.json").read_text())
    config["members"][0] |= extreme
    wild = open_scorer(
        resolve(str(write_model(tmp_path / "x", {"config.json": json.dumps(config).encode()})))
    )
    with pytest.raises(ModelError, match="beyond all numbers"):
        wild.explain([wild.cut(PICTURE, box) for box in BOXES])


@pytest.mark.parametrize("change", [{"members": []}, {"members": None}, {"bias": None}, {"bias": "much"}])
def test_a_stack_with_mistakes_is_refused(stacked: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    config = json.loads((stacked / "config.json").read_text()) | change
    folder = write_model(tmp_path / "x", {"config.json": json.dumps(config).encode()})
    with pytest.raises(ModelError, match="has a mistake"):
        load_model_folder(folder)


def test_every_key_of_a_stack_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "model-folder.md").read_text(encoding="utf-8")
    section = text.partition("## A stack\n")[2].partition("\n## ")[0]
    own = set(StackConfig.model_fields) - set(ModelConfig.model_fields) | {"method"}
    documented = re.findall(r"^\| `([^`]*)` \|", section, re.MULTILINE)
    assert set(documented) == own | {f"members[].{key}" for key in Member.model_fields}
