"""A renderer in training: its steps, its moving average, and its state."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepfake_cli.errors import DataError, ModelError
from deepfake_cli.models.face_renderer import FaceRenderer, Rendered
from deepfake_cli.models.illumination import to_display, to_linear
from deepfake_cli.settings import RendererSettings

from ..checkpoints import average_into, load_checkpoint, save_checkpoint
from ..devices import open_fabric
from ..imagenet import check_architecture, load_imagenet_encoder
from ..networks import load_weights
from ..progress import refuse_changed
from ..schedules import rise_and_fall
from . import losses as by
from .geometry import decode_normals
from .relighting import draw_lightings, relight

_FREE = {"epochs", "keep", "precision", "samples", "workers"}  # may change from one sitting to the next


class Losses(NamedTuple):
    """The losses of a step, or their means over an epoch; ``losses.py`` says what each is.

    Attributes:
        total: What is minimised: the others, each times its weight in the recipe.
        reconstruction: Of the pictures, relit and mirrored ones too.
        albedo_smoothness: Albedo that changes where the chromaticity does not.
        light_smoothness: Rough shading, and shadow.
        white: Mean shading that is not 1.
        mirrored: What is not mirrored with the face: albedo, normals, lighting.
        relit: What changes with the light: albedo, normals.
        normals: Normals that are not those of the face model.
    """

    total: float
    reconstruction: float
    albedo_smoothness: float
    light_smoothness: float
    white: float
    mirrored: float
    relit: float
    normals: float


class RendererLearner:
    """A renderer in training.

    One process trains on one device; ``torchrun`` starts several, which share every batch.

    Args:
        settings: The recipe.
        start: Weights to start from.

    Attributes:
        average: Moving average of the weights: what is judged and kept.
        fabric: Where it runs.
    """

    def __init__(self, settings: RendererSettings, start: dict[str, Tensor] | None = None) -> None:
        self._settings = settings
        self.fabric = open_fabric(settings.precision)
        torch.manual_seed(settings.seed)
        self._renderer = _begin(settings, start)
        self._renderer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        adam = torch.optim.Adam(self._renderer.parameters(), lr=settings.learning_rate)
        self._network, self._adam = self.fabric.setup(self._renderer, adam)
        self.average = {name: tensor.clone() for name, tensor in self._renderer.state_dict().items()}

    def learn(self, batches: Iterable[tuple[Tensor, Tensor]], first: int, total: int) -> Iterator[Losses]:
        """Take one step a batch, and yield its losses, over all processes.

        Args:
            batches: This process's faces and maps of normals, (N, S, S, 3) uint8 each, N even.
            first: Number of the first step, counted from 0 over the whole run.
            total: Steps of the whole run.
        """
        settings, device = self._settings, self.fabric.device
        # What a step draws depends on its number alone, so that a resumed run goes on as if uninterrupted.
        torch.manual_seed((settings.seed << 32) + (first << 8) + self.fabric.global_rank)
        for step, (faces, maps) in enumerate(batches, start=first):
            for group in self._adam.param_groups:
                group["lr"] = settings.learning_rate * rise_and_fall(step, total, settings.warmup)
            rng = np.random.default_rng((settings.seed, step, self.fabric.global_rank))
            losses = self._step(faces.to(device), maps.to(device), rng)
            # Early on the average follows fast, or it would still hold the untrained network.
            decay = min(settings.average, (step + 1) / (step + 10))
            average_into(self.average, self._renderer.state_dict(), decay)
            joined = self.fabric.all_reduce(torch.stack(losses), reduce_op="mean")
            assert isinstance(joined, Tensor)
            yield Losses(*joined.tolist())

    def render(self) -> Callable[[Tensor], Rendered]:
        """Make the averaged renderer ready to use, in float32.

        Returns:
            What takes faces (N, S, S, 3) uint8 apart, on the CPU.
        """
        renderer = build(self._settings)
        renderer.load_state_dict(self.average)
        renderer.eval()
        renderer.to(self.fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

        @torch.inference_mode()
        def apart(faces: Tensor) -> Rendered:
            found = renderer(_normalised(displayed(faces.to(self.fabric.device))))
            return Rendered(*(part.cpu() for part in found))

        return apart

    def save(self, path: Path, numbers: dict[str, Any]) -> None:
        """Write all that a run needs to go on, with some numbers of the caller's; the first process alone."""
        numbers = {"recipe": _recipe_of(self._settings), **numbers}
        states = {"renderer": self._renderer.state_dict(), "average": self.average}
        save_checkpoint(path, states, {"adam": self._adam}, numbers)

    def load(self, path: Path) -> dict[str, Any]:
        """Go back to what ``save`` wrote and return the caller's numbers.

        Raises:
            DataError: The file is not a checkpoint of a renderer, or was made by another recipe.
        """
        states, numbers = load_checkpoint(path, ("renderer", "average"), {"adam": self._adam})
        was, now = numbers.get("recipe") or {}, _recipe_of(self._settings)
        if was.keys().isdisjoint(now):
            raise _foreign(path)
        refuse_changed(was, now)
        try:
            self._renderer.load_state_dict(states["renderer"])
        except RuntimeError as error:
            raise _foreign(path) from error
        self.average = {name: tensor.to(self.fabric.device) for name, tensor in states["average"].items()}
        return numbers

    def _step(self, faces: Tensor, maps: Tensor, rng: np.random.Generator) -> list[Tensor]:
        """Learn from faces; half of them are also seen mirrored, the other half under another light."""
        settings, half = self._settings, len(faces) // 2
        light = to_linear(displayed(faces))
        truth, known = decode_normals(maps)
        mirrored = by.mirror(light[:half])
        other = relight(light[half:], self._normals_now(light[half:]), *_two_lightings(half, rng, light))
        views = torch.cat((light, mirrored, other))
        self._network.train()
        # One pass for all views: several processes join their gradients after each pass.
        found = Rendered(*self._network(_normalised(to_display(views))))
        plain, seen = (Rendered(*(part[where] for part in found)) for where in _split(len(faces)))
        losses = {
            "reconstruction": by.reconstruction_loss(found.albedo, found.shading, found.shadow, views),
            "albedo_smoothness": by.albedo_smoothness(found.albedo, views),
            "light_smoothness": by.light_smoothness(found.shading, found.shadow),
            "white": by.white_loss(found.shading),
            "mirrored": _mirrored_loss(_part(plain, 0, half), _part(seen, 0, half)),
            "relit": _relit_loss(_part(plain, half, None), _part(seen, half, None)),
            "normals": by.normals_loss(plain.normals, truth, known),
        }
        total = torch.stack([getattr(settings, name) * loss for name, loss in losses.items()]).sum()
        self._descend(total)
        return [one.detach() for one in (total, *losses.values())]

    @torch.no_grad()
    def _normals_now(self, light: Tensor) -> Tensor:
        """Find the normals of faces without learning from them."""
        self._renderer.eval()
        found: Rendered = self._renderer(_normalised(to_display(light)))
        return found.normals.float()

    def _descend(self, loss: Tensor) -> None:
        self.fabric.backward(loss)
        if self._settings.clip:
            self.fabric.clip_gradients(
                self._network, self._adam, max_norm=self._settings.clip, error_if_nonfinite=False
            )
        self._adam.step()
        self._adam.zero_grad()


