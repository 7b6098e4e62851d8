"""Training runs: resumable to the bit, exported faithfully, the same faces and scores as scan."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.models.classifier import build_classifier
from deepfake_cli.settings import ClassifierSettings, Profile
from deepfake_cli.training.learner import normalise
from deepfake_cli.training.run import run_training
from deepfake_cli.training.tables import Source


@pytest.fixture(scope="module")
def run(faces_table: Path, recipe: Profile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs."""
    folder = tmp_path_factory.mktemp("run")
    epochs = list(run_training([Source(faces_table)], recipe, folder))
    assert [epoch.number for epoch in epochs] == [1, 2]
    return folder


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    run: Path, faces_table: Path, recipe: Profile, tmp_path: Path
) -> None:
    for _ in run_training([Source(faces_table)], recipe, tmp_path):
        break  # after the first epoch
    list(run_training([Source(faces_table)], recipe, tmp_path, resume=True))
    assert (tmp_path / "last.safetensors").read_bytes() == (run / "last.safetensors").read_bytes()
    assert (tmp_path / "epochs.csv").read_text() == (run / "epochs.csv").read_text()


def test_a_run_is_not_overwritten(run: Path, faces_table: Path, recipe: Profile, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="already holds a run"):
        next(run_training([Source(faces_table)], recipe, run))
    with pytest.raises(DataError, match="no run to resume"):
        next(run_training([Source(faces_table)], recipe, tmp_path, resume=True))


def test_the_model_folder_is_whole_and_set_on_choose(run: Path, tiny: ClassifierSettings) -> None:
    model = load_model_folder(run / "model")
    decision = model.config.decision
    assert decision.uncertain[0] <= decision.threshold <= decision.uncertain[1]
    assert "10 real and 10 fake" in decision.source
    assert model.config.input.size == tiny.size
    card = (run / "model" / "README.md").read_text()
    assert "Threshold:" in card
    assert "| tinted | choose | AUC, faces |" in card


def test_scan_computes_what_training_does(
    run: Path, tiny: ClassifierSettings, portrait: np.ndarray, portrait_box: tuple[int, ...]
) -> None:
    """One frame and box: the same input within 1/255 of its range and the same score."""
    config = load_model_folder(run / "model").config
    face = cut_face(portrait, portrait_box, config.input.size, config.input.margin)[None]
    classifier = Classifier(
        run / "model" / "model.onnx", size=tiny.size, mean=config.input.mean, std=config.input.std
    )
    trained = normalise(torch.from_numpy(face), tiny)
    assert np.abs(classifier.preprocess(face) - trained.numpy()).max() <= 1 / 255
    assert b".py" not in (run / "model" / "model.onnx").read_bytes()  # no stack trace of the machine's
    network = build_classifier(tiny.architecture)
    network.load_state_dict(load_file(run / "model" / "model.safetensors"))
    network.eval()
    with torch.inference_mode():
        assert classifier.logits(face) == pytest.approx(network(trained).numpy(), abs=1e-3)
    heat = classifier.explain(face).heat
    assert heat is not None
    assert heat.mean() == pytest.approx(float(classifier.logits(face)[0]), abs=1e-3)


def test_scan_scores_a_clip_as_training_would(
    run: Path, tiny: ClassifierSettings, portrait_video: Path
) -> None:
    from deepfake_cli import scan
    from deepfake_cli.core.sampling import Sampling
    from deepfake_cli.io.video import read_frames

    (result,) = scan(portrait_video, model=str(run / "model"), frames=6)
    config = load_model_folder(run / "model").config
    network = build_classifier(tiny.architecture)
    network.load_state_dict(load_file(run / "model" / "model.safetensors"))
    network.eval()
    sampling = Sampling(frames=6, every=0, burst=4, burst_seconds=0.5, burst_beyond=60)
    opened = read_frames(portrait_video, sampling, threads=1, seek_beyond=5)
    frames = {frame.index: frame.image for frame in opened}
    seen = result.tracks[0].frames
    assert len(seen) == 6
    for sample in seen:
        face = cut_face(frames[sample.index], sample.box, config.input.size, config.input.margin)
        with torch.inference_mode():
            logit = network(normalise(torch.from_numpy(face[None]), tiny)).item()
        expected = 1 / (1 + np.exp(-logit / config.calibration.temperature))
        assert sample.score == pytest.approx(expected, abs=0.02)


def test_measuring_fills_the_card(
    run: Path, faces_table: Path, dfdetect: Callable[..., object], tmp_path: Path
) -> None:
    args = ("classifier", "test", run / "model", faces_table, "--record", "--json", "--output", "out")
    done = dfdetect(*args)
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    found = {m["metric"]: m for m in json.loads(done.stdout)["measurements"]}  # type: ignore[attr-defined]
    assert found["AUC, faces"]["real"] == found["AUC, faces"]["fake"] == 10
    recorded = load_model_folder(run / "model").config.metrics
    assert found["AUC, faces"]["value"] == pytest.approx(
        next(m.value for m in recorded if (m.split, m.metric) == ("report", "AUC, faces")), abs=1e-4
    )
    assert "| tinted | report | AUC, faces |" in (run / "model" / "README.md").read_text()
    assert len((tmp_path / "out" / "scores.csv").read_text().splitlines()) == 21
