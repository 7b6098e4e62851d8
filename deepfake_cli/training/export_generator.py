"""Write a trained generator as a model folder: ONNX to paint with, safetensors to train on, config, card."""

from pathlib import Path

import numpy as np
from torch import Tensor, nn

from deepfake_cli.models.generator import Painter, build_generator
from deepfake_cli.settings import GanSettings

from .checkpoints import save_tensors
from .export import check_parity, export_onnx, hashes, write_config

_HALF = (0.5, 0.5, 0.5)  # generators see faces in [-1, 1]


def export_generator(
    folder: Path,
    weights: dict[str, Tensor],
    settings: GanSettings,
    *,
    name: str,
    trained_on: list[str],
) -> None:
    """Write a generator's folder.

    Args:
        folder: Where to write; made if missing.
        weights: State of the generator.
        settings: The recipe that made it.
        name: What the model is called.
        trained_on: Names of the data sets.

    Raises:
        ModelError: ONNX Runtime does not compute what torch does.
    """
    generator = build_generator(
        settings.architecture, width=settings.width, depth=settings.depth, dropout=settings.dropout
    )
    generator.load_state_dict(weights)
    save_generator(
        folder,
        generator,
        {
            "name": name,
            "architecture": settings.architecture,
            "shape": {"width": settings.width, "depth": settings.depth},
            "input": {"size": settings.size, "margin": settings.margin, "mean": _HALF, "std": _HALF},
            "trained_on": trained_on,
            "licence": "Apache-2.0; the terms of the training data hold beside it",
        },
    )


def save_generator(folder: Path, generator: nn.Module, facts: dict[str, object]) -> None:
    """Write weights, network, config and card of a generator.

    Args:
        folder: Where to write; made if missing.
        generator: The network, faces and maps in [-1, 1].
        facts: What its config says of it, but for what every generator's says.

    Raises:
        ModelError: ONNX Runtime does not compute what torch does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = facts["input"]["size"]  # type: ignore[index]
    painter = Painter(generator).eval()
    save_tensors(folder / "model.safetensors", generator.state_dict())
    export_onnx(painter, size, folder / "model.onnx", ("maps",))
    faces = np.random.default_rng(0).uniform(-1, 1, (4, 3, size, size)).astype(np.float32)
    check_parity(painter, folder / "model.onnx", faces)
    files = hashes(folder, "model.onnx", "model.safetensors")
    write_config(folder, {"schema": 1, "task": "generator", **facts, "metrics": [], "files": files})
