"""A network that learns: its optimizer, the moving average of its weights, and how both go to disk."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader

from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.settings import ClassifierSettings

from .checkpoints import average_into, load_checkpoint, save_checkpoint
from .networks import begin, build_network
from .pairs import FacesOnce
from .schedules import rise_and_fall

_BATCH_TO_JUDGE = 64


class Learner:
    """A classifier in training, on whatever device Fabric finds.

    Args:
        settings: The recipe.
        generator: Whose maps the classifier looks at, unless its input is ``plain``.
        start: Weights to start from instead of ``settings.start``.

    Attributes:
        average: Moving average of the weights: what is judged and kept.
    """

    def __init__(
        self,
        settings: ClassifierSettings,
        generator: GeneratorFolder | None = None,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self._settings, self._generator = settings, generator
        self._fabric = Fabric(accelerator="auto", devices=1, precision=settings.precision)
        self._model = begin(settings, generator, start)
        if self._fabric.device.type == "cpu":
            _keep_large_depthwise_in_float(self._model)
        self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(
            [parameter for parameter in self._model.parameters() if parameter.requires_grad],
            settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self._network, self._optimizer = self._fabric.setup(self._model, optimizer)
        self.average = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}

    def learn(self, batches: Iterable[tuple[Tensor, Tensor]], first: int, total: int) -> float:
        """Take one optimizer step a batch.

        Args:
            batches: Faces (N, S, S, 3) uint8 and labels (N,), 1 for fake.
            first: Number of the first step, counted from 0 over the whole run.
            total: Steps of the whole run.

        Returns:
            The mean loss.
        """
        self._network.train()
        losses = []
        for step, (faces, labels) in enumerate(batches, start=first):
            for group in self._optimizer.param_groups:
                group["lr"] = self._settings.learning_rate * rise_and_fall(step, total, self._settings.warmup)
            logits = _logits(self._network(normalise(faces.to(self._fabric.device), self._settings)))
            loss = binary_cross_entropy_with_logits(logits.float(), labels.to(self._fabric.device))
            self._fabric.backward(loss)
            self._optimizer.step()
            self._optimizer.zero_grad()
            # Early on the average follows fast, or it would still hold the untrained head.
            decay = min(self._settings.average, (step + 1) / (step + 10))
            average_into(self.average, self._model.state_dict(), decay)
            losses.append(loss.item())
        return float(np.mean(losses))

    def judge(self, faces: FacesOnce) -> NDArray[np.float64]:
        """Compute the logits (N,) of faces under the averaged weights, in float32."""
        model = build_network(self._settings, self._generator)
        model.load_state_dict(self.average)
        model.to(self._fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        model.eval()
        logits = []
        with torch.inference_mode():
            for batch in DataLoader(faces, _BATCH_TO_JUDGE, num_workers=self._settings.workers):
                planes = normalise(batch.to(self._fabric.device), self._settings)
                logits.append(_logits(model(planes)).cpu().numpy())
        return np.concatenate(logits).astype(np.float64)

    def save(self, path: Path, numbers: dict[str, Any]) -> None:
        """Write all that a run needs to go on, with some numbers of the caller's."""
        states = {"weights": self._model.state_dict(), "average": self.average}
        save_checkpoint(path, states, {"optimizer": self._optimizer}, numbers)

    def load(self, path: Path) -> dict[str, Any]:
        """Go back to what ``save`` wrote and return the caller's numbers.

        Raises:
            DataError: The file is not a checkpoint.
        """
        states, numbers = load_checkpoint(path, ("weights", "average"), {"optimizer": self._optimizer})
        self._model.load_state_dict(states["weights"])
        self.average = {name: tensor.to(self._fabric.device) for name, tensor in states["average"].items()}
        return numbers


def _logits(answer: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Take the logits of what a network answers; some give their maps too."""
    return answer[0] if isinstance(answer, tuple) else answer


def normalise(faces: Tensor, settings: ClassifierSettings) -> Tensor:
    """Turn (N, S, S, 3) uint8 into the network's (N, 3, S, S): (x / 255 - mean) / std."""
    mean, std = (torch.tensor(values, device=faces.device) for values in (settings.mean, settings.std))
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
