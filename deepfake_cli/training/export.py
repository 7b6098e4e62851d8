"""Write a trained classifier as a model folder: ONNX to scan, safetensors to train on, config and card."""

import hashlib
import json
import warnings
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.io.files import write_atomically
from deepfake_cli.models.classifier import build_classifier
from deepfake_cli.settings import ClassifierSettings

from .calibration import balanced_threshold, fit_temperature, sigmoid, uncertain_band
from .card import write_card
from .checkpoints import save_tensors
from .evaluate import Measurement

_PARITY = 1e-3  # largest difference of a logit between torch and ONNX Runtime
_OPSET = 18


def export_classifier(
    folder: Path,
    weights: dict[str, Tensor],
    settings: ClassifierSettings,
    *,
    name: str,
    trained_on: list[str],
    labels: NDArray[np.int64],
    faces: NDArray[np.uint8],
) -> None:
    """Write a model folder and set its temperature, threshold and band on the faces of the split ``choose``.

    Args:
        folder: Where to write; made if missing.
        weights: State of the network.
        settings: The recipe that made it.
        name: What the model is called.
        trained_on: Names of the data sets.
        labels: (N,) 1 for fake, of ``choose``.
        faces: (N, S, S, 3) its faces.

    Raises:
        ModelError: ONNX Runtime does not compute what torch does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = build_classifier(settings.architecture)
    model.load_state_dict(weights)
    model.eval()
    save_tensors(folder / "model.safetensors", weights)
    _export(model, settings.size, folder / "model.onnx")
    classifier = Classifier(folder / "model.onnx", size=settings.size, mean=settings.mean, std=settings.std)
    _check_parity(model, classifier, faces[:8])
    logits = classifier.logits(faces).astype(np.float64)
    source = f"choose: {int((labels == 0).sum())} real and {int((labels == 1).sum())} fake faces"
    config = {
        "schema": 1,
        "name": name,
        "task": "classifier",
        "architecture": settings.architecture,
        "input": {
            "size": settings.size,
            "margin": settings.margin,
            "mean": settings.mean,
            "std": settings.std,
        },
        **_decide(labels, logits, settings, source),
        "metrics": [],
        "trained_on": trained_on,
        "licence": "Apache-2.0; the terms of the training data hold beside it",
        "files": {file: _sha256(folder / file) for file in ("model.onnx", "model.safetensors")},
    }
    write_config(folder, config)


def _export(model: nn.Module, size: int, path: Path) -> None:
    """Write a network as ONNX, without the stack traces that come with it: they name this machine's paths."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter about itself
        program = torch.onnx.export(
            model,
            (torch.zeros(2, 3, size, size),),
            input_names=["faces"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            opset_version=_OPSET,
            verbose=False,
        )
    assert program is not None  # as it is not written to a file here
    exported = program.model_proto
    strip_notes(exported)
    path.write_bytes(exported.SerializeToString())


def strip_notes(model: onnx.ModelProto) -> None:
    """Take all notes off a model, which ONNX Runtime does not read; it computes the same without them."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write ``config.json`` and the part of the card that is made from it."""
    with write_atomically(folder / "config.json") as file:
        file.write(json.dumps(config, indent=2) + "\n")
    write_card(folder / "README.md", config)


def _decide(
    labels: NDArray[np.int64], logits: NDArray[np.float64], settings: ClassifierSettings, source: str
) -> dict[str, Any]:
    temperature = fit_temperature(labels, logits)
    scores = sigmoid(logits / temperature)
    threshold = balanced_threshold(labels, scores)
    low, high = uncertain_band(scores, threshold, settings.abstain)
    return {
        "calibration": {"temperature": round(temperature, 4), "source": f"least log loss on {source}"},
        "decision": {
            "threshold": round(threshold, 4),
            "source": f"greatest balanced accuracy on {source}",
            "uncertain": [round(low, 4), round(high, 4)],
            "aggregation": "mean",
            "minimum_faces": settings.minimum_faces,
        },
    }


def _check_parity(model: torch.nn.Module, classifier: Classifier, faces: NDArray[np.uint8]) -> None:
    with torch.inference_mode():
        expected = model(torch.from_numpy(classifier.preprocess(faces))).numpy()
    difference = float(np.abs(expected - classifier.logits(faces)).max())
    if not difference <= _PARITY:
        raise ModelError(f"the exported network differs from the trained one by {difference:.2g} in a logit")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record_metrics(folder: Path, measurements: Iterable[Measurement]) -> None:
    """Write measurements into a model's ``config.json`` and card, in place of older ones of the same name."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    new = [asdict(m) for m in measurements if m.value is not None]
    names = {_name(m) for m in new}
    config["metrics"] = [
        _rounded(m) for m in (*(m for m in config["metrics"] if _name(m) not in names), *new)
    ]
    write_config(folder, config)


def _name(metric: dict[str, Any]) -> tuple[str, str, str]:
    return metric["dataset"], metric["split"], metric["metric"]


def _rounded(metric: dict[str, Any]) -> dict[str, Any]:
    return {
        **metric,
        "value": round(metric["value"], 4),
        "interval": [round(v, 4) for v in metric["interval"]],
    }
