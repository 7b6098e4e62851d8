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
from deepfake_cli.inference.session import open_session
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_config import Decision, branches_of
from deepfake_cli.io.model_folder import ONNX, SAFETENSORS, RendererFolder
from deepfake_cli.models.explained import ExplainedClassifier, can_be_explained
from deepfake_cli.models.map_classifier import MapClassifier
from deepfake_cli.models.modality_classifier import Judged, ModalityClassifier
from deepfake_cli.settings import ClassifierSettings

from .calibrate.fit import balanced_threshold, crowd_thresholds, fit_temperature, sigmoid, uncertain_band
from .card import write_card
from .checkpoints import save_tensors
from .faces_once import FacesOnce
from .inner import Inner
from .measure.evaluate import Measurement
from .networks import Network, architecture_of, build_network, face_scale, load_weights

LICENCE = "Apache-2.0; the terms of the training data hold beside it"  # of what is trained here

_PARITY = 1e-3  # largest difference of an output between torch and ONNX Runtime
_OPSET = 18
_BATCH = 8


def export_classifier(
    folder: Path,
    weights: dict[str, Tensor],
    settings: ClassifierSettings,
    chosen: FacesOnce,
    *,
    inner: Inner | None = None,
    name: str,
    trained_on: list[str],
) -> tuple[Decision, NDArray[np.float64]]:
    """Write a model folder and set its temperature, threshold and band on the faces of the split ``choose``.

    Args:
        folder: Where to write; made if missing.
        weights: State of the network.
        settings: The recipe that made it.
        chosen: Faces of the split ``choose``.
        inner: The generator or the renderer that it holds, unless its input is ``plain``.
        name: What the model is called.
        trained_on: Names of the data sets.

    Returns:
        What decides, and P(fake) of the chosen faces, (N,).

    Raises:
        ModelError: ONNX Runtime does not compute what torch does.
    """
    classifier = write_network(folder, weights, settings, np.stack(_some(chosen, 0)), inner)
    mean, std = face_scale(settings)
    logits = np.concatenate(
        [classifier.logits(np.stack(_some(chosen, start))) for start in range(0, len(chosen), _BATCH)]
    ).astype(np.float64)
    labels = chosen.labels
    made = "" if all(kind is None for kind in chosen.forged) else ", some or all made of the real ones"
    source = f"choose: {int((labels == 0).sum())} real and {int((labels == 1).sum())} fake faces{made}"
    config = {
        "schema": 1,
        "name": name,
        "task": "classifier",
        "method": settings.input,
        **_held(settings, inner),
        "architecture": architecture_of(settings),
        "input": {
            "size": settings.size,
            "margin": settings.margin,
            "mean": mean,
            "std": std,
        },
        **decide(labels, logits, settings, source),
        "metrics": [],
        **_terms(trained_on, inner),
        "files": hashes(folder, ONNX, SAFETENSORS),
    }
    write_config(folder, config)
    decision = Decision.model_validate_json(json.dumps(config["decision"]))
    return decision, sigmoid(logits / config["calibration"]["temperature"])


def _held(settings: ClassifierSettings, inner: Inner | None) -> dict[str, Any]:
    """Say which generator or renderer a network holds, and what looks at what the renderer gives."""
    name = inner and f"{inner.config.name}@{inner.revision}"
    if isinstance(inner, RendererFolder):
        return {"renderer": name, "branches": branches_of(settings.input)}
    return {"generator": name}


def _terms(trained_on: list[str], inner: Inner | None) -> dict[str, Any]:
    """Say what a network learned from and under which terms it is; those of what it holds are its own too."""
    if inner is None:
        return {"trained_on": trained_on, "licence": LICENCE}
    task, theirs = inner.config.task, inner.config.licence
    return {
        "trained_on": list(dict.fromkeys([*inner.config.trained_on, *trained_on])),
        "licence": LICENCE if theirs == LICENCE else f"{LICENCE}; for the {task}: {theirs}",
    }


