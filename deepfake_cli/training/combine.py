"""Several classifiers as one network: the mean of what they say, of a face and of its mirror image."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, compose, numpy_helper
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import HEAT, INPUT, LOGITS, Classifier
from deepfake_cli.io.files import make_folder
from deepfake_cli.io.model_folder import CONFIG, ONNX, SAFETENSORS, ModelFolder, load_model_folder

from .export import hashes, strip_notes, write_config

_OPSET, _IR = 18, 10
_SHARED = ("margin", "mean", "std")  # of the input: one cut of a face serves all members
_PARITY = 1e-3  # largest difference of a logit from the mean of the members' own


def combine(members: Sequence[ModelFolder], folder: Path, *, mirrored: bool) -> ModelFolder:
    """Write a model folder whose logit is the mean of its members' calibrated logits.

    Faces enter at the largest size of the members and are scaled down for the others. Where all members tell
    where they look, in heat of one shape, so does the whole. Threshold and band are the first member's until
    they are calibrated.

    Args:
        members: Classifiers, one or more, that have faces cut and scaled alike.
        folder: Where to write; made if missing.
        mirrored: Judge the mirror image of each face too.

    Returns:
        The new folder.

    Raises:
        ModelError: The members do not go together, or the network does not compute their mean.
        OutputError: The folder cannot be made.
    """
    _refuse_unlike(members)
    make_folder(folder)
    size = max(member.config.input.size for member in members)
    networks = [Classifier.of(member) for member in members]
    shapes = {network.heat_shape for network in networks}
    heat = shapes.pop() if len(shapes) == 1 else (0, 0)
    whole = _views(members, size, mirrored)
    for number, member in enumerate(members):
        part = compose.add_prefix(onnx.load(member.onnx), f"{number}_")
        whole = compose.merge_models(whole, part, io_map=[(f"{number}_seen", f"{number}_{INPUT}")])
    whole = _finish(whole, members, heat, mirrored)
    strip_notes(whole)
    (folder / ONNX).write_bytes(whole.SerializeToString())
    if len(members) == 1 and members[0].safetensors.is_file():
        shutil.copyfile(members[0].safetensors, folder / SAFETENSORS)  # still what it was trained to
    write_config(folder, _config(members, folder, size, mirrored))
    made = load_model_folder(folder)
    _check_mean(made, members, networks, mirrored)
    return made


def _refuse_unlike(members: Sequence[ModelFolder]) -> None:
    for member in members:
        if member.config.branches:
            raise ModelError(
                f"{member.config.name} takes faces apart, and what it says of their parts would be lost",
                "join it with others by: dfdetect classifier stack",
            )
    first = members[0].config
    for other in (member.config for member in members[1:]):
        for key in _SHARED:
            ours, theirs = getattr(first.input, key), getattr(other.input, key)
            if ours != theirs:
                raise ModelError(
                    f"{first.name} and {other.name} see faces differently: {key} {ours} and {theirs}",
                    "combine models that were trained with the same margin, mean and std",
                )


def _views(members: Sequence[ModelFolder], size: int, mirrored: bool) -> onnx.ModelProto:
    """Make what every member sees, (N or 2N, 3, own size, own size), of faces (N, 3, size, size)."""
    nodes, views = [], INPUT
    constants: dict[str, ArrayLike] = {}
    if mirrored:
        constants["backwards"] = np.arange(size)[::-1]
        nodes.append(make_node("Gather", [INPUT, "backwards"], ["mirrored"], axis=3))
        nodes.append(make_node("Concat", [INPUT, "mirrored"], ["views"], axis=0))
        views = "views"
    outputs = []
    for number, own in enumerate(member.config.input.size for member in members):
        seen = f"{number}_seen"
        if own == size:
            nodes.append(make_node("Identity", [views], [seen]))
        else:
            constants[f"{number}_scale"] = np.array([1, 1, own / size, own / size], np.float32)
            nodes.append(
                make_node("Resize", [views, "", f"{number}_scale"], [seen], mode="linear", antialias=1)
            )
        outputs.append(make_tensor_value_info(seen, TensorProto.FLOAT, ["V", 3, own, own]))
    faces = make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", 3, size, size])
    return _model(nodes, [faces], outputs, constants)


def _finish(
    whole: onnx.ModelProto, members: Sequence[ModelFolder], heat: tuple[int, int], mirrored: bool
) -> onnx.ModelProto:
    """Put the means of the members' logits, and of their heat if it has a shape, behind the members."""
    shapes: dict[str, tuple[int, ...]] = {LOGITS: (), HEAT: heat} if all(heat) else {LOGITS: ()}
    nodes, inputs, outputs = [], [], []
    constants: dict[str, ArrayLike] = {}
    for name, shape in shapes.items():
        parts = []
        for number, member in enumerate(members):
            given, part = f"given{number}_{name}", f"calibrated{number}_{name}"
            temperature = f"temperature{number}"
            constants[temperature] = np.float32(member.config.calibration.temperature)
            inputs.append(make_tensor_value_info(given, TensorProto.FLOAT, ["V", *shape]))
            nodes.append(make_node("Div", [given, temperature], [part]))
            parts.append(part)
        views = f"views_{name}" if mirrored else name
        nodes.append(make_node("Mean", parts, [views]))
        if mirrored:
            nodes += _mean_of_both(views, name, shape, constants)
        outputs.append(make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]))
    links = [(f"{n}_{name}", f"given{n}_{name}") for n in range(len(members)) for name in shapes]
    tail = _model(nodes, inputs, outputs, constants)
    return compose.merge_models(whole, tail, io_map=links, outputs=list(shapes))


