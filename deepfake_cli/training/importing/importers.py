"""Turn published checkpoints into model folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfake_cli.errors import ModelError, OutputError, UsageError
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_folder import CARD, ONNX, SAFETENSORS, GeneratorFolder
from deepfake_cli.io.workspace import write_folder
from deepfake_cli.models.face_renderer import OUTPUTS
from deepfake_cli.models.generator import UNET, Painter, UNet
from deepfake_cli.models.inverse_render_net import DEPTH, WIDTH
from deepfake_cli.models.map_classifier import MapClassifier
from deepfake_cli.models.published import DessaClassifier, MriGanClassifier

from ..checkpoints import save_tensors
from ..export import check_parity, export_onnx, hashes, write_config
from ..inner import empty_generator, inner_weights
from .cards import DESSA, INVERSE_RENDER_NET, MAPS, MRI_GAN, MRI_GAN_CLASSIFIER, NO_PRIOR, PRIOR
from .foreign import fit, read_tensors
from .inverse_render_net import read_inverse_render_net

KINDS = ("mri-gan", "mri-gan-classifier", "dessa-resnet18", "inverserendernet")

_HALF = (0.5, 0.5, 0.5)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, red, green, blue
_PAINTED, _JUDGED = 256, 224  # sides in pixels that MRI-GAN's generator takes, and all of the classifiers
_RENDERED = 200  # side in pixels that InverseRenderNet++ takes
_HALVINGS = 8  # from 256 px to one
_ENCODERS = {1280: "tf_efficientnet_b0", 2560: "tf_efficientnet_b7"}  # by the features that they give
_TERMS = "the terms of its authors hold, and those of the data that it learned from"
_SAVE = "torch.save(dict(torch.load({file!r}, weights_only=False)[{wrapper!r}]), 'tensors.pt')"


@dataclass(frozen=True)
class _Imported:
    """What a checkpoint becomes.

    Attributes:
        network: What scans: faces in, outputs out.
        weights: To train on from.
        outputs: Names of what the network gives.
        config: What `config.json` says of it.
        trained_on: Names of the data sets that it learned from.
        card: The model's card without its numbers.
        licence: Its terms.
    """

    network: nn.Module
    weights: dict[str, Tensor]
    outputs: tuple[str, ...]
    config: dict[str, Any]
    trained_on: tuple[str, ...]
    card: str
    licence: str = _TERMS


def import_checkpoint(
    file: Path,
    kind: str,
    folder: Path,
    *,
    minimum_faces: int,
    generator: GeneratorFolder | None = None,
    prior: Path | None = None,
) -> None:
    """Write the model folder of a published checkpoint.

    Args:
        file: The checkpoint, as ``torch.save`` wrote it; of ``inverserendernet`` its folder.
        kind: One of ``KINDS``.
        folder: Where to write; must not be there yet.
        minimum_faces: Faces a person needs before a classifier's verdict may rest on them.
        generator: Whose maps ``mri-gan-classifier`` judges; without one it judges faces.
        prior: Folder of the prior of lighting of ``inverserendernet``; that beside the
            checkpoint, if any, by default.

    Raises:
        ModelError: The checkpoint or the generator cannot be used, or ONNX Runtime does not compute what
            torch does.
        OutputError: The folder is there already, or cannot be written.
        UsageError: Only ``mri-gan-classifier`` looks at maps, and only ``inverserendernet`` has a prior.
    """
    if generator and kind != "mri-gan-classifier":
        raise UsageError(f"{kind} does not look at maps", "--generator goes with --as mri-gan-classifier")
    if prior and kind != "inverserendernet":
        raise UsageError(f"{kind} has no prior of lighting", "--prior goes with --as inverserendernet")
    if folder.exists():
        raise OutputError(f"{folder} is there already", "name another --output")
    match kind:
        case "mri-gan":
            imported = _generator(file)
        case "mri-gan-classifier":
            imported = _mri_gan_classifier(file, generator, minimum_faces)
        case "dessa-resnet18":
            imported = _dessa(file, minimum_faces)
        case "inverserendernet":
            imported = _inverse_render_net(file, prior)
        case _:
            raise ValueError(f"kind must be one of {KINDS}, not {kind}")
    _write(imported, folder)


def _write(imported: _Imported, folder: Path) -> None:
    network = imported.network.eval()
    config = {
        "schema": 1,
        **imported.config,
        "metrics": [],
        "trained_on": list(imported.trained_on),
        "licence": imported.licence,
    }
    with write_folder(folder) as parts:
        save_tensors(parts / SAFETENSORS, imported.weights)
        export_onnx(network, config["input"]["size"], parts / ONNX, imported.outputs)
        check_parity(network, parts / ONNX, _noise(config["input"]))
        with write_atomically(parts / CARD) as card:
            card.write(imported.card)
        write_config(parts, {**config, "files": hashes(parts, ONNX, SAFETENSORS)})


def _generator(file: Path) -> _Imported:
    wrapper = "generator_state_dict"
    tensors = read_tensors(file, wrapper, _SAVE.format(file=str(file), wrapper=wrapper))
    depth = next(n for n in count() if f"down{n + 1}.model.0.weight" not in tensors)
    if depth not in range(2, _HALVINGS + 1):
        raise ModelError(
            f"{file} holds no generator of MRI-GAN: "
            f"it has {depth} levels (down1.model.0.weight and so on), not 2 to {_HALVINGS}",
            "see that --as names its kind",
        )
    width = max(_side(tensors, "down1.model.0.weight", 0), 1)
    with torch.device("meta"):
        network = UNet(width, depth, dropout=0)
    fit(network, tensors, file)
    config = {
        "name": "mri-gan",
        "task": "generator",
        "architecture": UNET,
        "input": _input(_PAINTED, 1.2, _HALF, _HALF),
        "shape": {"width": width, "depth": depth},
    }
    learned = ("DFDC", "Celeb-DF-v2", "FFHQ", "FDF")
    return _Imported(Painter(network), network.state_dict(), ("maps",), config, learned, MRI_GAN)


def _mri_gan_classifier(file: Path, generator: GeneratorFolder | None, minimum_faces: int) -> _Imported:
    wrapper, head = "model_state_dict", "classifier.0.weight"
    tensors = read_tensors(file, wrapper, _SAVE.format(file=str(file), wrapper=wrapper))
    # The encoder's own head is not part of what is published as its forward pass.
    tensors = {name: t for name, t in tensors.items() if not name.startswith("encoder.classifier.")}
    features = _side(tensors, head, 1)
    if features not in _ENCODERS:
        known = " or ".join(f"{number} ({name})" for number, name in _ENCODERS.items())
        found = f"takes {features} features" if features else "is missing"
        raise ModelError(
            f"{file} holds no classifier of MRI-GAN: {head} {found}, it should take {known}",
            "see that --as names its kind",
        )
    with torch.device("meta"):
        network = MriGanClassifier(_ENCODERS[features])
    fit(network, tensors, file)
    config = {
        "name": "mri-gan-frames",
        "task": "classifier",
        "method": "plain",
        "architecture": _ENCODERS[features],
        "input": _input(_JUDGED, 1.2, _MEAN, _STD),
        **_decided(minimum_faces),
    }
    card = MRI_GAN_CLASSIFIER.format(looks="frames", what="faces", more="")
    imported = _Imported(network, network.state_dict(), ("logits",), config, ("DFDC",), card)
    return _on_maps(imported, generator) if generator else imported


def _on_maps(imported: _Imported, generator: GeneratorFolder) -> _Imported:
    """Let MRI-GAN's classifier judge the maps of a generator, which becomes part of the network."""
    painter, name = generator.config, f"{generator.config.name}@{generator.revision}"
    network = MapClassifier(
        Painter(_built(generator)),
        imported.network,
        painted=painter.input.size,
        seen=_JUDGED,
        mean=_MEAN,
        std=_STD,
        with_face=False,
    )
    changes = {
        "name": "mri-gan-maps",
        "method": "mri",
        "generator": name,
        "input": painter.input.model_dump(mode="json"),
    }
    return _Imported(
        network,
        network.state_dict(),
        ("logits", "maps"),
        imported.config | changes,
        tuple(dict.fromkeys((*painter.trained_on, *imported.trained_on))),
        MRI_GAN_CLASSIFIER.format(
            looks="maps",
            what="the maps that a generator paints of faces",
            more=MAPS.format(side=_JUDGED, generator=name),
        ),
        f"{imported.licence}; for the generator: {painter.licence}",
    )


