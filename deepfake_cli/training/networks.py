"""The networks of classifiers as recipes describe them, and the weights that they begin with."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from deepfake_cli.errors import DataError, ModelError
from deepfake_cli.io.model_config import branches_of
from deepfake_cli.io.model_folder import GeneratorFolder, RendererFolder
from deepfake_cli.models.classifier import FaceClassifier, build_classifier
from deepfake_cli.models.generator import Painter
from deepfake_cli.models.map_classifier import MapClassifier
from deepfake_cli.models.modality_classifier import (
    LIGHTING,
    LightingBranch,
    ModalityClassifier,
    PictureBranch,
)
from deepfake_cli.models.timm_encoder import build_encoder
from deepfake_cli.settings import ClassifierSettings

from .imagenet import check_architecture, load_encoder, load_encoders
from .inner import Inner, empty_generator, empty_renderer, fill_inner

Network = FaceClassifier | MapClassifier | ModalityClassifier
Scale = tuple[tuple[float, float, float], tuple[float, float, float]]
HALF = (0.5, 0.5, 0.5)  # generators and renderers see faces in [-1, 1]


def face_scale(settings: ClassifierSettings) -> Scale:
    """Tell the mean and the standard deviation by which faces enter the network of a recipe.

    Generators take faces in [-1, 1]; with the input ``mri`` the recipe's own are those of the maps.
    """
    return (HALF, HALF) if settings.input == "mri" else (settings.mean, settings.std)


def architecture_of(settings: ClassifierSettings) -> str:
    """Name what judges: an encoder, or two layers where the light alone is looked at."""
    return "mlp" if settings.input == LIGHTING else settings.architecture


def build_network(settings: ClassifierSettings, inner: Inner | None) -> Network:
    """Build the untrained network of a recipe.

    Args:
        settings: The recipe.
        inner: The generator or the renderer that it holds, unless its input is ``plain``.

    Raises:
        ModelError: It cannot be built, or what it holds sees faces on another scale than the recipe.
    """
    if settings.input == "plain":
        return _build(settings, 3)
    assert inner is not None  # whoever read the recipe has found it
    given = inner.config.input
    if face_scale(settings) != (HALF, HALF) or (given.mean, given.std) != (HALF, HALF):
        raise ModelError(
            f"faces and the {inner.config.task}'s faces must be on one scale",
            "leave classifier.mean and std at 0.5",
        )
    if isinstance(inner, RendererFolder):
        return _build_on_modalities(settings, inner)
    return _build_on_maps(settings, inner)


def _build_on_maps(settings: ClassifierSettings, generator: GeneratorFolder) -> MapClassifier:
    painted, fusion = generator.config.input.size, settings.input == "fusion"
    return MapClassifier(
        Painter(empty_generator(generator)),
        _build(settings, 6 if fusion else 3),
        painted=painted,
        seen=settings.size if fusion else min(settings.size, painted),
        mean=settings.mean,
        std=settings.std,
        with_face=fusion,
    )


def _build_on_modalities(settings: ClassifierSettings, renderer: RendererFolder) -> ModalityClassifier:
    check_architecture(settings.architecture)
    branches = {name: _build_branch(settings, name) for name in branches_of(settings.input)}
    return ModalityClassifier(empty_renderer(renderer), branches, rendered=renderer.config.input.size)


def _build_branch(settings: ClassifierSettings, name: str) -> nn.Module:
    if name == LIGHTING:
        return LightingBranch(settings.dropout)
    try:
        encoder = build_encoder(settings.architecture, settings.depth)
    except RuntimeError as error:
        raise ModelError(
            f"branches cannot be built: {error}",
            "lower classifier.depth, or name another classifier.architecture",
        ) from error
    return PictureBranch(encoder, settings.dropout)


def _build(settings: ClassifierSettings, channels: int) -> FaceClassifier:
    check_architecture(settings.architecture)
    return build_classifier(
        settings.architecture, channels, head=settings.head, hidden=settings.hidden, dropout=settings.dropout
    )


def begin(
    settings: ClassifierSettings, inner: Inner | None, start: dict[str, Tensor] | None
) -> tuple[Network, str]:
    """Build the network of a recipe with the weights that it begins to learn from.

    Args:
        settings: The recipe.
        inner: As in ``build_network``; its weights become part of the network.
        start: Weights of a network of the same recipe, or for a network that holds a generator of a plain
            one, instead of ``settings.start``.

    Returns:
        The network, and what its encoder started from, in words.

    Raises:
        HubError: The weights cannot be fetched.
        ModelError: The weights do not fit.
    """
    network = build_network(settings, inner)
    if isinstance(network, ModalityClassifier):
        assert inner is not None
        return network, _begin_on_modalities(network, settings, inner, start)
    judge = judge_of(network)
    if isinstance(network, MapClassifier):
        assert inner is not None
        fill_inner(network.painter.generator, inner)  # type: ignore[arg-type]
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


def _begin_on_modalities(
    network: ModalityClassifier, settings: ClassifierSettings, inner: Inner, start: dict[str, Tensor] | None
) -> str:
    fill_inner(network.renderer, inner)
    if start is not None:
        # The renderer is the recipe's, whichever the other run had.
        ours = {f"renderer.{name}": tensor for name, tensor in network.renderer.state_dict().items()}
        load_weights(network, {n: t for n, t in start.items() if not n.startswith("renderer.")} | ours)
        return "weights of another run"
    encoders = _encoders(network)
    if settings.start == "scratch" or not encoders:
        return "scratch"
    return load_encoders(encoders, settings.architecture, settings.start)


def judge_of(network: FaceClassifier | MapClassifier) -> FaceClassifier:
    """Take the part of a network that learns."""
    judge = network.network if isinstance(network, MapClassifier) else network
    assert isinstance(judge, FaceClassifier)
    return judge


def _encoders(network: Network) -> list[nn.Module]:
    """Find the encoders of a network: one, or one for every picture that it looks at."""
    if isinstance(network, ModalityClassifier):
        return [branch.encoder for branch in network.branches.values() if isinstance(branch, PictureBranch)]
    return [judge_of(network).network]


def _head_of(network: Network) -> set[nn.Parameter]:
    """Find the parameters of an encoder that are its head."""
    if isinstance(network, ModalityClassifier):
        return set()
    judge = judge_of(network)
    return {parameter for name, parameter in judge.named_parameters() if name in judge.head_names}


def encoder_parts(network: Network, names: Iterable[str]) -> list[tuple[nn.Module, list[nn.Parameter]]]:
    """Find parts of the encoder.

    Args:
        network: Of which.
        names: How the names of the parts begin, in every encoder if there are several; ``encoder`` is all.

    Returns:
        Modules, each with its own parameters.

    Raises:
        DataError: There is no such part.
    """
    encoders, head = _encoders(network), _head_of(network)
    parts = []
    for wanted in names:
        found = [
            (module, list(module.parameters(recurse=False)))
            for encoder in encoders
            for name, module in encoder.named_modules()
            if (wanted == "encoder" or f"{name}.".startswith(f"{wanted}."))
            and head.isdisjoint(module.parameters(recurse=False))
        ]
        if not found:
            known = ", ".join(dict.fromkeys(name for one in encoders for name, _ in one.named_children()))
            raise DataError(
                f"classifier.freeze: the encoder has no part {wanted}",
                f"it has: encoder, {known}" if known else "lighting is seen without one: freeze nothing",
            )
        parts += found
    return parts


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
