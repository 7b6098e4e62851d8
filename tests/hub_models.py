"""Tiny classifiers in the layout of a model folder, for tests that need one of their own."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Files = dict[str, bytes]


def brightness_onnx(size: int = 32, gain: float = 1.0, shape: list[Any] | None = None) -> bytes:
    """A network whose logit is the mean of its input times a gain.

    Args:
        size: Side of the faces it takes.
        gain: Factor of the mean.
        shape: Shape of its input; (N, 3, size, size) by default.
    """
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["faces", "axes"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "gain"], ["logits"]),
        ],
        "brightness",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, shape or ["N", 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [(shape or "N")[0]])],
        [
            numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
            numpy_helper.from_array(np.array(gain, np.float32), "gain"),
        ],
    )
    opset = helper.make_opsetid("", 18)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString())


def painting_onnx(size: int = 32, gain: float = 1.0, spot: Any = 0.0, most: float = 1.0) -> bytes:
    """The same network with maps beside the logits: its input at half the size, plus a spot, and clipped.

    Args:
        size: Side of the faces it takes; even. Its maps have half of it.
        gain: Factor of the mean.
        spot: Added to every map; a number, or (size / 2, size / 2).
        most: Values are clipped to 0 to this.
    """
    network = onnx.load_model_from_string(brightness_onnx(size, gain))
    graph = network.graph
    graph.node.extend(
        [
            helper.make_node("AveragePool", ["faces"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Add", ["half", "spot"], ["lit"]),
            helper.make_node("Clip", ["lit", "least", "most"], ["maps"]),
        ]
    )
    values = {"spot": spot, "least": 0.0, "most": most}
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.float32), name) for name, value in values.items()
    )
    shape = ["N", 3, size // 2, size // 2]
    graph.output.append(helper.make_tensor_value_info("maps", TensorProto.FLOAT, shape))
    return bytes(network.SerializeToString())


def heating_onnx(size: int = 32, gain: float = 1.0) -> bytes:
    """A network that tells where it looks: its heat is the mean of two by two pixels times a gain.

    Args:
        size: Side of the faces it takes; even. Its heat has half of it.
        gain: Factor.
    """
    shape = ["N", size // 2, size // 2]
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["faces"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("ReduceMean", ["half", "channels"], ["grey"], keepdims=0),
            helper.make_node("Mul", ["grey", "gain"], ["heat"]),
            helper.make_node("ReduceMean", ["heat", "places"], ["logits"], keepdims=0),
        ],
        "heating",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["N", 3, size, size])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N"]),
            helper.make_tensor_value_info("heat", TensorProto.FLOAT, shape),
        ],
        [
            numpy_helper.from_array(np.array([1], np.int64), "channels"),
            numpy_helper.from_array(np.array([1, 2], np.int64), "places"),
            numpy_helper.from_array(np.array(gain, np.float32), "gain"),
        ],
    )
    opset = helper.make_opsetid("", 18)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString())


def modalities_onnx(size: int = 32, gains: Sequence[float] = (3.0, -1.0, 0.5, 0.0, 0.2)) -> bytes:
    """A network that takes faces apart, at half their size, and adds up what its branches say.

    Args:
        size: Side of the faces it takes; even.
        gains: Of the branches, each of which adds the mean of the input times its gain to the logit; the bias
            is 0.25.
    """
    half, branches = size // 2, len(gains)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["faces", "all"], ["mean"], keepdims=1),
            helper.make_node("Reshape", ["mean", "column"], ["means"]),
            helper.make_node("Mul", ["means", "gains"], ["parts"]),
            helper.make_node("ReduceSum", ["parts", "second"], ["sum"], keepdims=0),
            helper.make_node("Add", ["sum", "bias"], ["logits"]),
            helper.make_node("AveragePool", ["faces"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Sigmoid", ["half"], ["albedo"]),
            helper.make_node("Mul", ["half", "none"], ["nothing"]),
            helper.make_node("Add", ["nothing", "ahead"], ["normals"]),
            helper.make_node("Add", ["nothing", "one"], ["shading"]),
            helper.make_node("ReduceMean", ["albedo", "second"], ["shadow"], keepdims=1),
            helper.make_node("Mul", ["mean", "none"], ["zero"]),
            helper.make_node("Reshape", ["zero", "plane"], ["zeros"]),
            helper.make_node("Add", ["zeros", "light"], ["lighting"]),
        ],
        "modalities",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["N", 3, size, size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
            for name, shape in {
                "logits": (),
                "parts": (branches,),
                "albedo": (3, half, half),
                "normals": (3, half, half),
                "shading": (3, half, half),
                "shadow": (1, half, half),
                "lighting": (9, 3),
            }.items()
        ],
        [
            numpy_helper.from_array(np.array(value), name)
            for name, value in {
                "all": np.array([1, 2, 3]),
                "column": np.array([-1, 1]),
                "plane": np.array([-1, 1, 1]),
                "second": np.array([1]),
                "gains": np.array(gains, np.float32),
                "bias": np.float32(0.25),
                "none": np.float32(0),
                "one": np.float32(1),
                "ahead": np.array([0, 0, 1], np.float32).reshape(3, 1, 1),
                "light": np.linspace(0.8, 0, 27, dtype=np.float32).reshape(9, 3),
            }.items()
        ],
    )
    opset = helper.make_opsetid("", 18)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString())


def model_config(onnx_file: bytes, **changes: Any) -> dict[str, Any]:
    """A valid `config.json` for a network, as a dictionary; changes replace top-level keys."""
    return {
        "schema": 1,
        "name": "brightness",
        "task": "classifier",
        "architecture": "mean",
        "input": {"size": 32, "margin": 1.25, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        "calibration": {"temperature": 1.0, "source": "not fitted"},
        "decision": {
            "threshold": 0.5,
            "source": "balanced accuracy on choose",
            "uncertain": [0.45, 0.55],
            "aggregation": "mean",
            "minimum_faces": 3,
        },
        "metrics": [
            {
                "dataset": "lamps",
                "split": "report",
                "metric": "auc",
                "value": 0.9,
                "interval": [0.85, 0.94],
                "real": 120,
                "fake": 130,
            }
        ],
        "trained_on": ["lamps"],
        "licence": "Apache-2.0",
        "files": {"model.onnx": hashlib.sha256(onnx_file).hexdigest()},
        **changes,
    }


def model_files(gain: float = 1.0, network: bytes = b"", **changes: Any) -> Files:
    """The files of a valid model folder by name; changes replace top-level keys of `config.json`."""
    network = network or brightness_onnx(gain=gain)
    return {
        "config.json": json.dumps(model_config(network, **changes)).encode(),
        "model.onnx": network,
        "README.md": b"# brightness\n",
    }


def painter_files(gain: float = 1.0, spot: Any = 0.0, **changes: Any) -> Files:
    """The same for a model that judges by maps, of 32 pixels, of faces of 64."""
    network = painting_onnx(64, gain, spot)
    size = {"size": 64, "margin": 1.25, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    return model_files(network=network, **{"method": "mri", "input": size, **changes})


def modalities_files(gains: Sequence[float] = (3.0, -1.0, 0.5, 0.0, 0.2), **changes: Any) -> Files:
    """The same for a model that takes faces of 32 pixels apart into all five modalities."""
    branches = ["albedo", "normals", "shading", "shadow", "lighting"]
    given = {"method": "modalities", "renderer": "face-renderer@0123456789ab", "branches": branches}
    return model_files(network=modalities_onnx(32, gains), **{**given, **changes})


def stack_files(
    *members: tuple[str, str, float, float], bias: float = 0.0, temperature: float = 1.0, **changes: Any
) -> Files:
    """The files of a stack of members, each by name, revision, temperature and weight."""
    keys = ("model", "revision", "temperature", "weight")
    config = model_config(
        b"",
        name="stacked",
        method="all",
        members=[dict(zip(keys, member, strict=True)) for member in members],
        bias=bias,
        calibration={"temperature": temperature, "source": "lamps"},
        files={},
    )
    return {"config.json": json.dumps({**config, **changes}).encode()}


def write_model(folder: Path, files: Files | None = None) -> Path:
    """Write the files of a model folder, those of `model_files` by default."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files or model_files()).items():
        (folder / name).write_bytes(content)
    return folder
