"""Read the checkpoints of others: pickles, of which only tensors and plain values are ever taken.

What a pickle holds beyond these could run code when it is read. PyTorch's own restricted reader refuses it,
and there is no way around that here: who trusts a file saves its tensors alone, elsewhere.
"""

import re
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import torch
from torch import Tensor, nn

from deepfake_cli.errors import MediaError, ModelError
from deepfake_cli.io.files import check_readable

# Paths are plain values, whichever system and Python wrote them; they become paths that cannot touch a disk.
_PATHS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (kind, f"{module}.{name}")
    for module in ("pathlib", "pathlib._local")
    for name, kind in (
        ("PosixPath", PurePosixPath),
        ("PurePosixPath", PurePosixPath),
        ("WindowsPath", PureWindowsPath),
        ("PureWindowsPath", PureWindowsPath),
    )
]
_NAMED = 3  # tensors that an error names
_SHOWN = 80  # characters of a name that an error shows
_NUMBERS = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64}


def read_tensors(path: Path, wrapper: str, remedy: str) -> dict[str, Tensor]:
    """Read a state dict out of a pickle that PyTorch wrote.

    Args:
        path: The file.
        wrapper: Key under which it lies; where the file lacks it, the whole file is the state dict.
        remedy: The line of Python by which who trusts the file saves its tensors alone, for the hint.

    Returns:
        Tensors by name, on the CPU; nothing is known of their shapes and values.

    Raises:
        ModelError: The file cannot be read, holds more than tensors and plain values, or no state dict.
    """
    found = _load(path, remedy)
    state = found.get(wrapper, found) if isinstance(found, Mapping) else found
    if not isinstance(state, Mapping) or not state or not all(isinstance(name, str) for name in state):
        raise ModelError(
            f"{path} holds no tensors by name", f"it should hold '{wrapper}', or be a state dict"
        )
    others = [name for name, value in state.items() if not _is_plain(value)]
    if others:
        raise ModelError(
            f"{path} is no state dict: no tensors of plain numbers are {some(others)}",
            f"what is imported is under '{wrapper}', or a state dict by itself",
        )
    return dict(state)


def fit(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Give a network the tensors of a checkpoint with the same names.

    Args:
        network: Built on the device ``meta``, so that its size costs nothing before it is known to fit.
        tensors: Of the checkpoint.
        path: Where they come from, for errors.

    Returns:
        The network, on the CPU in float32, ready to judge.

    Raises:
        ModelError: Names or shapes differ, or a value is not a finite number.
    """
    wanted = network.state_dict()
    # Old files have no counters of batches, and judging does not need them.
    counters = {name: torch.zeros_like(t, device="cpu") for name, t in wanted.items() if _is_counter(name)}
    tensors = counters | dict(tensors)
    _check_names(wanted, tensors, path)
    taken = {}
    for name, ours in wanted.items():
        # A copy, as tensors of a file may share memory.
        taken[name] = tensors[name].detach().to(ours.dtype, copy=True, memory_format=torch.contiguous_format)
    broken = [name for name, tensor in taken.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelError(
            f"{path} holds NaN or infinity, in {some(broken)}",
            "its training went wrong, or the file is damaged",
        )
    network.load_state_dict(taken, assign=True)
    return network.eval()


def some(names: Collection[str]) -> str:
    """Name a few of many on one line."""
    shown = [" ".join(name.split())[:_SHOWN] for name, _ in zip(names, range(_NAMED), strict=False)]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _load(path: Path, remedy: str) -> Any:
    try:
        check_readable(path)
    except MediaError as error:
        raise ModelError(f"{path}: {error.message}", "name the file that torch.save wrote") from None
    with path.open("rb") as file, warnings.catch_warnings():
        head = file.read(9)
        if head[8:] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
            raise ModelError(
                f"{path} is a safetensors file, not a checkpoint of PyTorch",
                "name the file that torch.save wrote",
            )
        file.seek(0)
        warnings.simplefilter("ignore")  # what they say of a file, the errors say too
        try:
            # From an open file, as the name of another decides how it is read.
            with torch.serialization.safe_globals(_PATHS):
                return torch.load(file, weights_only=True, map_location="cpu")
        except Exception as error:  # damaged bytes raise whatever the reader stumbles over
            raise _explain(path, str(error), remedy) from None


def _explain(path: Path, words: str, remedy: str) -> ModelError:
    held = re.search(r"GLOBAL (\S+)", words)
    if held or "TorchScript" in words:
        what = held[1] if held else "TorchScript"
        return ModelError(
            f"{path} holds more than tensors and plain values, which could run code: {some([what])}",
            f"only if you trust it, save its tensors alone in Python and import these: {remedy}",
        )
    return ModelError(
        f"{path} cannot be read: it is damaged, cut short or not a checkpoint of PyTorch",
        "copy or download it again",
    )


def _check_names(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor], path: Path) -> None:
    missing = [name for name in wanted if name not in tensors]
    unexpected = [name for name in tensors if name not in wanted]
    wrong = [name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape]
    shapes = [f"{name} {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}" for name in wrong]
    found = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    mistakes = [f"{what}: {some(names)}" for what, names in found.items() if names]
    if mistakes:
        raise ModelError(
            f"{path} does not fit this network; {'; '.join(mistakes)}", "see that --as names its kind"
        )


def _is_plain(value: Any) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and not value.is_nested
        and value.device.type == "cpu"
        and value.dtype in _NUMBERS
        # What repeats itself in memory could claim any size.
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