def _dessa(file: Path, minimum_faces: int) -> _Imported:
    remedy = "torch.save(model.state_dict(), 'tensors.pt'), where model is the one in the file"
    tensors = read_tensors(file, "state_dict", remedy)
    with torch.device("meta"):
        network = DessaClassifier(hidden="fc.3.weight" in tensors)
    fit(network.network, tensors, file)
    config = {
        "name": "dessa-resnet18",
        "task": "classifier",
        "method": "plain",
        "architecture": "resnet18",
        "input": _input(_JUDGED, 1.3, _MEAN, _STD),
        **_decided(minimum_faces),
    }
    learned = ("FaceForensics++", "YouTube")
    return _Imported(network, network.state_dict(), ("logits",), config, learned, DESSA)


def _inverse_render_net(file: Path, prior: Path | None) -> _Imported:
    network = read_inverse_render_net(file, prior)
    config = {
        "name": "inverserendernet",
        "task": "renderer",
        "architecture": "inverserendernet",
        "input": _input(_RENDERED, 1.3, _HALF, _HALF),
        "shape": {"width": WIDTH, "depth": DEPTH},
    }
    learned = ("MegaDepth",)
    card = INVERSE_RENDER_NET.format(prior=NO_PRIOR if network.mean is None else PRIOR)
    return _Imported(network, network.state_dict(), OUTPUTS, config, learned, card)


def _built(folder: GeneratorFolder) -> nn.Module:
    """Build a generator from its folder, to become part of another network."""
    with torch.device("meta"):
        network = empty_generator(folder)
    return fit(network, inner_weights(folder), folder.safetensors)


def _side(tensors: Mapping[str, Tensor], name: str, axis: int) -> int:
    """Return the length of one side of a tensor; 0 if it is missing or has no such side."""
    shape = tensors[name].shape if name in tensors else ()
    return shape[axis] if axis < len(shape) else 0


def _input(size: int, margin: float, mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Any]:
    return {"size": size, "margin": margin, "mean": list(mean), "std": list(std)}


def _decided(minimum_faces: int) -> dict[str, Any]:
    return {
        "calibration": {"temperature": 1.0, "source": "not calibrated"},
        "decision": {
            "threshold": 0.5,
            "source": "published; not set on any split here",
            "uncertain": [0.5, 0.5],
            "aggregation": "mean",
            "minimum_faces": minimum_faces,
        },
    }


def _noise(taken: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Make (3, 3, S, S) random pictures as a network takes them; there are no faces at hand."""
    pixels = np.random.default_rng(0).random((3, 3, taken["size"], taken["size"]))
    mean, std = (np.reshape(taken[key], (3, 1, 1)) for key in ("mean", "std"))
    return np.asarray((pixels - mean) / std, np.float32)
