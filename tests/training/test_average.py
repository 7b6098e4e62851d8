"""Several trainings made into one network."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch
from hub_models import brightness_onnx, model_files, write_model
from torch import Tensor
from training.bright import lamp_faces, write_bright

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.model_folder import ModelFolder, load_model_folder
from deepfake_cli.settings import ClassifierSettings
from deepfake_cli.training.average import average
from deepfake_cli.training.checkpoints import load_tensors
from deepfake_cli.training.export import write_network
from deepfake_cli.training.networks import build_network

Run = Callable[..., CompletedProcess[str]]

FACES = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)


def write_trained(path: Path, weights: dict[str, Tensor], settings: ClassifierSettings) -> ModelFolder:
    write_network(path / "run", weights, settings, FACES)
    given = {"size": settings.size, "margin": settings.margin, "mean": [0.5] * 3, "std": [0.5] * 3}
    network = (path / "run" / "model.onnx").read_bytes()
    files = model_files(network=network, architecture=settings.architecture, input=given)
    files["model.safetensors"] = (path / "run" / "model.safetensors").read_bytes()
    return load_model_folder(write_model(path / "model", files))


@pytest.fixture(scope="module")
def relatives(tmp_path_factory: pytest.TempPathFactory, tiny: ClassifierSettings) -> list[ModelFolder]:
    """Two networks that went on from one, a little each way."""
    torch.manual_seed(0)
    begun = build_network(tiny, None).state_dict()
    steps = {name: torch.randn(t.shape) * 0.01 for name, t in begun.items() if t.is_floating_point()}
    trained = [
        {name: t + side * steps[name] if name in steps else t for name, t in begun.items()}
        for side in (1, -1)
    ]
    for state in trained:
        state.update({name: begun[name].clone() for name in begun if name.endswith("running_var")})
    folder = tmp_path_factory.mktemp("relatives")
    return [write_trained(folder / str(n), state, tiny) for n, state in enumerate(trained)]


def test_weights_are_the_mean_of_the_members_weights(
    relatives: list[ModelFolder], tiny: ClassifierSettings, tmp_path: Path
) -> None:
    made = average(relatives, tmp_path / "made", tiny)
    one, other, mean = (load_tensors(model.safetensors) for model in (*relatives, made))
    assert mean.keys() == one.keys()
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor.double(), (one[name].double() + other[name].double()) / 2)
        assert tensor.dtype == one[name].dtype
    assert (made.config.name, made.config.metrics) == ("brightness-averaged", ())
    torch.manual_seed(1)
    network = build_network(tiny, None)
    network.load_state_dict(mean)
    planes = torch.from_numpy(Classifier.of(made).preprocess(FACES))
    with torch.inference_mode():
        expected = network.eval()(planes)
    assert isinstance(expected, Tensor)
    np.testing.assert_allclose(Classifier.of(made).logits(FACES), expected.numpy(), atol=1e-3)


def test_what_has_no_common_network_is_refused(
    relatives: list[ModelFolder], tiny: ClassifierSettings, tmp_path: Path
) -> None:
    bare = load_model_folder(write_model(tmp_path / "bare", model_files(network=brightness_onnx())))
    for members, words in (
        (relatives[:1], "alone"),
        ([relatives[0], bare], "cannot be averaged"),
    ):
        with pytest.raises(ModelError, match=words):
            average(members, tmp_path / "made", tiny)
    files = {path.name: path.read_bytes() for path in bare.path.iterdir()} | {"model.safetensors": b"?"}
    other = load_model_folder(write_model(tmp_path / "other", files))
    with pytest.raises(ModelError, match="not of one network"):
        average([relatives[0], other], tmp_path / "made", tiny)


def test_the_command_sets_the_threshold_of_the_mean(
    relatives: list[ModelFolder], tmp_path: Path, dfdetect: Run
) -> None:
    table = write_bright(tmp_path / "lamps", lamp_faces(20, 20, split="choose"))
    members = [str(model.path) for model in relatives]
    done = dfdetect("classifier", "combine", *members, "--weights", "--on", table, "-o", "whole")
    assert done.returncode == 0, done.stderr
    whole = load_model_folder(tmp_path / "whole")
    assert whole.config.decision.source.endswith("on choose of lamps: 20 real and 20 fake faces")
    assert whole.safetensors.is_file()
    both = dfdetect("classifier", "combine", *members, "--weights", "--mirrored", "--on", table, "-o", "both")
    assert both.returncode == 0, both.stderr
    assert load_model_folder(tmp_path / "both").config.architecture.endswith("of a face and its mirror image")
    alone = dfdetect("classifier", "combine", members[0], "--weights", "--on", table, "-o", "alone")
    assert alone.returncode == 2
    assert "two models or more" in alone.stderr
