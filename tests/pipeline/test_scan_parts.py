"""Scans by models that say what their scores are the sum of: of modalities, and of several models."""

import json
import os
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from hub_models import brightness_onnx, modalities_files, model_files, stack_files, write_model

from deepfake_cli import scan
from deepfake_cli.core.face_parts import MODALITIES
from deepfake_cli.core.verdict import Verdict
from deepfake_cli.errors import ModelError, UsageError
from deepfake_cli.io.images import read_image
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.pipeline.result import ScanResult

Run = Callable[..., subprocess.CompletedProcess[str]]

SCHEMA = json.loads((files("deepfake_cli") / "scan-result.schema.json").read_text())


@pytest.fixture(scope="module")
def media(
    tmp_path_factory: pytest.TempPathFactory,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
    portrait: np.ndarray,
) -> Path:
    """A video of two people, of whom one is bright and one dark, and a picture."""
    folder = tmp_path_factory.mktemp("media")
    frames = pan(5)
    both = [np.hstack([frame, (frame * 0.4).astype(np.uint8)]) for frame in frames]
    make_video(folder / "two.mp4", both)
    cv2.imwrite(str(folder / "portrait.png"), portrait[:, :, ::-1])
    return folder


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that takes faces apart, and bright ones for fake."""
    files = modalities_files((6.0, 3.0, -0.5, 0.0, 0.2))
    return str(write_model(tmp_path_factory.mktemp("models") / "apart", files))


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack of two models that see faces of unlike sizes and margins."""
    folder = tmp_path_factory.mktemp("stack")
    wide = {"size": 64, "margin": 1.6, "mean": [0.5] * 3, "std": [0.5] * 3}
    write_model(folder / "tight", model_files(network=brightness_onnx(32, 3.0)))
    write_model(folder / "wide", model_files(network=brightness_onnx(64, 5.0), input=wide))
    named = [
        (f"../{name}", load_model_folder(folder / name).revision, 1.0, weight)
        for name, weight in (("tight", 0.5), ("wide", 1.0))
    ]
    return write_model(folder / "stack", stack_files(*named, bias=0.5))


def one(path: Path, model: str | Path, **options: object) -> ScanResult:
    (result,) = scan(path, model=str(model), **options)  # type: ignore[arg-type]
    record = json.loads(json.dumps(result.to_json()))
    jsonschema.validate(record, SCHEMA)
    assert ScanResult.from_json(record) == result
    return result


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def test_every_face_says_what_each_branch_adds(media: Path, apart: str) -> None:
    result = one(media / "two.mp4", apart)
    assert result.verdict is Verdict.FAKE
    assert len(result.tracks) == 2
    for face in (face for track in result.tracks for face in track.frames):
        assert face.parts is not None
        assert tuple(face.parts) == MODALITIES
        assert logit(face.score) == pytest.approx(0.25 + sum(face.parts.values()), abs=0.01)


def test_a_sheet_of_each_persons_best_evidence_is_saved(media: Path, apart: str, tmp_path: Path) -> None:
    saving = {"save_modalities": tmp_path / "sheets", "save_faces": tmp_path / "faces"}
    result = one(media / "two.mp4", apart, **saving)
    (folder,) = (tmp_path / "sheets").iterdir()
    best = {(track.id, face.index): face for track in result.tracks for face in track.frames}
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"person-{track.id:03}_frame-{track.evidence[0]:05}"
        f"_score-{best[track.id, track.evidence[0]].score:.4f}_modalities.png"
        for track in result.tracks
    )
    for path in folder.iterdir():
        sheet = read_image(path)
        assert sheet.shape == (16 + 22 + 12, 6 * (16 + 12), 3)
        face = read_image(tmp_path / "faces" / folder.name / path.name.replace("_modalities", ""))
        shown = cv2.resize(face, (16, 16), interpolation=cv2.INTER_AREA)
        assert np.array_equal(sheet[6:22, 6:22], shown)
    assert result == one(media / "two.mp4", apart)


def test_modalities_that_a_model_does_not_know_cannot_be_saved(
    media: Path, stacked: Path, tmp_path: Path
) -> None:
    for model in ("plain", str(stacked)):
        with pytest.raises(UsageError, match="does not take faces apart"):
            list(scan(media / "portrait.png", model=model, save_modalities=tmp_path / "sheets"))
    with pytest.raises(UsageError, match="paints no map"):
        list(scan(media / "portrait.png", model=str(stacked), save_mri=tmp_path / "maps"))
    assert not list(tmp_path.iterdir())


def test_a_stack_whose_weights_lead_beyond_all_numbers_is_told(
    media: Path, stacked: Path, tmp_path: Path
) -> None:
    config = json.loads((stacked / "config.json").read_text())
    for member in config["members"]:
        member["model"] = os.path.relpath(stacked / member["model"], tmp_path / "wild")
        member["weight"] = 1e60
    wild = write_model(tmp_path / "wild", {"config.json": json.dumps(config).encode()})
    with pytest.raises(ModelError, match="beyond all numbers"):
        one(media / "portrait.png", wild)


def test_a_stack_judges_by_what_its_members_say(media: Path, stacked: Path) -> None:
    result = one(media / "two.mp4", stacked)
    alone = {name: one(media / "two.mp4", stacked / ".." / name) for name in ("tight", "wide")}
    assert result.verdict is Verdict.FAKE
    assert (result.model.name, len(result.model.revision)) == ("stacked", 12)
    for track in result.tracks:
        for number, face in enumerate(track.frames):
            tight, wide = (
                next(t for t in alone[name].tracks if t.id == track.id).frames[number].score
                for name in ("tight", "wide")
            )
            assert face.parts == pytest.approx(
                {"../tight": 0.5 * logit(tight), "../wide": logit(wide)}, abs=0.01
            )
            assert logit(face.score) == pytest.approx(0.5 + sum(face.parts.values()), abs=0.01)


def test_details_say_what_the_best_evidence_is_the_sum_of(
    dfdetect: Run, media: Path, apart: str, stacked: Path, tmp_path: Path
) -> None:
    asked = ("--details", "--quiet", "--save-modalities", tmp_path / "sheets")
    run = dfdetect("scan", "--model", apart, "portrait.png", *asked, cwd=media)
    assert run.returncode == 1, run.stderr
    (line,) = [line for line in run.stdout.splitlines() if "towards fake at 0:00.0: albedo +" in line]
    assert line.count(",") == 4
    assert len(list((tmp_path / "sheets").glob("portrait.png-*/person-001_*_modalities.png"))) == 1
    run = dfdetect("scan", "--model", stacked, "portrait.png", "--details", cwd=media)
    assert run.returncode == 1, run.stderr
    assert "towards fake at 0:00.0: ../tight +" in run.stdout
