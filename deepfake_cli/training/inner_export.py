"""Write what classifiers hold within, generators and renderers, as model folders of their own."""

from pathlib import Path

import numpy as np
from torch import Tensor, nn

from deepfake_cli.io.model_folder import ONNX, SAFETENSORS
from deepfake_cli.settings import GanSettings, RendererSettings

from .checkpoints import save_tensors
from .export import LICENCE, check_parity, export_onnx, hashes, write_config
from .networks import HALF

_FACES = 4  # of noise, on which ONNX Runtime must compute what torch does


def export_inner(
    folder: Path,
    weights: dict[str, Tensor],
    network: nn.Module,
    settings: GanSettings | RendererSettings,
    *,
    task: str,
    outputs: tuple[str, ...],
    name: str,
    trained_on: list[str],
) -> None:
    """Write ONNX, safetensors, config, and the numbers of the card.

    Args:
        folder: Where to write; it is there.
        weights: To train on from.
        network: What is exported; it holds these weights, and takes faces (N, 3, S, S) in [-1, 1].
        settings: The recipe that made it.
        task: As in ``config.json``.
        outputs: Names of what the network gives, in order.
        name: What the model is called.
        trained_on: Names of the data sets.

    Raises:
        ModelError: ONNX Runtime does not compute what torch does.
    """
    network.eval()
    save_tensors(folder / SAFETENSORS, weights)
    export_onnx(network, settings.size, folder / ONNX, outputs)
    shape = (_FACES, 3, settings.size, settings.size)
    check_parity(network, folder / ONNX, np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))
    config = {
        "schema": 1,
        "name": name,
        "task": task,
        "architecture": settings.architecture,
        "shape": {"width": settings.width, "depth": settings.depth},
        "input": {"size": settings.size, "margin": settings.margin, "mean": HALF, "std": HALF},
        "metrics": [],
        "trained_on": trained_on,
        "licence": LICENCE,
        "files": hashes(folder, ONNX, SAFETENSORS),
    }
    write_config(folder, config)
