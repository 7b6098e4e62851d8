"""The networks of classifiers as recipes describe them, and the weights that they begin with."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from deepfake_cli.errors import DataError, ModelError
from deepfake_cli.io.model_folder import SAFETENSORS, GeneratorFolder
from deepfake_cli.models.classifier import FaceClassifier, build_classifier
from deepfake_cli.models.generator import Painter, build_generator
from deepfake_cli.models.map_classifier import MapClassifier
from deepfake_cli.settings import ClassifierSettings

from .checkpoints import load_tensors
from .imagenet import check_architecture, load_encoder

Network = FaceClassifier | MapClassifier
Scale = tuple[tuple[float, float, float], tuple[float, float, float]]
HALF = (0.5, 0.5, 0.5)  # generators see faces in [-1, 1]


def face_scale(settings: ClassifierSettings) -> Scale:
    """Tell the mean and the standard deviation by which faces enter the network of a recipe.

    Generators take faces in [-1, 1]; with the input ``mri`` the recipe's own are those of the maps.
    """
    return (HALF, HALF) if settings.input == "mri" else (settings.mean, settings.std)


def build_network(settings: ClassifierSettings, generator: GeneratorFolder | None) -> Network:
    """Build the untrained network of a recipe.

    Args:
        settings: The recipe.
        generator: Whose maps it looks at, unless its input is ``plain``.

    Raises:
        ModelError: The generator cannot be built, or sees faces on another scale than the recipe.
    """
    if settings.input == "plain":
        return _build(settings, 3)
    assert generator is not None  # whoever read the recipe has found it
    given, fusion = generator.config.input, settings.input == "fusion"
    if face_scale(settings) != (HALF, HALF) or (given.mean, given.std) != (HALF, HALF):
        raise ModelError(
            "faces and the generator's faces must be on one scale", "leave classifier.mean and std at 0.5"
        )
    return MapClassifier(
        Painter(empty_generator(generator)),
        _build(settings, 6 if fusion else 3),
        painted=given.size,
        seen=settings.size if fusion else min(settings.size, given.size),
        mean=settings.mean,
        std=settings.std,
        with_face=fusion,
    )


def _build(settings: ClassifierSettings, channels: int) -> FaceClassifier:
    check_architecture(settings.architecture)
    return build_classifier(
        settings.architecture, channels, head=settings.head, hidden=settings.hidden, dropout=settings.dropout
    )


def begin(
    settings: ClassifierSettings, generator: GeneratorFolder | None, start: dict[str, Tensor] | None
) -> tuple[Network, str]:
    """Build the network of a recipe with the weights that it begins to learn from.

    Args:
        settings: The recipe.
        generator: As in ``build_network``; its weights become part of the network.
        start: Weights of a network of the same recipe, or of a plain one, instead of ``settings.start``.

    Returns:
        The network, and what its encoder started from, in words.

    Raises:
        HubError: The weights cannot be fetched.
        ModelError: The weights do not fit.
    """
    network = build_network(settings, generator)
    judge = judge_of(network)
    if isinstance(network, MapClassifier):
        assert generator is not None
        network.painter.generator.load_state_dict(generator_weights(generator))  # type: ignore[union-attr]
    if start is not None:
        whole = any(name.startswith("painter.") for name in start)
        load_weights(network if whole or judge is network else judge, start)
        return network, "weights of another run"
    if settings.start == "scratch":
        return network, settings.start
    plain = _build(settings, 3)
    began = load_encoder(plain.network, settings.architecture, settings.start)
    encoder = {name: tensor for name, tensor in plain.state_dict().items() if name not in plain.head_names}
    head = {name: tensor for name, tensor in judge.state_dict().items() if name in judge.head_names}
    load_weights(judge, judge.state_dict() | encoder | head)
    return network, began


def judge_of(network: Network) -> FaceClassifier:
    """Take the part of a network that learns."""
    judge = network.network if isinstance(network, MapClassifier) else network
    assert isinstance(judge, FaceClassifier)
    return judge


def encoder_parts(network: Network, names: Iterable[str]) -> list[tuple[nn.Module, list[nn.Parameter]]]:
    """Find parts of the encoder.

    Args:
        network: Of which.
        names: How the names of the parts begin; ``encoder`` is all of it.

    Returns:
        Modules, each with its own parameters.

    Raises:
        DataError: There is no such part.
    """
    judge = judge_of(network)
    head = judge.head_names
    parts = []
    for wanted in names:
        found = [
            (module, list(module.parameters(recurse=False)))
            for name, module in judge.network.named_modules()
            if (wanted == "encoder" or f"{name}.".startswith(f"{wanted}."))
            and not any(f"network.{name}.{own}" in head for own, _ in module.named_parameters(recurse=False))
        ]
        if not found:
            known = ", ".join(name for name, _ in judge.network.named_children())
            raise DataError(
                f"classifier.freeze: the encoder has no part {wanted}", f"it has: encoder, {known}"
            )
        parts += found
    return parts


def empty_generator(folder: GeneratorFolder) -> nn.Module:
    """Build the generator that a folder describes, without its weights.

    Raises:
        ModelError: There is no such encoder.
    """
    config = folder.config
    try:
        return build_generator(
            config.architecture, width=config.shape.width, depth=config.shape.depth, dropout=0
        )
    except RuntimeError as error:
        raise ModelError(f"the generator {folder.path} cannot be built: {error}") from error


def generator_weights(folder: GeneratorFolder) -> dict[str, Tensor]:
    """Read the weights of a generator to train with.

    Raises:
        ModelError: They are not there, or damaged.
    """
    if not folder.safetensors.is_file():
        raise ModelError(
            f"the generator {folder.path} has no {SAFETENSORS}",
            "name the folder in which it was trained or imported; copies to scan with leave that file out",
        )
    return load_tensors(folder.safetensors)


def load_weights(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load weights; a first layer that knows faces alone begins by ignoring the map beside them.

    Raises:
        ModelError: They do not fit.
    """
    ours = network.state_dict()
    widened = {
        name: _widened(tensor, ours[name]) if name in ours else tensor for name, tensor in weights.items()
    }
    try:
        network.load_state_dict(widened)
    except RuntimeError as error:
        raise ModelError(
            f"the weights to start from do not fit: {str(error).splitlines()[-1].strip()}"
        ) from error


def _widened(theirs: Tensor, ours: Tensor) -> Tensor:
    if theirs.dim() == 4 and theirs.shape[1] == 3 and ours.shape[1] == 6:
        return torch.cat((theirs, torch.zeros_like(theirs)), 1)
    return theirs
