"""Two networks that learn against each other: their steps, the generator's moving average, and their state.

Each step the generator learns to paint maps that are true and that the discriminator takes for true ones,
then the discriminator learns to tell them apart: LSGAN (Mao et al., ICCV 2017) on patches, as pix2pix and
MRI-GAN have it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from deepfake_cli.errors import ModelError
from deepfake_cli.models.discriminator import PatchDiscriminator
from deepfake_cli.models.encoder_generator import EncoderUNet
from deepfake_cli.models.generator import Painter, begin_gan, build_generator
from deepfake_cli.settings import GanSettings

from ..checkpoints import average_into, load_checkpoint, save_checkpoint
from ..devices import open_fabric
from ..imagenet import load_imagenet_encoder
from ..networks import load_weights
from ..schedules import rise_and_fall, rise_and_stay
from .perceptual import perceptual_loss


class Losses(NamedTuple):
    """The losses of a step, or their means over an epoch.

    Attributes:
        generator: What the generator minimises: ``adversarial + fidelity * (tau * squared + (1 - tau) *
            perceptual)``.
        adversarial: How far patches of painted maps are from being taken for true.
        squared: Mean squared difference of maps in [0, 1].
        perceptual: As ``gan.perceptual`` says.
        discriminator: How far it is from telling true and painted patches apart.
    """

    generator: float
    adversarial: float
    squared: float
    perceptual: float
    discriminator: float


class GanLearner:
    """A generator and a discriminator in training.

    One process trains on one device; ``torchrun`` starts several, which share every batch.

    Args:
        settings: The recipe.
        start: Weights of the generator to start from.

    Attributes:
        average: Moving average of the generator's weights: what is judged and kept.
        fabric: Where it runs.
    """

    def __init__(self, settings: GanSettings, start: dict[str, Tensor] | None = None) -> None:
        self._settings = settings
        self.fabric = open_fabric(settings.precision)
        torch.manual_seed(settings.seed)
        self._generator = _begin(settings, start)
        self._discriminator = PatchDiscriminator(settings.discriminator_width, settings.discriminator_depth)
        begin_gan(self._discriminator)
        for network in (self._generator, self._discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._painter, self._painting = self.fabric.setup(self._generator, _adam(self._generator, settings))
        self._judge, self._judging = self.fabric.setup(
            self._discriminator, _adam(self._discriminator, settings)
        )
        self.average = {name: tensor.clone() for name, tensor in self._generator.state_dict().items()}

    def learn(self, batches: Iterable[tuple[Tensor, Tensor]], first: int, total: int) -> Iterator[Losses]:
        """Take one step of both networks a batch, and yield its losses, over all processes.

        Args:
            batches: This process's faces and maps, (N, S, S, 3) uint8 each.
            first: Number of the first step, counted from 0 over the whole run.
            total: Steps of the whole run.
        """
        settings, device = self._settings, self.fabric.device
        # What a step draws depends on its epoch alone, so that a resumed run goes on as if uninterrupted.
        torch.manual_seed((settings.seed << 32) + (first << 8) + self.fabric.global_rank)
        self._painter.train()
        rate = rise_and_fall if settings.schedule == "cosine" else rise_and_stay
        for step, (faces, maps) in enumerate(batches, start=first):
            for optimizer in (self._painting, self._judging):
                for group in optimizer.param_groups:
                    group["lr"] = settings.learning_rate * rate(step, total, settings.warmup)
            losses = self._step(scaled(faces.to(device)), scaled(maps.to(device)))
            # Early on the average follows fast, or it would still hold the untrained network.
            decay = min(settings.average, (step + 1) / (step + 10))
            average_into(self.average, self._generator.state_dict(), decay)
            joined = self.fabric.all_reduce(torch.stack(losses), reduce_op="mean")
            assert isinstance(joined, Tensor)
            yield Losses(*joined.tolist())

    def painter(self) -> Callable[[Tensor], Tensor]:
        """Make the averaged generator ready to paint, in float32.

        Returns:
            What maps faces (N, S, S, 3) uint8 to maps (N, 3, S, S) in [0, 1], on the CPU.
        """
        generator = build(self._settings)
        generator.load_state_dict(self.average)
        painter = Painter(generator).eval()
        painter.to(self.fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

        @torch.inference_mode()
        def paint(faces: Tensor) -> Tensor:
            maps: Tensor = painter(scaled(faces.to(self.fabric.device)))
            return maps.cpu()

        return paint

    def save(self, path: Path, numbers: dict[str, Any]) -> None:
        """Write all that a run needs to go on, with some numbers of the caller's; the first process alone."""
        states = {
            "generator": self._generator.state_dict(),
            "average": self.average,
            "discriminator": self._discriminator.state_dict(),
        }
        save_checkpoint(path, states, self._optimizers, numbers)

    def load(self, path: Path) -> dict[str, Any]:
        """Go back to what ``save`` wrote and return the caller's numbers.

        Raises:
            DataError: The file is not a checkpoint.
        """
        states, numbers = load_checkpoint(path, ("generator", "average", "discriminator"), self._optimizers)
        self._generator.load_state_dict(states["generator"])
        self._discriminator.load_state_dict(states["discriminator"])
        self.average = {name: tensor.to(self.fabric.device) for name, tensor in states["average"].items()}
        return numbers

    @property
    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"painting": self._painting, "judging": self._judging}

    def _step(self, faces: Tensor, maps: Tensor) -> list[Tensor]:
        """Learn from faces and true maps, (N, 3, S, S) in [-1, 1]; return the losses."""
        settings = self._settings
        painted = self._painter(faces)
        with _frozen(self._discriminator), self.fabric.autocast():
            # Not through its wrapper, which would count on a step of its own.
            taken = self._discriminator(painted, faces)
        adversarial = mse_loss(taken.float(), torch.ones_like(taken, dtype=torch.float32))
        mine, truth = (painted.float() + 1) / 2, (maps + 1) / 2
        squared = mse_loss(mine, truth)
        with torch.set_grad_enabled(settings.tau < 1):  # else it is only told
            perceptual = perceptual_loss(settings.perceptual, mine, truth).mean()
        likeness = settings.tau * squared + (1 - settings.tau) * perceptual
        loss = adversarial + settings.fidelity * likeness
        self._descend(loss, self._painter, self._painting)

        # True and painted maps in one batch: one pass through the wrapper, which joins gradients after each.
        judged = self._judge(torch.cat((maps, painted.detach().float())), torch.cat((faces, faces))).float()
        true, false = judged.chunk(2)
        discriminator = (mse_loss(true, torch.ones_like(true)) + mse_loss(false, torch.zeros_like(false))) / 2
        self._descend(discriminator, self._judge, self._judging)
        return [one.detach() for one in (loss, adversarial, squared, perceptual, discriminator)]

    def _descend(self, loss: Tensor, network: Any, optimizer: Any) -> None:
        self.fabric.backward(loss)
        if self._settings.clip:
            self.fabric.clip_gradients(
                network, optimizer, max_norm=self._settings.clip, error_if_nonfinite=False
            )
        optimizer.step()
        optimizer.zero_grad()


def _adam(network: nn.Module, settings: GanSettings) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), settings.learning_rate, settings.betas)


def build(settings: GanSettings) -> nn.Module:
    """Build the untrained generator of a recipe.

    Raises:
        ModelError: There is no such encoder, or it does not fit the depth.
    """
    try:
        return build_generator(
            settings.architecture, width=settings.width, depth=settings.depth, dropout=settings.dropout
        )
    except RuntimeError as error:
        raise ModelError(
            f"the generator cannot be built: {error}", "lower gan.depth, or name another gan.architecture"
        ) from error


def scaled(pictures: Tensor) -> Tensor:
    """Turn (N, S, S, 3) uint8 into (N, 3, S, S) in [-1, 1]."""
    return (pictures / 127.5 - 1).permute(0, 3, 1, 2)


def _begin(settings: GanSettings, start: dict[str, Tensor] | None) -> nn.Module:
    generator = build(settings)
    if start is not None:
        load_weights(generator, start)
    elif isinstance(generator, EncoderUNet):
        if settings.start == "imagenet":
            load_imagenet_encoder(generator.encoder, settings.architecture)
    else:
        begin_gan(generator)
    return generator


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Keep a network's parameters out of a backward pass that goes through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
