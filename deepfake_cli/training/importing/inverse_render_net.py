"""Read what InverseRenderNet++'s authors published: a checkpoint of TensorFlow 1, and a prior of lighting."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepfake_cli.errors import ModelError
from deepfake_cli.models.illumination import LightingPrior
from deepfake_cli.models.inverse_render_net import WIDTH, InverseRenderNet

from .foreign import some
from .tensor_bundle import TensorBundle

_SCOPE = "inverserendernet"
_CONVOLUTIONS = 15  # on the way down, and on each of three ways up
_DECODERS = {"albedo": "am_deconv", "normals": "nm", "shadow": "mask_deconv"}
_MEAN, _VECTORS = "mean.npy", "pcaVector.npy"
_COEFFICIENTS = 27
_SAME = 1e-6  # of the greatest singular value; what is below is none


def read_inverse_render_net(folder: Path, prior: Path | None) -> InverseRenderNet:
    """Build the network with the weights of a checkpoint.

    Args:
        folder: Holds ``NAME.index`` and ``NAME.data-00000-of-00001``; where it holds several checkpoints, its
            file ``checkpoint`` says which.
        prior: Holds ``mean.npy`` and ``pcaVector.npy``; the folder of the checkpoint by default. If neither
            file lies there, any light is taken.

    Returns:
        The network, on the CPU, ready to use.

    Raises:
        ModelError: There is no checkpoint, or it or the prior cannot be used.
    """
    checkpoint = _find(folder)
    bundle = TensorBundle(checkpoint)
    with torch.device("meta"):
        network = InverseRenderNet(WIDTH)
    wanted = network.state_dict()
    theirs = dict(_names())
    _check(bundle, {theirs[name]: _published(tensor) for name, tensor in wanted.items()}, checkpoint)
    state = {name: _ours(bundle.read(theirs[name])) for name in wanted}
    broken = [theirs[name] for name, tensor in state.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelError(
            f"{checkpoint} holds NaN or infinity, in {some(broken)}",
            "its training went wrong, or the file is damaged",
        )
    network.load_state_dict(state, assign=True)
    if prior or any((folder / name).exists() for name in (_MEAN, _VECTORS)):
        network.mean, network.vectors = _read_prior(prior or folder)
    return network.eval()


def _find(folder: Path) -> Path:
    """Return the path of the checkpoint in a folder, without its ending."""
    if not folder.is_dir():
        raise ModelError(
            f"{folder} is no folder", "name the folder of the checkpoint, which holds model.ckpt.index"
        )
    names = sorted(path.name.removesuffix(".index") for path in folder.glob("*.index"))
    if not names:
        raise ModelError(
            f"{folder} holds no checkpoint of TensorFlow, no file NAME.index",
            "unpack the authors' archive and name one of its folders, such as model_ckpt",
        )
    if len(names) == 1:
        return folder / names[0]
    note = folder / "checkpoint"
    text = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else ""
    found = re.search(r'^model_checkpoint_path: "(.*)"', text, re.MULTILINE)
    # Where it was on its authors' disk says nothing here.
    latest = re.split(r"[/\\]", found[1])[-1] if found else ""
    if latest not in names:
        raise ModelError(
            f"{folder} holds several checkpoints, and its file 'checkpoint' names none: {some(names)}",
            "leave the one to import in a folder of its own",
        )
    return folder / latest


def _names() -> Iterator[tuple[str, str]]:
    """Yield our name and the published name of every tensor."""
    for number in range(_CONVOLUTIONS):
        yield from _convolution(f"down.{number}", f"conv{number + 1}")
    for ours, theirs in _DECODERS.items():
        for number in range(_CONVOLUTIONS - 1):
            yield from _convolution(f"{ours}.up.{number}", f"{theirs}{number + 1}")
        yield f"{ours}.last.weight", f"{_SCOPE}/{theirs}{_CONVOLUTIONS}/weights"
        yield f"{ours}.last.bias", f"{_SCOPE}/{theirs}{_CONVOLUTIONS}/biases"


def _convolution(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield f"{ours}.conv.weight", f"{_SCOPE}/{theirs}/weights"
    yield f"{ours}.norm.weight", f"{_SCOPE}/{theirs}/group_norm/scale"
    yield f"{ours}.norm.bias", f"{_SCOPE}/{theirs}/group_norm/bias"


def _published(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape that a tensor of ours has there: kernels are (height, width, before, after)."""
    return tuple(tensor.permute(2, 3, 1, 0).shape if tensor.ndim == 4 else tensor.shape)


def _ours(values: NDArray[np.float32]) -> Tensor:
    tensor = torch.from_numpy(values)
    return tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor


def _check(bundle: TensorBundle, wanted: dict[str, tuple[int, ...]], path: Path) -> None:
    entries = bundle.entries
    missing = [name for name in wanted if name not in entries]
    wrong = [
        f"{name} {entries[name].shape} instead of {shape}"
        for name, shape in wanted.items()
        if name in entries and entries[name].shape != shape
    ]
    # Optimizers keep their own numbers under the same names; a layer more is another network.
    layer = re.compile(rf"{_SCOPE}/[^/]+/(weights|biases)")
    unexpected = [name for name in entries if layer.fullmatch(name) and name not in wanted]
    found = {"missing": missing, "of another shape": wrong, "unexpected": unexpected}
    mistakes = [f"{what}: {some(names)}" for what, names in found.items() if names]
    if mistakes:
        raise ModelError(
            f"{path} does not fit InverseRenderNet++; {'; '.join(mistakes)}",
            "those of github.com/YeeU/InverseRenderNet_v2 fit, those of the first InverseRenderNet do not",
        )


def _read_prior(folder: Path) -> LightingPrior:
    mean, vectors = _numbers(folder / _MEAN).reshape(-1), _numbers(folder / _VECTORS)
    if mean.shape != (_COEFFICIENTS,) or vectors.ndim != 2 or vectors.shape[1] != _COEFFICIENTS:
        raise ModelError(
            f"{folder} holds no prior of lighting: {_MEAN} has {mean.size} numbers and {_VECTORS} the shape "
            f"{vectors.shape}, instead of 27 and (18, 27)",
            "take both files from the authors' folder hdr_illu_pca",
        )
    _, strengths, directions = np.linalg.svd(vectors, full_matrices=False)
    directions = directions[strengths > _SAME * strengths.max()]
    return LightingPrior(
        torch.from_numpy(mean.astype(np.float32)),
        torch.from_numpy(np.ascontiguousarray(directions.T, np.float32)),
    )


def _numbers(path: Path) -> NDArray[np.float64]:
    try:
        with path.open("rb") as file:
            values = np.asarray(np.lib.format.read_array(file, allow_pickle=False), np.float64)
    except FileNotFoundError:
        raise ModelError(
            f"there is no prior of lighting: {path} does not exist",
            f"--prior names the folder of {_MEAN} and {_VECTORS}, which the authors call hdr_illu_pca",
        ) from None
    except Exception:  # NumPy evaluates the header as Python, and damage raises nearly anything
        raise ModelError(
            f"{path} cannot be read as an array of numbers", "copy or download it again"
        ) from None
    if not values.size or not np.isfinite(values).all():
        raise ModelError(f"{path} is empty or holds NaN or infinity", "copy or download it again")
    return values
