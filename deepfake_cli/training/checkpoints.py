"""Training state on disk: tensors as safetensors, numbers in its header, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from deepfake_cli.errors import DataError
from deepfake_cli.io.files import write_atomically


def save_checkpoint(
    path: Path,
    *,
    weights: dict[str, Tensor],
    average: dict[str, Tensor],
    optimizer: Optimizer,
    numbers: dict[str, Any],
) -> None:
    """Write everything that a run needs to go on bit for bit.

    Args:
        path: File to write.
        weights: State of the network.
        average: Moving average of the network's state.
        optimizer: Its moments are saved; its options come from the profile.
        numbers: Progress, as JSON values.
    """
    tensors = {f"weights.{name}": tensor for name, tensor in weights.items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    save_tensors(path, tensors, {"numbers": json.dumps(numbers)})


def save_tensors(path: Path, tensors: dict[str, Tensor], notes: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, with notes in the header, whole or not at all."""
    data = save({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, notes)
    with write_atomically(path, "wb") as file:
        file.write(data)


def load_checkpoint(
    path: Path, optimizer: Optimizer
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Read what ``save_checkpoint`` wrote and give the optimizer its moments back.

    Returns:
        The network's weights, their average, and the numbers.

    Raises:
        DataError: The file is not a checkpoint of ours.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            numbers = json.loads((file.metadata() or {})["numbers"])
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise DataError(f"{path} is not a checkpoint", "start again without --resume") from error
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return _under("weights.", tensors), _under("average.", tensors), numbers


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
