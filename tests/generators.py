"""Tiny generators of maps in the layout of a model folder, for tests that need one."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from hub_models import Files, model_config, write_model
from onnx import TensorProto, helper, numpy_helper


def contrast_onnx(size: int = 64, gain: float = 0.5, clip: bool = True) -> bytes:
    """A network whose map is how far each pixel is from the mean of its channel, times a gain.

    Args:
        size: Side of the faces it takes.
        gain: Factor of the difference.
        clip: Whether values beyond 1 are cut off.
    """
    last = "maps" if not clip else "scaled"
    nodes = [
        helper.make_node("ReduceMean", ["faces", "axes"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["faces", "mean"], ["apart"]),
        helper.make_node("Abs", ["apart"], ["distance"]),
        helper.make_node("Mul", ["distance", "gain"], [last]),
    ]
    if clip:
        nodes.append(helper.make_node("Clip", ["scaled", "", "one"], ["maps"]))
    faces, maps = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, size, size])
        for name in ("faces", "maps")
    )
    values = {"axes": np.array([2, 3], np.int64), "gain": np.float32(gain), "one": np.float32(1)}
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "contrast", [faces], [maps], constants)
    opset = helper.make_opsetid("", 18)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString())


def contrast(faces: np.ndarray, gain: float = 0.5) -> np.ndarray:
    """What the network paints of faces (N, S, S, 3) uint8 with the mean and std of `generator_files`."""
    x = (faces / 255 - 0.5) / 0.5
    return (np.abs(x - x.mean(axis=(1, 2), keepdims=True)) * gain).clip(0, 1)


def generator_files(gain: float = 0.5, size: int = 64, clip: bool = True, **changes: Any) -> Files:
    """The files of a valid generator's folder by name; changes replace top-level keys of `config.json`."""
    network = contrast_onnx(size, gain, clip)
    config = model_config(
        network,
        name="contrast",
        task="generator",
        architecture="unet",
        shape={"width": 16, "depth": 4},
        input={"size": size, "margin": 1.25, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        files={"model.onnx": hashlib.sha256(network).hexdigest()},
        **changes,
    )
    del config["calibration"], config["decision"]
    return {"config.json": json.dumps(config).encode(), "model.onnx": network}


def write_generator(folder: Path, **changes: Any) -> Path:
    """Write the folder of a generator, as `generator_files` describes it."""
    return write_model(folder, generator_files(**changes))