def _mean_of_both(
    views: str, name: str, shape: tuple[int, ...], constants: dict[str, ArrayLike]
) -> list[onnx.NodeProto]:
    """Take the mean of the first half of the views and the second, whose heat is turned back."""
    constants |= {f"{name}_shape": np.array([2, -1, *shape]), "first": np.int64(0), "second": np.int64(1)}
    nodes = [
        make_node("Reshape", [views, f"{name}_shape"], [f"{name}_halves"]),
        make_node("Gather", [f"{name}_halves", "first"], [f"{name}_straight"], axis=0),
        make_node("Gather", [f"{name}_halves", "second"], [f"{name}_mirrored"], axis=0),
    ]
    back = f"{name}_mirrored"
    if shape:
        back = f"{name}_back"
        constants["columns"] = np.arange(shape[1])[::-1]
        nodes.append(make_node("Gather", [f"{name}_mirrored", "columns"], [back], axis=2))
    return [*nodes, make_node("Mean", [f"{name}_straight", back], [name])]


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, ArrayLike],
) -> onnx.ModelProto:
    given = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    graph = make_graph(nodes, "combined", inputs, outputs, given)
    return make_model(graph, opset_imports=[make_opsetid("", _OPSET)], ir_version=_IR)


def begin_config(members: Sequence[ModelFolder], ending: str) -> dict[str, Any]:
    """Begin the ``config.json`` of what is made of several models.

    Args:
        members: The first says all that is not known otherwise.
        ending: Of the name.

    Returns:
        All but ``files``; it names what all members learned from, and nothing that was measured.
    """
    config: dict[str, Any] = json.loads((members[0].path / CONFIG).read_text(encoding="utf-8"))
    learned = dict.fromkeys(name for member in members for name in member.config.trained_on)
    del config["files"]
    return config | {"name": f"{config['name'][:80]}-{ending}", "metrics": [], "trained_on": list(learned)}


def _config(members: Sequence[ModelFolder], folder: Path, size: int, mirrored: bool) -> dict[str, Any]:
    config = begin_config(members, "mirrored" if len(members) == 1 else "combined")
    architecture = " and ".join(member.config.architecture for member in members)
    return config | {
        "method": "plain",
        "generator": None,
        "architecture": architecture + (", of a face and its mirror image" if mirrored else ""),
        "input": config["input"] | {"size": size},
        "calibration": {"temperature": 1.0, "source": "the members' own"},
        "files": hashes(folder, *(name for name in (ONNX, SAFETENSORS) if (folder / name).exists())),
    }


def _check_mean(
    made: ModelFolder, members: Sequence[ModelFolder], networks: Sequence[Classifier], mirrored: bool
) -> None:
    """Compare the whole with its members, on noise; not where it scales faces for some of them itself."""
    size = made.config.input.size
    if any(member.config.input.size != size for member in members):
        return
    faces = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), np.uint8)

    def mean(seen: NDArray[np.uint8]) -> NDArray[np.float64]:
        each = [
            network.logits(seen).astype(np.float64) / member.config.calibration.temperature
            for network, member in zip(networks, members, strict=True)
        ]
        return np.asarray(np.mean(each, axis=0))

    wanted = mean(faces)
    if mirrored:
        wanted = (wanted + mean(np.ascontiguousarray(faces[:, :, ::-1]))) / 2
    difference = float(np.abs(Classifier.of(made).logits(faces) - wanted).max())
    if not difference <= _PARITY:
        raise ModelError(f"the combined network differs from the mean of its members by {difference:.2g}")
