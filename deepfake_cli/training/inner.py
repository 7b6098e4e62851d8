"""The network that a classifier holds within its own: a generator or a renderer, learned already."""

import torch
from torch import Tensor, nn

from deepfake_cli.errors import ModelError
from deepfake_cli.io.model_folder import CONFIG, SAFETENSORS, GeneratorFolder, RendererFolder
from deepfake_cli.models.face_renderer import FaceRenderer
from deepfake_cli.models.generator import build_generator
from deepfake_cli.models.illumination import LightingPrior
from deepfake_cli.models.inverse_render_net import InverseRenderNet

from .checkpoints import load_tensors

Inner = GeneratorFolder | RendererFolder
_INVERSE_RENDER_NET = "inverserendernet"


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


def empty_renderer(folder: RendererFolder) -> nn.Module:
    """Build the renderer that a folder describes, without its weights.

    Raises:
        ModelError: There is no such encoder, or the weights, which tell the size of a prior, are missing.
    """
    config = folder.config
    try:
        if config.architecture != _INVERSE_RENDER_NET:
            return FaceRenderer(config.architecture, config.shape.width, config.shape.depth)
        weights = inner_weights(folder)
        known = [torch.zeros_like(weights[name]) for name in LightingPrior._fields if name in weights]
        return InverseRenderNet(config.shape.width, LightingPrior(*known) if known else None)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"the renderer {folder.path} cannot be built: {error}") from error


def fill_inner(network: nn.Module, folder: Inner) -> None:
    """Load the weights of a folder into the generator or the renderer that it describes.

    Raises:
        ModelError: They are not there, or damaged, or of another network than the folder says.
    """
    try:
        network.load_state_dict(inner_weights(folder))
    except RuntimeError as error:
        raise ModelError(
            f"{folder.safetensors} is of another network than {CONFIG} beside it says: "
            f"{str(error).splitlines()[-1].strip()}"
        ) from error


def inner_weights(folder: Inner) -> dict[str, Tensor]:
    """Read the weights of a generator or a renderer to train with.

    Raises:
        ModelError: They are not there, or damaged.
    """
    if not folder.safetensors.is_file():
        raise ModelError(
            f"the {folder.config.task} {folder.path} has no {SAFETENSORS}",
            "name the folder in which it was trained or imported; installed copies leave that file out, "
            "a checkout does not: pip install -e '.[train]'",
        )
    return load_tensors(folder.safetensors)