def build(settings: RendererSettings) -> FaceRenderer:
    """Build the untrained renderer of a recipe.

    Raises:
        ModelError: There is no such encoder, or it does not fit the depth.
    """
    check_architecture(settings.architecture)
    try:
        return FaceRenderer(settings.architecture, settings.width, settings.depth)
    except RuntimeError as error:
        raise ModelError(
            f"the renderer cannot be built: {error}",
            "lower renderer.depth, or name another renderer.architecture",
        ) from error


def _recipe_of(settings: RendererSettings) -> dict[str, Any]:
    """Tell what must not change from one sitting to the next, as JSON values by dotted key."""
    values = settings.model_dump(mode="json", exclude=_FREE)
    return {f"renderer.{key}": value for key, value in values.items()}


def _foreign(path: Path) -> DataError:
    return DataError(f"{path} is not a checkpoint of a renderer", "name another --output")


def displayed(faces: Tensor) -> Tensor:
    """Turn (N, S, S, 3) uint8 faces into planes (N, 3, S, S) in [0, 1], as they are displayed."""
    return faces.permute(0, 3, 1, 2).float() / 255


def _normalised(display: Tensor) -> Tensor:
    return display * 2 - 1


def _begin(settings: RendererSettings, start: dict[str, Tensor] | None) -> FaceRenderer:
    renderer = build(settings)
    if start is not None:
        load_weights(renderer, start)
    elif settings.start == "imagenet":
        load_imagenet_encoder(renderer.encoder, settings.architecture)
    return renderer


def _two_lightings(count: int, rng: np.random.Generator, like: Tensor) -> tuple[Tensor, Tensor]:
    return draw_lightings(count, rng).to(like), draw_lightings(count, rng).to(like)


def _split(count: int) -> tuple[slice, slice]:
    return slice(0, count), slice(count, None)


def _part(rendered: Rendered, start: int, end: int | None) -> Rendered:
    return Rendered(*(part[start:end] for part in rendered))


def _mirrored_loss(plain: Rendered, seen: Rendered) -> Tensor:
    albedo = by.difference(seen.albedo, by.mirror(plain.albedo))
    return albedo + by.mirrored_loss(plain.normals, plain.lighting, seen.normals, seen.lighting)


def _relit_loss(plain: Rendered, seen: Rendered) -> Tensor:
    turned = 1 - (plain.normals * seen.normals).sum(1).mean()
    return by.difference(seen.albedo, plain.albedo) + turned
