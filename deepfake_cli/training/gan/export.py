"""Write a trained generator as a model folder: ONNX to paint with, safetensors to train on, config, card."""

from pathlib import Path

import numpy as np
from torch import Tensor

from deepfake_cli.io.model_folder import ONNX, SAFETENSORS
from deepfake_cli.models.generator import Painter
from deepfake_cli.settings import GanSettings

from ..checkpoints import save_tensors
from ..export import check_parity, export_onnx, hashes, write_config
from ..networks import HALF
from .learner import build


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
    folder.mkdir(parents=True, exist_ok=True)
    generator = build(settings)
    generator.load_state_dict(weights)
    painter = Painter(generator).eval()
    save_tensors(folder / SAFETENSORS, weights)
    export_onnx(painter, settings.size, folder / ONNX, ("maps",))
    shape = (4, 3, settings.size, settings.size)
    check_parity(painter, folder / ONNX, np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))
    config = {
        "schema": 1,
        "name": name,
        "task": "generator",
        "architecture": settings.architecture,
        "shape": {"width": settings.width, "depth": settings.depth},
        "input": {"size": settings.size, "margin": settings.margin, "mean": HALF, "std": HALF},
        "metrics": [],
        "trained_on": trained_on,
        "licence": "Apache-2.0; the terms of the training data hold beside it",
        "files": hashes(folder, ONNX, SAFETENSORS),
    }
    write_config(folder, config)
