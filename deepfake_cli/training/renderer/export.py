"""Write a trained renderer as a model folder: ONNX to use, safetensors to train on, config, card."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_folder import CARD
from deepfake_cli.models.face_renderer import OUTPUTS
from deepfake_cli.settings import RendererSettings

from ..inner_export import export_inner
from .learner import build

_PROSE = """# {name}

Takes a face apart: albedo, normals, shading, shadow and lighting, where `albedo * shading * shadow` is the
face in linear light. `docs/renderer.md` says how it was trained.

**Learned from**: real faces alone, of the split `train` of {tables}, without any known albedo or light.
{normals}

**On the split `choose` and on made-up heads**:

{measures}

The epoch was picked by these same numbers, which are therefore a little too good.

**Not for**: measuring. What is albedo and what is light is decided by assumptions, such as that light is
white on average.

"""
_TAUGHT = (
    "Normals were supervised by maps that 3DDFA_V2 drew with the Basel Face Model, which is for\n"
    "non-commercial use. Neither the model, its basis, nor the maps are part of these weights; whoever uses\n"
    "them for more than research should weigh that."
)
_UNTAUGHT = "Normals were learned from shading alone: no known ones taught them."
_MEASURES = {
    "reconstruction": "mean absolute difference of real faces and what they are rebuilt as, white being 1",
    "face_normals": "degrees between normals of real faces and the face model's",
    "head_normals": "degrees between normals of made-up heads and the true ones",
    "head_albedo": "relative difference of the albedo of made-up heads to the true one, equally bright",
    "constancy": "relative difference of the albedo of made-up heads under two lights",
    "untouched": "the same of the pictures themselves",
    "error": "error relative to doing nothing, by which the epoch was chosen",
}


def export_renderer(
    folder: Path,
    weights: dict[str, Tensor],
    settings: RendererSettings,
    *,
    name: str,
    trained_on: list[str],
    taught: bool,
    measures: Mapping[str, str],
) -> None:
    """Write a renderer's folder.

    Args:
        folder: Where to write; made if missing.
        weights: State of the renderer.
        settings: The recipe that made it.
        name: What the model is called.
        trained_on: Names of the data sets.
        taught: Whether known normals of any face supervised its own.
        measures: What it achieved, by name; empty where that is not known.

    Raises:
        ModelError: ONNX Runtime does not compute what torch does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    renderer = build(settings)
    renderer.load_state_dict(weights)
    lines = [f"- {_MEASURES[key]}: {value}" for key, value in measures.items() if value]
    with write_atomically(folder / CARD) as file:
        file.write(
            _PROSE.format(
                name=name,
                tables=", ".join(trained_on),
                normals=_TAUGHT if taught else _UNTAUGHT,
                measures="\n".join(lines),
            )
        )
    export_inner(
        folder,
        weights,
        renderer,
        settings,
        task="renderer",
        outputs=OUTPUTS,
        name=name,
        trained_on=trained_on,
    )
