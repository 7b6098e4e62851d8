"""Open ONNX models for inference on the CPU."""

from collections.abc import Iterable
from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from deepfake_cli.errors import ModelError

_UNREADABLE = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


def open_session(source: Path | bytes, threads: int = 1) -> ort.InferenceSession:
    """Load an ONNX model.

    Args:
        source: A file, or its content.
        threads: Threads one run may use; more than one pays only for models far larger than the detector's.

    Returns:
        A session on the CPU that gives the same output for the same input and thread count.

    Raises:
        ModelError: The file is missing or is no model that ONNX Runtime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = (
        4  # what goes wrong is raised; the library's own lines would spoil the terminal
    )
    options.use_deterministic_compute = True
    # Idle threads that spin take the cores that decoding needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = source if isinstance(source, bytes) else str(source)
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _UNREADABLE as error:
        name = "model" if isinstance(source, bytes) else str(source)
        raise ModelError(f"{name} cannot be loaded: {str(error).splitlines()[0]}") from error


def describe(nodes: Iterable[ort.NodeArg]) -> str:
    """Put inputs or outputs of a model into words, such as ``logits (N) float``; N is any free dimension."""
    # A dimension is a number, or a name (or nothing) where it is free.
    return ", ".join(
        f"{node.name} ({', '.join(str(d) if isinstance(d, int) else 'N' for d in node.shape)}) "
        f"{node.type.removeprefix('tensor(').removesuffix(')')}"
        for node in nodes
    )
