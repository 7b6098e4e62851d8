"""Tiny renderers of faces in the layout of a model folder, for tests that need one."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hub_models import Files, model_config, write_model
from onnx import TensorProto, helper, numpy_helper

EVEN = 1 / 0.886227  # the first coefficient of white light of 1 from everywhere


def renderer_onnx(size: int = 64, shading: float = 1.0, paint: float = 0.5) -> bytes:
    """A network that takes the picture for albedo, on a flat face, in even light of the mean colour.

    Shadow is the picture in grey.

    Args:
        size: Side of the faces it takes.
        shading: Everywhere.
        paint: Factor of the input, to which 0.5 is added; at 0.5 albedo is the picture.
    """
    size_of = {"albedo": 3, "normals": 3, "shading": 3, "shadow": 1}
    shapes = {name: ["N", channels, size, size] for name, channels in size_of.items()}
    nodes = [
        helper.make_node("Mul", ["faces", "paint"], ["scaled"]),
        helper.make_node("Add", ["scaled", "half"], ["albedo"]),
        helper.make_node("Mul", ["faces", "nothing"], ["black"]),
        helper.make_node("Add", ["black", "towards"], ["normals"]),
        helper.make_node("Add", ["black", "light"], ["shading"]),
        helper.make_node("ReduceMean", ["albedo", "channels"], ["shadow"], keepdims=1),
        helper.make_node("ReduceMean", ["albedo", "places"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "channels"], ["colour"]),
        helper.make_node("Mul", ["colour", "even"], ["lighting"]),
    ]
    constants: dict[str, Any] = {
        "paint": np.float32(paint),
        "half": np.float32(0.5),
        "nothing": np.float32(0),
        "towards": np.float32([0, 0, 1]).reshape(1, 3, 1, 1),
        "light": np.float32(shading),
        "channels": np.array([1], np.int64),
        "places": np.array([2, 3], np.int64),
        "even": np.float32([EVEN, *[0] * 8]).reshape(1, 9, 1),
    }
    graph = helper.make_graph(
        nodes,
        "renderer",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["N", 3, size, size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in {**shapes, "lighting": ["N", 9, 3]}.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", 18)
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[opset], ir_version=10)
    return bytes(model.SerializeToString())


def renderer_files(size: int = 64, shading: float = 1.0, paint: float = 0.5) -> Files:
    """The files of a valid renderer's folder by name."""
    network = renderer_onnx(size, shading, paint)
    config = model_config(
        network,
        name="flat",
        task="renderer",
        architecture="none",
        shape={"width": 16, "depth": 4},
        input={"size": size, "margin": 1.0, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        files={"model.onnx": hashlib.sha256(network).hexdigest()},
    )
    del config["calibration"], config["decision"]
    return {"config.json": json.dumps(config).encode(), "model.onnx": network}


def write_renderer(folder: Path, size: int = 64, shading: float = 1.0, paint: float = 0.5) -> Path:
    """Write the folder of a renderer, as `renderer_files` describes it."""
    return write_model(folder, renderer_files(size, shading, paint))
