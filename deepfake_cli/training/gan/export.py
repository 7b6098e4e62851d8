"""Write a trained generator as a model folder: ONNX to paint with, safetensors to train on, config, card."""

from pathlib import Path

from torch import Tensor

from deepfake_cli.models.generator import Painter
from deepfake_cli.settings import GanSettings

from ..inner_export import export_inner
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
    export_inner(
        folder,
        weights,
        Painter(generator),
        settings,
        task="generator",
        outputs=("maps",),
        name=name,
        trained_on=trained_on,
    )
