"""Classifiers that look at maps: the generator within stays as it was, and comes out in one network."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from recipes import tiny_recipe
from safetensors.torch import load_file

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.inference.mri_generator import MriGenerator
from deepfake_cli.io.model_folder import GeneratorFolder, load_generator_folder, load_model_folder
from deepfake_cli.models.classifier import build_classifier
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import ClassifierSettings
from deepfake_cli.training.gan.run import run_gan
from deepfake_cli.training.networks import begin
from deepfake_cli.training.run import run_training
from deepfake_cli.training.tables import Source

GAN = {
    **{"architecture": "unet", "width": 4, "depth": 3, "discriminator_width": 4, "discriminator_depth": 2},
    **{"size": 32, "pairs": 8, "epochs": 1, "batch": 4, "workers": 0, "samples": 1},
}


@pytest.fixture(scope="module")
def generator(faces_table: Path, tmp_path_factory: pytest.TempPathFactory) -> GeneratorFolder:
    folder = tmp_path_factory.mktemp("generator")
    settings = load_profile(options={f"gan.{key}": value for key, value in GAN.items()}).gan
    list(run_gan([Source(faces_table)], settings, folder))
    return load_generator_folder(folder / "model")


@pytest.mark.parametrize("sees", ["mri", "fusion"])
def test_the_generator_paints_within_the_classifier_as_alone(
    sees: str, generator: GeneratorFolder, faces_table: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(input=sees, size=32)
    list(run_training([Source(faces_table)], recipe, tmp_path, inner=generator))
    model = load_model_folder(tmp_path / "model")
    assert model.config.method == sees
    assert model.config.generator == f"{generator.config.name}@{generator.revision}"
    given = model.config.input
    classifier = Classifier(model.onnx, size=given.size, mean=given.mean, std=given.std)
    alone = MriGenerator(generator.onnx, size=32, mean=given.mean, std=given.std)
    faces = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    _, maps = classifier.score_and_paint(faces)
    assert np.abs(maps - alone.paint(faces)).max() < 1e-3
    trained, before = load_file(model.safetensors), load_file(generator.safetensors)
    for name, tensor in before.items():
        assert torch.equal(trained[f"painter.generator.{name}"], tensor), name


def test_faces_of_another_size_are_scaled_for_the_generator(
    generator: GeneratorFolder, faces_table: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(input="fusion", epochs=1)
    list(run_training([Source(faces_table)], recipe, tmp_path, inner=generator))
    model = load_model_folder(tmp_path / "model")
    given = model.config.input
    classifier = Classifier(model.onnx, size=64, mean=given.mean, std=given.std)
    scores, maps = classifier.score_and_paint(np.full((2, 64, 64, 3), 90, np.uint8))
    assert scores.shape == (2,)
    assert maps.shape == (2, 32, 32, 3)


def test_fusion_begins_where_the_plain_classifier_ended(
    generator: GeneratorFolder, tiny: ClassifierSettings
) -> None:
    """The first layer knows faces alone and ignores the map: the same logits."""
    plain = build_classifier(tiny.architecture).eval()
    fusion, _ = begin(tiny.model_copy(update={"input": "fusion"}), generator, plain.state_dict())
    fusion.eval()
    faces = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        logits, _ = fusion(faces)
        assert torch.allclose(logits, plain(faces), atol=1e-5)


def test_weights_of_another_network_are_refused(generator: GeneratorFolder, tiny: ClassifierSettings) -> None:
    with pytest.raises(ModelError, match="do not fit"):
        begin(tiny.model_copy(update={"input": "mri"}), generator, {"network.other": torch.zeros(1)})


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    generator: GeneratorFolder, faces_table: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(input="fusion")
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    list(run_training([Source(faces_table)], recipe, whole, inner=generator))
    for _ in run_training([Source(faces_table)], recipe, parted, inner=generator):
        break
    list(run_training([Source(faces_table)], recipe, parted, inner=generator, resume=True))
    assert (whole / "last.safetensors").read_bytes() == (parted / "last.safetensors").read_bytes()


def test_a_generator_without_its_weights_is_told(
    generator: GeneratorFolder,
    faces_table: Path,
    tmp_path: Path,
    dfdetect: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "model.onnx"):
        (copy / name).write_bytes((generator.path / name).read_bytes())
    done = dfdetect(
        *("classifier", "train", faces_table, "--output", tmp_path / "run"),
        *("--input", "mri", "--generator", copy),
    )
    assert done.returncode == 2
    assert "has no model.safetensors" in done.stderr
    assert "hint:" in done.stderr
