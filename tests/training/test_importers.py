"""Published checkpoints become model folders that compute what their descriptions say."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
import torch.nn.functional as F
from published_checkpoints import (
    Payload,
    classifier_state,
    encoder,
    gan_checkpoint,
    generator_state,
    judge,
    paint,
    resnet,
    resnet_state,
)
from safetensors.torch import load_file, save_file

from deepfake_cli.cli.models import Published
from deepfake_cli.errors import ModelError, OutputError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.model_folder import GeneratorFolder, load_generator_folder, load_model_folder
from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.models.generator import UNet
from deepfake_cli.training.importing.importers import KINDS, import_checkpoint

Run = Callable[..., subprocess.CompletedProcess[str]]

MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)


@pytest.fixture(autouse=True)
def _same_at_every_run() -> None:
    torch.manual_seed(0)


def save(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def pictures(size: int) -> np.ndarray:
    """(3, size, size, 3) smooth pictures; noise alone would hardly tell one from another."""
    coarse = F.interpolate(torch.rand(3, 3, 6, 6), (size, size), mode="bicubic")
    noisy = (coarse + 0.1 * torch.randn(coarse.shape)).clamp(0, 1)
    return (255 * noisy).byte().permute(0, 2, 3, 1).numpy()


def planes(faces: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(faces).permute(0, 3, 1, 2) / 255


def run_onnx(folder: Path, faces: torch.Tensor) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(str(folder / "model.onnx"))
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"faces": faces.numpy()}), strict=True))


def seen_in_maps(painter: dict[str, torch.Tensor], faces: torch.Tensor) -> torch.Tensor:
    """What the classifier gets to see (N, 3, 224, 224) of faces (N, 3, 256, 256) in [-1, 1]."""
    maps = (paint(painter, faces) + 1) / 2
    return (F.interpolate(maps, (224, 224), mode="bilinear", align_corners=False) - MEAN) / STD


def tell_apart(values: np.ndarray) -> bool:
    """Say whether the three pictures got values far enough apart for a comparison to mean something."""
    return bool(np.ptp(values) > 0.05)


def import_by_command(dfdetect: Run, file: Path, kind: str, folder: Path, *more: str) -> None:
    args = ("models", "import", file, "--as", kind, "--output", folder, *more)
    run = dfdetect(*args, timeout=900)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{folder}\n", "")


def small_generator(tmp_path: Path) -> GeneratorFolder:
    file = save(tmp_path / "small.pth", generator_state(2))
    import_checkpoint(file, "mri-gan", tmp_path / "small", minimum_faces=3)
    return load_generator_folder(tmp_path / "small")


@pytest.mark.parametrize("width", [4, pytest.param(64, marks=pytest.mark.slow)])
def test_a_generator_paints_what_its_definition_does(width: int, dfdetect: Run, tmp_path: Path) -> None:
    state = generator_state(width)
    file, folder = save(tmp_path / "gan.pth", gan_checkpoint(state, log_dir=tmp_path)), tmp_path / "gan"
    import_by_command(dfdetect, file, "mri-gan", folder)

    config = load_generator_folder(folder).config
    assert (config.architecture, config.shape.width, config.shape.depth) == ("unet", width, 8)
    assert (config.input.size, config.input.margin) == (256, 1.2)
    assert config.trained_on == ("DFDC", "Celeb-DF-v2", "FFHQ", "FDF")
    assert config.metrics == ()
    assert "authors" in config.licence

    faces = (planes(pictures(256)) - 0.5) / 0.5
    (name, maps), *others = run_onnx(folder, faces).items()
    assert (name, others) == ("maps", [])
    expected = (paint(state, faces).numpy() + 1) / 2
    assert tell_apart(expected)
    assert np.abs(maps - expected).max() < 1e-3
    network = UNet(width, 8, dropout=0.5)
    network.load_state_dict(load_file(folder / "model.safetensors"))  # to train on
    card = (folder / "README.md").read_text()
    assert "training mode" in card
    assert "rescaled to\n  [0, 1]" in card
    assert f"Width {width}, depth 8" in card


@pytest.mark.slow
def test_a_bare_state_dict_of_fewer_levels_is_a_generator_too(tmp_path: Path) -> None:
    state = generator_state(8, depth=5)
    file = save(tmp_path / "bare.pth", state)
    import_checkpoint(file, "mri-gan", tmp_path / "bare", minimum_faces=3)
    assert load_generator_folder(tmp_path / "bare").config.shape.depth == 5
    faces = (planes(pictures(256)) - 0.5) / 0.5
    expected = (paint(state, faces).numpy() + 1) / 2
    assert np.abs(run_onnx(tmp_path / "bare", faces)["maps"] - expected).max() < 1e-3


@pytest.mark.slow
def test_mri_gans_classifier_judges_frames(dfdetect: Run, tmp_path: Path) -> None:
    faces = pictures(224)
    network = encoder((torch.cat((planes(faces), torch.rand(3, 3, 224, 224))) - MEAN) / STD)
    state = classifier_state(network)
    file, folder = save(tmp_path / "b0.pth", {"model_state_dict": state, "epoch": 20}), tmp_path / "b0"
    import_by_command(dfdetect, file, "mri-gan-classifier", folder)

    config = load_model_folder(folder).config
    assert (config.method, config.architecture, config.generator) == ("plain", "tf_efficientnet_b0", None)
    assert (config.input.size, config.input.margin) == (224, 1.2)
    assert (config.decision.threshold, config.decision.uncertain) == (0.5, (0.5, 0.5))
    assert config.decision.source == "published; not set on any split here"
    assert (config.calibration.temperature, config.calibration.source) == (1, "not calibrated")

    with torch.inference_mode():
        expected = judge(network, state, (planes(faces) - MEAN) / STD).numpy()
    assert tell_apart(expected)
    classifier = Classifier(folder / "model.onnx", size=224, mean=config.input.mean, std=config.input.std)
    assert np.abs(classifier.logits(faces) - expected).max() < 1e-3
    explained = dfdetect("models", "info", folder)
    assert "published; not set on any split here" in explained.stdout


@pytest.mark.slow
def test_mri_gans_classifier_judges_the_maps_of_a_generator(dfdetect: Run, tmp_path: Path) -> None:
    painter = generator_state(4)
    faces = (planes(pictures(256)) - 0.5) / 0.5
    network = encoder(seen_in_maps(painter, torch.cat((faces, torch.rand(3, 3, 256, 256) * 2 - 1))))
    state = classifier_state(network)
    gan = save(tmp_path / "gan.pth", gan_checkpoint(painter))
    import_checkpoint(gan, "mri-gan", tmp_path / "gan", minimum_faces=3)
    file, folder = save(tmp_path / "b0.pth", {"model_state_dict": state}), tmp_path / "maps"
    import_by_command(dfdetect, file, "mri-gan-classifier", folder, "--generator", "gan")

    config = load_model_folder(folder).config
    revision = load_generator_folder(tmp_path / "gan").revision
    assert (config.method, config.generator) == ("mri", f"mri-gan@{revision}")
    assert (config.input.size, config.input.mean) == (256, (0.5, 0.5, 0.5))

    with torch.inference_mode():
        maps = (paint(painter, faces) + 1) / 2
        expected = judge(network, state, seen_in_maps(painter, faces)).numpy()
    found = run_onnx(folder, faces)
    assert list(found) == ["logits", "maps"]
    assert np.abs(found["maps"] - maps.numpy()).max() < 1e-3
    assert tell_apart(expected)
    assert np.abs(found["logits"] - expected).max() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [False, True], ids=["straight", "hidden"])
def test_dessas_resnet_gives_the_difference_of_its_outputs(
    hidden: bool, dfdetect: Run, tmp_path: Path
) -> None:
    state = resnet_state(hidden)
    file, folder = save(tmp_path / "dessa.pth", state), tmp_path / "dessa"
    import_by_command(dfdetect, file, "dessa-resnet18", folder)

    config = load_model_folder(folder).config
    assert (config.method, config.architecture) == ("plain", "resnet18")
    assert (config.input.size, config.input.margin) == (224, 1.3)
    assert "dlib" in (folder / "README.md").read_text()

    faces = pictures(224)
    with torch.inference_mode():
        outputs = resnet(state, (planes(faces) - MEAN) / STD)
    classifier = Classifier(folder / "model.onnx", size=224, mean=config.input.mean, std=config.input.std)
    expected = F.softmax(outputs, 1)[:, 1].numpy()
    assert tell_apart((outputs[:, 1] - outputs[:, 0]).numpy())
    assert np.abs(classifier.score(faces) - expected).max() < 1e-3


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("kind", KINDS[:3])  # the last is no pickle
def test_what_could_run_code_is_refused_and_does_not_run(kind: str, legacy: bool, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    content = {"model_state_dict": {"a": torch.zeros(2)}, "callback": Payload(marker)}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    error = refused(tmp_path / "a.pth", kind, tmp_path)
    assert "system" in error.message
    assert not marker.exists()
    assert "tensors.pt" in error.hint
    torch.load(tmp_path / "a.pth", weights_only=False)
    assert marker.exists()  # the payload was live: the ordinary way runs it


def test_a_pickled_module_is_refused_with_the_line_that_helps(dfdetect: Run, tmp_path: Path) -> None:
    import_torchvision()
    from torchvision.models import resnet18

    network = resnet18()
    network.fc = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Linear(512, 2))
    file, folder = save(tmp_path / "dessa.pth", {"model": network}), tmp_path / "dessa"
    run = dfdetect("models", "import", file, "--as", "dessa-resnet18", "--output", folder)
    assert (run.returncode, run.stdout) == (2, "")
    error, hint = run.stderr.splitlines()
    assert "torchvision.models.resnet.ResNet" in error
    assert "torch.save(model.state_dict(), " in hint
    assert not folder.exists()


def test_the_line_of_the_hint_makes_a_file_that_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = gan_checkpoint(generator_state(2)) | {"criterion": torch.nn.MSELoss()}
    error = refused(save(tmp_path / "gan.pth", content), "mri-gan", tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(error.hint.partition("import these: ")[2], {"torch": torch})
    import_checkpoint(Path("tensors.pt"), "mri-gan", Path("gan"), minimum_faces=3)
    assert load_generator_folder(tmp_path / "gan").config.shape.width == 2


def _text(path: Path) -> None:
    path.write_text("these are no weights\n" * 100)


def _empty(path: Path) -> None:
    path.touch()


def _folder(path: Path) -> None:
    path.mkdir()


def _cut(path: Path) -> None:
    save(path, gan_checkpoint(generator_state(2)))
    path.write_bytes(path.read_bytes()[:-2000])


def _cut_legacy(path: Path) -> None:
    torch.save(generator_state(2), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-2000])


def _safetensors(path: Path) -> None:
    save_file(generator_state(2), path)


def _script(path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_text, "damaged, cut short or not a checkpoint"),
        (_empty, "empty file"),
        (_folder, "a folder, not a file"),
        (lambda path: None, "no such file"),
        (_cut, "damaged, cut short"),
        (_cut_legacy, "damaged, cut short"),
        (_safetensors, "is a safetensors file"),
        (_script, "could run code: TorchScript"),
    ],
    ids=["text", "empty", "folder", "missing", "cut", "cut-legacy", "safetensors", "script"],
)
def test_a_file_that_is_no_checkpoint_is_refused(
    write: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.pth")
    assert words in refused(tmp_path / "a.pth", "mri-gan", tmp_path).message


def _nan(tensor: torch.Tensor) -> torch.Tensor:
    tensor.flatten()[1] = torch.nan
    return tensor


WITHOUT_BOTTOM = {name: t for name, t in generator_state(2).items() if name != "down8.model.0.weight"}
PLAIN = resnet_state(hidden=False)
WIDE = {"classifier.0.weight": torch.zeros(128, 2560), "encoder.conv_stem.weight": torch.zeros(32, 3, 3, 3)}
MALFORMED: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "a tensor": ("mri-gan", torch.zeros(3), ("no tensors by name", "generator_state_dict")),
    "nothing": ("mri-gan", {}, ("no tensors by name",)),
    "numbers": ("mri-gan", {1: torch.zeros(3)}, ("no tensors by name",)),
    "a discriminator": (
        "mri-gan",
        {"generator_state_dict": {"model.0.weight": torch.zeros(3)}},
        ("0 levels",),
    ),
    "a level less": ("mri-gan", WITHOUT_BOTTOM, ("unexpected: up7.model.0.weight", "another shape")),
    "another bias": (
        "mri-gan",
        generator_state(2) | {"final.2.bias": torch.zeros(1)},
        ("final.2.bias (1,) instead of (3,)",),
    ),
    "no dimensions": ("mri-gan", generator_state(2) | {"down1.model.0.weight": torch.zeros(())}, ("shape",)),
    "NaN": (
        "mri-gan",
        generator_state(2) | {"up3.model.0.weight": _nan(torch.zeros(16 * 2, 16, 4, 4))},
        ("NaN", "up3.model.0.weight"),
    ),
    "infinity in float32": (
        "dessa-resnet18",
        PLAIN | {"fc.1.bias": torch.tensor([0, 1e300], dtype=torch.float64)},
        ("infinity", "fc.1.bias"),
    ),
    "other values": ("dessa-resnet18", PLAIN | {"epoch": 3, "best": "a"}, ("epoch, best",)),
    "complex": ("dessa-resnet18", PLAIN | {"fc.1.bias": torch.zeros(2) * 1j}, ("fc.1.bias",)),
    "sparse": ("dessa-resnet18", PLAIN | {"fc.1.bias": torch.ones(2).to_sparse()}, ("fc.1.bias",)),
    "claims": ("dessa-resnet18", PLAIN | {"fc.1.weight": torch.zeros(1, 1).expand(2, 512)}, ("fc.1.weight",)),
    "wrapped twice": (
        "dessa-resnet18",
        {f"module.{name}": tensor for name, tensor in PLAIN.items()},
        ("missing: conv1.weight", "unexpected: module.conv1.weight", "more"),
    ),
    "an encoder alone": (
        "mri-gan-classifier",
        {"encoder.a": torch.zeros(3)},
        ("classifier.0.weight is missing",),
    ),
    "another encoder": (
        "mri-gan-classifier",
        {"model_state_dict": {"classifier.0.weight": torch.zeros(128, 1792)}},
        ("takes 1792 features", "1280 (tf_efficientnet_b0) or 2560 (tf_efficientnet_b7)"),
    ),
    "B7 by its head": (
        "mri-gan-classifier",
        WIDE,
        ("encoder.conv_stem.weight (32, 3, 3, 3) instead of (64, ",),
    ),
}


@pytest.mark.parametrize(("kind", "content", "words"), MALFORMED.values(), ids=MALFORMED)
def test_a_checkpoint_of_another_network_is_told_what_is_wrong(
    kind: str, content: Any, words: tuple[str, ...], tmp_path: Path
) -> None:
    error = refused(save(tmp_path / "a.pth", content), kind, tmp_path)
    text = f"{error.message}\n{error.hint}"
    assert all(word in text for word in words), text


def refused(file: Path, kind: str, tmp_path: Path) -> ModelError:
    """Import a file that cannot be, and return the error, of one short line."""
    with pytest.raises(ModelError) as caught:
        import_checkpoint(file, kind, tmp_path / "out", minimum_faces=3)
    assert "\n" not in caught.value.message + caught.value.hint
    assert len(caught.value.message.replace(str(file), "")) < 500
    assert not (tmp_path / "out").exists()
    return caught.value


def test_what_is_there_stays(tmp_path: Path) -> None:
    file = save(tmp_path / "a.pth", generator_state(2))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        import_checkpoint(file, "mri-gan", tmp_path / "out", minimum_faces=3)
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_a_generator_needs_its_weights_to_train_on(tmp_path: Path) -> None:
    generator = small_generator(tmp_path)
    generator.safetensors.unlink()
    file = save(
        tmp_path / "b0.pth", {"model_state_dict": classifier_state(encoder(torch.randn(4, 3, 224, 224)))}
    )
    with pytest.raises(ModelError, match=r"has no model\.safetensors"):
        import_checkpoint(file, "mri-gan-classifier", tmp_path / "out", minimum_faces=3, generator=generator)


def test_only_mri_gans_classifier_looks_at_maps(dfdetect: Run, tmp_path: Path) -> None:
    small_generator(tmp_path)
    run = dfdetect("models", "import", "a.pth", "--as", "mri-gan", "--output", "out", "--generator", "small")
    assert run.returncode == 2
    assert "mri-gan does not look at maps" in run.stderr


def test_the_command_knows_every_kind() -> None:
    assert tuple(Published) == KINDS


def test_config_tells_no_numbers(tmp_path: Path) -> None:
    folder = small_generator(tmp_path)
    assert json.loads((folder.path / "config.json").read_text())["metrics"] == []
