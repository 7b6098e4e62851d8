"""A network that learns: its optimizer, the moving average of its weights, and how both go to disk."""

import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.settings import ClassifierSettings

from .checkpoints import average_into, load_checkpoint, save_checkpoint
from .devices import open_fabric
from .faces_once import FacesOnce
from .inner import Inner
from .loading import Batch
from .networks import begin, build_network, encoder_parts, face_scale
from .schedules import one_cycle_momentum, rate
from .sharpness import sharpened

_BATCH_TO_JUDGE = 64


class Step(NamedTuple):
    """An optimizer step that was taken: its mean loss over all processes, and the learning rate."""

    loss: float
    rate: float


class Learner:
    """A classifier in training, on whatever device Fabric finds; ``torchrun`` starts several processes.

    Args:
        settings: The recipe.
        inner: The generator or the renderer that the network holds, unless its input is ``plain``.
        start: Weights to start from instead of ``settings.start``.

    Attributes:
        average: Moving average of the weights: what is judged and kept.
        fabric: Where it runs.
        began: What the encoder started from, in words.
        factor: Of the learning rate, beside its schedule.

    Raises:
        ModelError: The network cannot be built, or the weights do not fit.
        DataError: No part of the encoder is called what is to be frozen.
        UsageError: Several processes are to thaw parts, which they cannot.
    """

    def __init__(
        self,
        settings: ClassifierSettings,
        inner: Inner | None = None,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        self._settings, self._inner = settings, inner
        self.fabric = open_fabric(settings.precision, settings.accelerator)
        torch.manual_seed(settings.seed)
        self._model, self.began = begin(settings, inner, start)
        if settings.thaw and self.fabric.world_size > 1:
            raise UsageError(
                "parts that thaw cannot be trained by several processes", "set classifier.thaw to 0"
            )
        self._frozen = encoder_parts(self._model, settings.freeze)
        if not settings.thaw:
            self._freeze(0)
        if self.fabric.device.type == "cpu":
            _keep_large_depthwise_in_float(self._model)
        self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._learning = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        self._network, self._optimizer = self.fabric.setup(self._model, _optimizer(self._learning, settings))
        self.average = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
        self.factor = 1.0

    def learn(self, batches: Iterable[Batch], epoch: int, first: int, total: int) -> Iterator[Step]:
        """Take one optimizer step for every ``accumulate`` batches, and yield it.

        Args:
            batches: This process's faces (N, S, S, 3) uint8 and labels (N,), 1 for fake.
            epoch: Counted from 0.
            first: Number of the first step, counted from 0 over the whole run.
            total: Steps of the whole run.

        Raises:
            DataError: The loss is not a number.
        """
        settings = self._settings
        # What a step draws depends on its epoch alone, so that a resumed run goes on as if uninterrupted.
        torch.manual_seed((settings.seed << 32) + (first << 8) + self.fabric.global_rank)
        self._network.train()
        self._freeze(epoch)
        for step, parts in enumerate(_grouped(batches, settings.accumulate), start=first):
            now = self._set_rate(step, total)
            loss = self._step(parts)
            if not math.isfinite(loss):
                raise DataError(
                    f"the loss is not a number at step {step + 1}, in epoch {epoch + 1}; the last is kept",
                    "lower classifier.learning_rate, or set classifier.clip, and start again",
                )
            # Early on the average follows fast, or it would still hold the untrained head.
            decay = min(settings.average, (step + 1) / (step + 10))
            average_into(self.average, self._model.state_dict(), decay)
            yield Step(loss, now)

    def judge(self, faces: FacesOnce) -> NDArray[np.float64]:
        """Compute the logits (N,) of faces under the averaged weights, in float32."""
        model = build_network(self._settings, self._inner)
        model.load_state_dict(self.average)
        model.to(self.fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        model.eval()
        logits = []
        with torch.inference_mode():
            for batch in DataLoader(faces, _BATCH_TO_JUDGE, num_workers=self._settings.workers):
                planes = normalise(batch.to(self.fabric.device), self._settings)
                logits.append(_logits(model(planes)).cpu().numpy())
        return np.concatenate(logits).astype(np.float64)

    def save(self, path: Path, numbers: dict[str, Any]) -> None:
        """Write all that a run needs to go on, with some numbers of the caller's; the first process alone."""
        states = {"weights": self._model.state_dict(), "average": self.average}
        save_checkpoint(path, states, {"optimizer": self._optimizer}, numbers)

    def load(self, path: Path) -> dict[str, Any]:
        """Go back to what ``save`` wrote and return the caller's numbers.

        Raises:
            DataError: The file is not a checkpoint, or one of another network.
        """
        states, numbers = load_checkpoint(path, ("weights", "average"), {"optimizer": self._optimizer})
        try:
            self._model.load_state_dict(states["weights"])
        except RuntimeError as error:
            raise DataError(
                f"{path} is of another network than {self._settings.architecture}: "
                f"{str(error).splitlines()[-1].strip()}",
                "resume with the profile that the run was started with",
            ) from error
        self.average = {name: tensor.to(self.fabric.device) for name, tensor in states["average"].items()}
        return numbers

    def _step(self, parts: tuple[Batch, ...]) -> float:
        settings = self._settings
        loss = self._gather(parts)
        if settings.sam:
            with sharpened(self._learning, settings.sam):
                self._gather(parts)
        if settings.clip:
            self.fabric.clip_gradients(
                self._network, self._optimizer, max_norm=settings.clip, error_if_nonfinite=False
            )
        self._optimizer.step()
        self._optimizer.zero_grad()
        joined = self.fabric.all_reduce(loss, reduce_op="mean")
        assert isinstance(joined, Tensor)
        return joined.item()

    def _gather(self, parts: tuple[Batch, ...]) -> Tensor:
        """Add up the gradients of some batches; return their mean loss."""
        losses = []
        for number, (faces, labels) in enumerate(parts, 1):
            with self.fabric.no_backward_sync(self._network, enabled=number < len(parts)):
                loss = self._loss(faces.to(self.fabric.device), labels.to(self.fabric.device))
                self.fabric.backward(loss / len(parts))
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    def _loss(self, faces: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean cross-entropy of faces (N, S, S, 3) against labels (N,)."""
        settings = self._settings
        logits = _logits(self._network(normalise(faces, settings))).float()
        soft = labels * (1 - settings.smoothing) + settings.smoothing / 2
        real, fake = settings.class_weights
        return binary_cross_entropy_with_logits(logits, soft, weight=real + (fake - real) * labels)

    def _set_rate(self, step: int, total: int) -> float:
        settings = self._settings
        factor = self.factor * rate(
            settings.schedule, step, total, warmup=settings.warmup, hold=settings.hold
        )
        for group in self._optimizer.param_groups:
            group["lr"] = settings.learning_rate * factor
            if settings.schedule == "one-cycle":
                momentum = one_cycle_momentum(step, total, settings.warmup)
                if "betas" in group:
                    group["betas"] = (momentum, group["betas"][1])
                else:
                    group["momentum"] = momentum
        return settings.learning_rate * factor

    def _freeze(self, epoch: int) -> None:
        """Keep parts from learning, until they thaw; the statistics of their normalisation stay too."""
        frozen = not self._settings.thaw or epoch < self._settings.thaw
        for module, parameters in self._frozen:
            if frozen:
                module.eval()
            for parameter in parameters:
                parameter.requires_grad_(not frozen)


def _grouped(batches: Iterable[Batch], size: int) -> Iterator[tuple[Batch, ...]]:
    iterator = iter(batches)
    while group := tuple(islice(iterator, size)):
        yield group


def _optimizer(parameters: list[nn.Parameter], settings: ClassifierSettings) -> torch.optim.Optimizer:
    peak, decay = settings.learning_rate, settings.weight_decay
    match settings.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, peak, weight_decay=decay)
        case "adam":
            return torch.optim.Adam(parameters, peak, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(parameters, peak, settings.momentum, weight_decay=decay)


def _logits(answer: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Take the logits of what a network answers; some give more behind them."""
    return answer[0] if isinstance(answer, tuple) else answer


def normalise(faces: Tensor, settings: ClassifierSettings) -> Tensor:
    """Turn (N, S, S, 3) uint8 into the network's (N, 3, S, S): (x / 255 - mean) / std."""
    mean, std = (torch.tensor(values, device=faces.device) for values in face_scale(settings))
    return ((faces / 255 - mean) / std).permute(0, 3, 1, 2)


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
