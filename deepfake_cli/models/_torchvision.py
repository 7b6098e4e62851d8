"""Make ``import torchvision`` work beside a torch that its compiled operators were not built for.

The registry's default torchvision wheel is built for CUDA. Beside a CPU torch, the usual pairing on machines
without a GPU, its extension library does not load; and since the package registers shape functions for its
operators at import, it dies with "operator torchvision::nms does not exist", and with it timm
and facenet_pytorch. Neither needs a compiled operator except non-maximum suppression, so declaring the two
operators that the import asks for, with a kernel in plain torch for the one that is called, is all it takes.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

_ops: Any = torch.ops  # neither is annotated in torch
_library: Any = torch.library
_NMS = "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def import_torchvision() -> ModuleType:
    """Import torchvision, standing in for its compiled operators where they do not load.

    Call it before the first import of timm, torchvision or facenet_pytorch. Where torchvision's own operators
    load, or torchvision is imported already, this is a plain import.

    Raises:
        ModuleNotFoundError: torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not _operators_load():
        _declare_operators()
        module = importlib.import_module("torchvision")
        # ops.nms asks whether the extension is there before it calls the operator declared below.
        setattr(importlib.import_module("torchvision.extension"), "_has_ops", lambda: True)  # noqa: B010
        return module
    return importlib.import_module("torchvision")


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Keep the best of overlapping boxes, as ``torchvision.ops.nms`` does.

    Args:
        boxes: (N, 4) x0, y0, x1, y1.
        scores: (N,) higher is better.
        iou_threshold: A box overlapping a better one by more than this is dropped.

    Returns:
        (K,) int64 indices of the kept boxes, best first.
    """
    x0, y0, x1, y1 = boxes.unbind(1)  # each (N,)
    areas = (x1 - x0) * (y1 - y0)
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while order.numel():
        best, rest = order[0], order[1:]
        kept.append(best)
        width = (torch.minimum(x1[best], x1[rest]) - torch.maximum(x0[best], x0[rest])).clamp(min=0)
        height = (torch.minimum(y1[best], y1[rest]) - torch.maximum(y0[best], y0[rest])).clamp(min=0)
        shared = width * height
        order = rest[shared / (areas[best] + areas[rest] - shared) <= iou_threshold]
    return torch.stack(kept) if kept else order


def _operators_load() -> bool:
    """Say whether torchvision's compiled operators load into this torch, without importing torchvision."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'torchvision'", name="torchvision")
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        library = Path(spec.origin).with_name("_C" + suffix)
        if library.exists():
            try:
                _ops.load_library(str(library))
            except OSError:  # the loader's answer to missing CUDA libraries or symbols
                return False
            return True
    return False


@cache
def _declare_operators() -> Any:
    """Register the operators; the cache keeps the library alive, which would otherwise take them with it."""
    library = _library.Library("torchvision", "DEF")
    library.define(_NMS)
    library.define("q" + _NMS)
    library.impl("nms", nms, "CPU")
    return library
