"""The networks of classifiers as recipes describe them, and the weights that they begin with."""

import torch
from torch import Tensor, nn

from deepfake_cli.errors import ModelError
from deepfake_cli.io.model_folder import SAFETENSORS, GeneratorFolder
from deepfake_cli.models.classifier import FaceClassifier, build_classifier
from deepfake_cli.models.generator import Painter, build_generator
from deepfake_cli.models.map_classifier import MapClassifier
from deepfake_cli.settings import ClassifierSettings

from .checkpoints import load_tensors
from .imagenet import load_imagenet

Network = FaceClassifier | MapClassifier
HALF = (0.5, 0.5, 0.5)  # generators see faces in [-1, 1]


def build_network(settings: ClassifierSettings, generator: GeneratorFolder | None) -> Network:
    """Build the untrained network of a recipe.

    Args:
        settings: The recipe.
        generator: Whose maps it looks at, unless its input is ``plain``.

    Raises:
        ModelError: The generator cannot be built, or sees faces on another scale than the recipe.
    """
    if settings.input == "plain":
        return build_classifier(settings.architecture)
    assert generator is not None  # whoever read the recipe has found it
    given = generator.config.input
    if (settings.mean, settings.std) != (HALF, HALF) or (given.mean, given.std) != (HALF, HALF):
        raise ModelError(
            "faces and the generator's faces must be on one scale", "leave classifier.mean and std at 0.5"
        )
    fusion = settings.input == "fusion"
    return MapClassifier(
        Painter(empty_generator(generator)),
        build_classifier(settings.architecture, channels=6 if fusion else 3),
        painted=given.size,
        seen=settings.size if fusion else given.size,
        mean=HALF,
        std=HALF,
        with_face=fusion,
    )


def begin(
    settings: ClassifierSettings, generator: GeneratorFolder | None, start: dict[str, Tensor] | None
) -> Network:
    """Build the network of a recipe with the weights that it begins to learn from.

    Args:
        settings: The recipe.
        generator: As in ``build_network``; its weights become part of the network.
        start: Weights of a network of the same recipe, or of a plain one, instead of ``settings.start``.

    Raises:
        ModelError: The weights do not fit.
    """
    network = build_network(settings, generator)
    judge = network.network if isinstance(network, MapClassifier) else network
    if isinstance(network, MapClassifier):
        assert generator is not None
        network.painter.generator.load_state_dict(generator_weights(generator))  # type: ignore[union-attr]
    assert isinstance(judge, FaceClassifier)
    if start is not None:
        whole = any(name.startswith("painter.") for name in start)
        load_weights(network if whole or judge is network else judge, start)
    elif settings.start == "imagenet":
        plain = build_classifier(settings.architecture)
        load_imagenet(plain.network, settings.architecture)
        head = {name: tensor for name, tensor in judge.state_dict().items() if "classifier" in name}
        load_weights(judge, plain.state_dict() | head)
    return network


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
