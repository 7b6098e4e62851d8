"""Several detectors made into one, from the command line."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import onnx
import pytest
from hub_models import brightness_onnx, heating_onnx, model_files, write_model
from onnx import helper, numpy_helper
from training.bright import lamp_faces, write_bright

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.model_folder import ModelFolder, load_model_folder
from deepfake_cli.training.combine import combine

Run = Callable[..., CompletedProcess[str]]

FACES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)


def left_onnx() -> bytes:
    """A network whose logit is the mean of the leftmost column."""
    network = onnx.load_model_from_string(brightness_onnx())
    graph = network.graph
    del graph.node[:], graph.initializer[:]
    graph.initializer.append(numpy_helper.from_array(np.array(0), "left"))
    graph.initializer.append(numpy_helper.from_array(np.array([1, 2]), "axes"))
    graph.node.append(helper.make_node("Gather", ["faces", "left"], ["column"], axis=3))
    graph.node.append(helper.make_node("ReduceMean", ["column", "axes"], ["logits"], keepdims=0))
    return bytes(network.SerializeToString())


def folder(path: Path, network: bytes, **changes: Any) -> ModelFolder:
    return load_model_folder(write_model(path, model_files(network=network, **changes)))


def logits(model: ModelFolder, faces: np.ndarray[Any, Any] = FACES) -> np.ndarray[Any, Any]:
    return Classifier.of(model).logits(faces) / model.config.calibration.temperature


def test_the_whole_says_the_mean_of_what_its_members_say(tmp_path: Path) -> None:
    sure = folder(tmp_path / "sure", brightness_onnx(gain=9.0))
    calm = folder(tmp_path / "calm", left_onnx(), calibration={"temperature": 3.0, "source": "lamps"})
    whole = combine([sure, calm], tmp_path / "whole", mirrored=False)
    np.testing.assert_allclose(logits(whole), (logits(sure) + logits(calm)) / 2, atol=1e-5)
    assert (whole.config.name, whole.config.architecture) == ("brightness-combined", "mean and mean")
    assert whole.config.trained_on == ("lamps",)
    assert whole.config.metrics == ()


def test_the_mirror_image_counts_as_much(tmp_path: Path) -> None:
    left = folder(tmp_path / "left", left_onnx())
    whole = combine([left], tmp_path / "whole", mirrored=True)
    both = (logits(left) + logits(left, FACES[:, :, ::-1].copy())) / 2
    np.testing.assert_allclose(logits(whole), both, atol=1e-5)
    assert np.abs(logits(left) - both).max() > 0.01
    assert logits(whole, FACES[:0]).shape == (0,)


def test_a_single_model_keeps_its_weights_to_train_on(tmp_path: Path) -> None:
    write_model(tmp_path / "left", model_files(network=left_onnx()) | {"model.safetensors": b"weights"})
    whole = combine([load_model_folder(tmp_path / "left")], tmp_path / "whole", mirrored=True)
    assert whole.safetensors.read_bytes() == b"weights"
    assert "model.safetensors" in whole.config.files
    assert whole.config.architecture == "mean, of a face and its mirror image"


def test_heat_of_the_mirror_image_is_turned_back(tmp_path: Path) -> None:
    warm = folder(tmp_path / "warm", heating_onnx(gain=2.0))
    whole = combine([warm, warm], tmp_path / "whole", mirrored=True)
    heat, own = Classifier.of(whole).explain(FACES).heat, Classifier.of(warm).explain(FACES).heat
    assert heat is not None
    assert own is not None
    np.testing.assert_allclose(heat, own, atol=1e-5)  # each place looks at nothing but itself


def test_smaller_members_see_the_face_scaled_down(tmp_path: Path) -> None:
    half = {"size": 32, "margin": 1.25, "mean": [0.5] * 3, "std": [0.5] * 3}
    large = folder(tmp_path / "large", brightness_onnx(64), input=half | {"size": 64})
    small = folder(tmp_path / "small", brightness_onnx(32), input=half)
    whole = combine([small, large], tmp_path / "whole", mirrored=True)
    assert whole.config.input.size == 64
    faces = np.repeat(np.repeat(FACES, 2, 1), 2, 2)
    np.testing.assert_allclose(logits(whole, faces), logits(small), atol=1e-3)


def test_members_that_need_other_cuts_are_refused(tmp_path: Path) -> None:
    tight = folder(tmp_path / "tight", brightness_onnx())
    given = {"size": 32, "margin": 2.0, "mean": [0.5] * 3, "std": [0.5] * 3}
    wide = folder(tmp_path / "wide", brightness_onnx(), input=given)
    with pytest.raises(ModelError, match=r"margin 1.25 and 2.0"):
        combine([tight, wide], tmp_path / "whole", mirrored=False)
    assert not (tmp_path / "whole").exists()


def test_the_command_sets_the_threshold_of_the_whole(tmp_path: Path, dfdetect: Run) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(40, 40, split="choose"))
    folder(tmp_path / "one", brightness_onnx(gain=3.0))
    folder(tmp_path / "two", brightness_onnx(gain=5.0))
    done = dfdetect("classifier", "combine", "./one", "./two", "--mirrored", "--on", table, "-o", "whole")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "whole"
    config = load_model_folder(tmp_path / "whole").config
    assert (
        config.decision.source == "greatest balanced accuracy on choose of lamps: 40 real and 40 fake faces"
    )
    assert "mean and mean" in (tmp_path / "whole" / "README.md").read_text()
    again = dfdetect("classifier", "combine", "./one", "--on", table, "-o", "whole")
    assert again.returncode == 2
    assert "it is there already" in again.stderr
