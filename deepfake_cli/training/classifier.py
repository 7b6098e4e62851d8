"""Train the face classifier on pairs of real and fake faces."""

import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError
from deepfake_cli.models.classifier import build_classifier
from deepfake_cli.profile import ClassifierSettings
from deepfake_cli.progress import Track, untracked

from .checkpoints import average_into, load_checkpoint, save_checkpoint
from .imagenet import load_imagenet
from .metrics import auc
from .pairs import FacePairs, Source
from .tables import FaceRow, read_faces, read_picture

_BATCH_TO_JUDGE = 64


@dataclass(frozen=True)
class Epoch:
    """What an epoch achieved.

    Attributes:
        number: Counted from 1.
        loss: Mean training loss.
        choose_auc: AUC of the averaged weights on the split ``choose``, one score a face.
        best: Whether this is the best epoch so far.
        weights: The averaged weights.
        steps: Optimizer steps taken so far.
    """

    number: int
    loss: float
    choose_auc: float
    best: bool
    weights: dict[str, Tensor]
    steps: int


def train_classifier(
    sources: list[Source],
    settings: ClassifierSettings,
    *,
    checkpoint: Path,
    resume: bool = False,
    start: dict[str, Tensor] | None = None,
    track: Track = untracked,
) -> Iterator[Epoch]:
    """Train and yield every finished epoch; state is saved before each yield.

    Args:
        sources: Tables to learn from; their rows of the split ``choose`` judge every epoch.
        settings: The recipe.
        checkpoint: Where the state is kept after each epoch.
        resume: Go on from the checkpoint. On a CPU with the same number of threads the continued run equals
            the uninterrupted one bit for bit.
        start: Weights to start from instead of ``settings.start``.
        track: Shows the progress of every epoch.

    Raises:
        DataError: A table cannot be used, or the checkpoint cannot be resumed.
    """
    torch.manual_seed(settings.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=settings.precision)
    model = build_classifier(settings.architecture)
    if start is not None:
        model.load_state_dict(start)
    elif settings.start == "imagenet":
        load_imagenet(model.network, settings.architecture)
    if fabric.device.type == "cpu":
        _keep_large_depthwise_in_float(model)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    network, optimizer = fabric.setup(model, optimizer)
    average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    done, best = 0, -math.inf
    if resume:
        weights, average, numbers = load_checkpoint(checkpoint, optimizer)
        model.load_state_dict(weights)
        average = {name: tensor.to(fabric.device) for name, tensor in average.items()}
        done, best = numbers["epoch"], numbers["best"]

    pairs = FacePairs(
        sources,
        pairs=settings.pairs,
        labelled=settings.labelled,
        size=settings.size,
        margin=settings.margin,
        seed=settings.seed,
    )
    loader = DataLoader(
        pairs,
        settings.batch // 2,
        num_workers=settings.workers,
        drop_last=True,
        collate_fn=_join,
        generator=torch.Generator(),
    )
    judge = FacesOnce(
        [row for s in sources for row in read_faces(s.table, ["choose"])], settings.size, settings.margin
    )
    if not len(judge):
        raise DataError("no table has a row in the split 'choose', which judges the epochs")
    for epoch in range(done, settings.epochs):
        pairs.epoch = epoch
        batches = track(loader, f"epoch {epoch + 1}/{settings.epochs}")
        loss = _train_epoch(
            fabric, network, optimizer, batches, average, settings, epoch * len(loader), len(loader)
        )
        value = auc(judge.labels, predict(average, judge, settings, fabric))
        improved = value > best
        best = max(best, value)
        numbers = {"epoch": epoch + 1, "best": best}
        save_checkpoint(
            checkpoint, weights=model.state_dict(), average=average, optimizer=optimizer, numbers=numbers
        )
        yield Epoch(epoch + 1, loss, value, improved, average, (epoch + 1) * len(loader))


class FacesOnce(Dataset[NDArray[np.uint8]]):
    """The faces of some rows as scan would cut them, (size, size, 3) uint8 each."""

    def __init__(self, rows: list[FaceRow], size: int, margin: float) -> None:
        self._rows, self._size, self._margin = rows, size, margin

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) 1 for fake."""
        return np.array([row.fake for row in self._rows], np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        row = self._rows[index]
        return cut_face(read_picture(row.path), row.box, self._size, self._margin)


def predict(
    weights: dict[str, Tensor], faces: FacesOnce, settings: ClassifierSettings, fabric: Fabric
) -> NDArray[np.float64]:
    """Compute the logits (N,) of faces under some weights, in float32."""
    model = build_classifier(settings.architecture).to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.load_state_dict(weights)
    model.eval()
    logits = []
    with torch.inference_mode():
        for batch in DataLoader(faces, _BATCH_TO_JUDGE, num_workers=settings.workers):
            logits.append(model(normalise(batch.to(fabric.device), settings)).float().cpu().numpy())
    return np.concatenate(logits).astype(np.float64)


def normalise(faces: Tensor, settings: ClassifierSettings) -> Tensor:
    """Turn (N, S, S, 3) uint8 into the network's (N, 3, S, S): (x / 255 - mean) / std."""
    mean, std = (torch.tensor(values, device=faces.device) for values in (settings.mean, settings.std))
    return ((faces / 255 - mean) / std).permute(0, 3, 1, 2)


def _train_epoch(
    fabric: Fabric,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    average: dict[str, Tensor],
    settings: ClassifierSettings,
    first: int,
    steps: int,
) -> float:
    """Take one step a batch, the first being step ``first`` of the run, and return the mean loss."""
    network.train()
    module: nn.Module = network.module  # type: ignore[assignment]  # Fabric wraps it and would prefix its names
    losses = []
    total = settings.epochs * steps
    for step, (faces, labels) in enumerate(batches, start=first):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * schedule(step, total, settings.warmup)
        logits = network(normalise(faces.to(fabric.device), settings))
        loss = binary_cross_entropy_with_logits(logits.float(), labels.to(fabric.device))
        fabric.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        # Early on the average follows fast, or it would still hold the untrained head.
        average_into(average, module.state_dict(), min(settings.average, (step + 1) / (step + 10)))
        losses.append(loss.item())
    return float(np.mean(losses))


def schedule(step: int, total: int, warmup: float) -> float:
    """Scale the learning rate: a linear rise over the share ``warmup`` of all steps, then a cosine to zero."""
    rise = max(total * warmup, 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(total - rise, 1), 1)))


def _join(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join pairs (2, ...) to a batch of faces (2 N, S, S, 3) and labels (2 N,)."""
    faces, labels = zip(*items, strict=True)
    return torch.cat(faces), torch.cat(labels)


def _keep_large_depthwise_in_float(model: nn.Module) -> None:
    """Take depthwise convolutions of 5x5 and more out of autocast.

    Their bfloat16 gradients have no fast kernel on a CPU: with this, an epoch of EfficientNet-lite0 takes two
    thirds of the time.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1 and min(module.kernel_size) >= 5:
            module.forward = partial(_in_float, module.forward)  # type: ignore[method-assign]


def _in_float(forward: Any, images: Tensor) -> Tensor:
    off: AbstractContextManager[None] = torch.autocast(images.device.type, enabled=False)
    with off:
        result: Tensor = forward(images.float())
        return result
