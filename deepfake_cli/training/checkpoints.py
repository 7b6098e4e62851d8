"""Training state on disk: tensors as safetensors, numbers in its header, written whole or not at all."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor
from torch.optim import Optimizer

from deepfake_cli.errors import DataError, ModelError
from deepfake_cli.io.files import write_atomically

States = Mapping[str, Mapping[str, Tensor]]
Optimizers = Mapping[str, Optimizer]


def save_checkpoint(path: Path, states: States, optimizers: Optimizers, numbers: dict[str, Any]) -> None:
    """Write everything that a run needs to go on bit for bit.

    Args:
        path: File to write.
        states: Tensors of networks and their averages, each group under a name.
        optimizers: Their moments are saved; their options come from the profile.
        numbers: Progress, as JSON values.
    """
    tensors = {f"{group}.{name}": tensor for group, state in states.items() for name, tensor in state.items()}
    for group, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{group}.{index}.{name}": t for name, t in state.items() if t is not None}
    save_tensors(path, tensors, {"numbers": json.dumps(numbers)})


def save_tensors(path: Path, tensors: dict[str, Tensor], notes: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, with notes in the header, whole or not at all."""
    data = save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, notes)
    with write_atomically(path, "wb") as file:
        file.write(data)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read the weights of a network.

    Raises:
        ModelError: They cannot be read.
    """
    try:
        with safe_open(path, "pt"):  # tells a missing file from a damaged one
            pass
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights {path}: {error}") from error


def load_notes(path: Path) -> dict[str, str]:
    """Read what was noted beside the weights of a network.

    Raises:
        ModelError: They cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            notes: dict[str, str] = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights {path}: {error}") from error
    return notes


def load_checkpoint(
    path: Path, groups: Iterable[str], optimizers: Optimizers
) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read what ``save_checkpoint`` wrote and give the optimizers their moments back.

    Args:
        path: The file.
        groups: Names of the states to return.
        optimizers: Under the names that they were saved by.

    Returns:
        The states, and the numbers.

    Raises:
        DataError: The file is not a checkpoint of ours.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            numbers = json.loads((file.metadata() or {})["numbers"])
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise DataError(f"{path} is not a checkpoint", "start again without --resume") from error
    for group, optimizer in optimizers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(f"{group}.", tensors).items():
            index, key = name.split(".", 1)
            moments.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return {group: _under(f"{group}.", tensors) for group in groups}, numbers


def average_into(average: dict[str, Tensor], weights: dict[str, Tensor], decay: float) -> None:
    """Move an exponential moving average a step towards the weights, in place; counters are copied."""
    with torch.no_grad():
        for name, tensor in weights.items():
            if tensor.is_floating_point():
                average[name].lerp_(tensor, 1 - decay)
            else:
                average[name].copy_(tensor)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