def write_network(
    folder: Path,
    weights: dict[str, Tensor],
    settings: ClassifierSettings,
    faces: NDArray[np.uint8],
    inner: Inner | None = None,
) -> Classifier:
    """Write a network as safetensors and as ONNX.

    Args:
        folder: Where to write; made if missing.
        weights: State of the network.
        settings: The recipe that made it.
        faces: (N, S, S, 3) on which both must agree.
        inner: The generator or renderer that it holds, unless its input is ``plain``.

    Returns:
        What ONNX Runtime makes of it, at a temperature of 1.

    Raises:
        ModelError: ONNX Runtime does not compute what torch does, or the weights are not of this network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = build_network(settings, inner)
    load_weights(model, weights)
    model.eval()
    save_tensors(folder / SAFETENSORS, weights)
    exported, outputs = _to_export(model)
    export_onnx(exported, settings.size, folder / ONNX, outputs)
    mean, std = face_scale(settings)
    classifier = Classifier(folder / ONNX, size=settings.size, mean=mean, std=std)
    check_parity(exported, folder / ONNX, classifier.preprocess(faces))
    return classifier


def _to_export(network: Network) -> tuple[nn.Module, tuple[str, ...]]:
    """Take what is exported of a network, and the names of its outputs: as much as it can tell."""
    if isinstance(network, MapClassifier):
        return network, ("logits", "maps")
    if isinstance(network, ModalityClassifier):
        return network, Judged._fields
    if can_be_explained(network):
        return ExplainedClassifier(network).eval(), ("logits", "heat")
    return network, ("logits",)


def _some(faces: FacesOnce, start: int) -> list[NDArray[np.uint8]]:
    return [faces[i] for i in range(start, min(start + _BATCH, len(faces)))]


def export_onnx(model: nn.Module, size: int, path: Path, outputs: tuple[str, ...] = ("logits",)) -> None:
    """Write a network as ONNX, without the stack traces that come with it: they name this machine's paths.

    Args:
        model: Takes faces (N, 3, size, size); N stays free.
        size: Side of a face in pixels.
        path: File to write.
        outputs: Names of what the network gives, in order.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter about itself
        program = torch.onnx.export(
            model,
            (torch.zeros(2, 3, size, size),),
            input_names=["faces"],
            output_names=list(outputs),
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


def decide(
    labels: NDArray[np.int64], logits: NDArray[np.float64], settings: ClassifierSettings, source: str
) -> dict[str, Any]:
    """Set temperature, threshold, band and thresholds for several people by the logits of faces.

    Args:
        labels: (N,) 1 for fake; both classes are there.
        logits: (N,).
        settings: Share of the scores that the band may hold, and faces that a verdict needs.
        source: What faces these are, in words.

    Returns:
        The keys ``calibration`` and ``decision`` of ``config.json``.
    """
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
            "crowd": [round(t, 4) for t in crowd_thresholds(scores[labels == 0], round(threshold, 4))],
        },
    }


def check_parity(model: nn.Module, path: Path, planes: NDArray[np.float32]) -> None:
    """Check that ONNX Runtime computes what torch does.

    Args:
        model: The network, ready to judge.
        path: What it was exported to.
        planes: (N, 3, S, S) faces as the network takes them.

    Raises:
        ModelError: An output differs by more than 1e-3, or is not a number.
    """
    with torch.inference_mode():
        expected = model(torch.from_numpy(planes))
    expected = expected if isinstance(expected, tuple) else (expected,)
    found = open_session(path).run(None, {"faces": planes})
    # NumPy's maximum, unlike Python's, is not a number where one of the values is none.
    difference = float(np.max([np.abs(e.numpy() - f).max() for e, f in zip(expected, found, strict=True)]))
    if not difference <= _PARITY:
        raise ModelError(f"the exported network differs from the original by {difference:.2g} in an output")


def hashes(folder: Path, *names: str) -> dict[str, str]:
    """Hash the files of a folder: SHA-256 in hex by name."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


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
