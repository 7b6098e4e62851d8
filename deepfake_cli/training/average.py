"""Several trainings of one network as one network, as fast as each: the mean of their weights.

After Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time", ICML 2022. It works for weights that were trained on from the same ones, or from
one another; those of separate trainings have no mean that means anything.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepfake_cli.errors import ModelError
from deepfake_cli.io.model_folder import ONNX, SAFETENSORS, ModelFolder, load_model_folder
from deepfake_cli.settings import ClassifierSettings

from .checkpoints import load_tensors
from .combine import begin_config
from .export import hashes, write_config, write_network

_FACES = 4  # of noise, on which ONNX Runtime must compute what torch does


def average(members: Sequence[ModelFolder], folder: Path, settings: ClassifierSettings) -> ModelFolder:
    """Write a model folder whose weights are the mean of its members'.

    Temperature, threshold and band are the first member's until they are calibrated.

    Args:
        members: Classifiers of faces alone, of one network, two or more.
        folder: Where to write; made if missing.
        settings: The recipe that made them; only the kind of head is taken from it.

    Returns:
        The new folder.

    Raises:
        ModelError: The members are not of one network, have no weights to train on, or there is one alone.
    """
    _refuse_unlike(members)
    first = members[0].config
    recipe = settings.model_copy(
        update={"input": "plain", "architecture": first.architecture, **dict(first.input)}
    )
    noise = np.random.default_rng(0).integers(0, 256, (_FACES, *[first.input.size] * 2, 3), np.uint8)
    write_network(folder, _mean([load_tensors(member.safetensors) for member in members]), recipe, noise)
    write_config(folder, begin_config(members, "averaged") | {"files": hashes(folder, ONNX, SAFETENSORS)})
    return load_model_folder(folder)


def _refuse_unlike(members: Sequence[ModelFolder]) -> None:
    first = members[0].config
    if len(members) < 2:
        raise ModelError(f"{first.name} alone has no mean with others", "name two models or more")
    for member in members:
        config = member.config
        if config.method != "plain" or not member.safetensors.is_file():
            raise ModelError(
                f"the weights of {config.name} cannot be averaged",
                f"take model folders with a {SAFETENSORS} whose method is plain",
            )
        if (config.architecture, config.input) != (first.architecture, first.input):
            raise ModelError(
                f"{first.name} and {config.name} are not of one network, or see faces differently",
                "leave out --weights to take the mean of what they say",
            )


def _mean(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Take the mean of weights by name; in float64, as whole numbers are among them."""
    names = states[0].keys()
    for state in states[1:]:
        if state.keys() != names or any(state[name].shape != states[0][name].shape for name in names):
            raise ModelError("the models have different weights", "leave out --weights")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(states[0][name].dtype)
        for name in names
    }
