"""Classifiers that look at what a renderer takes a face apart into, each modality by a branch of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .face_renderer import Rendered
from .illumination import to_display
from .sized import sized

FACE, LIGHTING = "rgb", "lighting"
_HALF_WHITE = 0.5  # shading of 1, the light on average, is shown at this linear brightness
_COEFFICIENTS, _HIDDEN = 27, 32  # of lighting, and width of what looks at them


class Judged(NamedTuple):
    """What a classifier says of faces, and what it saw.

    Attributes:
        logits: (N,) above 0 for fake: a bias plus the sum of the parts.
        parts: (N, K) what each branch adds.
        albedo: As the renderer within gives it, like the four that follow; see ``Rendered``.
        normals: (N, 3, R, R).
        shading: (N, 3, R, R).
        shadow: (N, 1, R, R).
        lighting: (N, 9, 3).
    """

    logits: Tensor
    parts: Tensor
    albedo: Tensor
    normals: Tensor
    shading: Tensor
    shadow: Tensor
    lighting: Tensor


class ModalityClassifier(nn.Module):
    """A renderer that is learned already, and branches that each see one modality, or the face.

    Branches are joined late, by one learned weight each, so that it can be told what each modality says.

    Args:
        renderer: Maps faces (N, 3, R, R) in [-1, 1] to what they are made of; never trained here.
        branches: By what they see: a modality of ``Rendered``, or ``rgb`` for the face itself. Each maps its
            own, (N, 3, side, side) in about [-1, 1], or (N, 9, 3) for lighting, to a logit (N,).
        rendered: R, side of the faces that the renderer takes, in pixels.
    """

    def __init__(self, renderer: nn.Module, branches: Mapping[str, nn.Module], *, rendered: int) -> None:
        super().__init__()
        self.renderer = renderer.requires_grad_(False)
        self.branches = nn.ModuleDict(branches)
        self.rendered = rendered
        self.weights = nn.Parameter(torch.full((len(branches),), 1 / len(branches)))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, faces: Tensor) -> Judged:
        """Judge faces (N, 3, S, S) in [-1, 1]."""
        # Exporters do not know the switch, and judging has no gradients anyway.
        with self._as_it_judges(faces) if self.training else nullcontext():
            rendered = Rendered(*self.renderer(sized(faces, self.rendered)))
            views = {FACE: faces, **_views(rendered)}
        said = torch.stack([branch(views[name]) for name, branch in self.branches.items()], 1)
        parts = said.float() * self.weights  # (N, K)
        return Judged(parts.sum(1) + self.bias, parts, *rendered)

    @contextmanager
    def _as_it_judges(self, faces: Tensor) -> Iterator[None]:
        """Render without gradients, and as precisely as later: lighting is solved badly in bfloat16."""
        with torch.no_grad(), torch.autocast(faces.device.type, enabled=False):
            yield

    def train(self, mode: bool = True) -> "ModalityClassifier":
        """Switch the branches between learning and judging; the renderer only ever renders."""
        super().train(mode)
        self.renderer.eval()
        return self


class PictureBranch(nn.Module):
    """The mean of an encoder's deepest features over all places, and one linear layer.

    Args:
        encoder: As ``build_encoder`` makes it.
        dropout: Share of features that are left out while learning.
    """

    def __init__(self, encoder: Any, dropout: float) -> None:
        super().__init__()
        self.encoder: nn.Module = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = _begun(nn.Linear(encoder.feature_info.channels()[-1], 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (N, 3, S, S) to logits (N,)."""
        features = self.encoder(pictures)[-1].mean((2, 3))  # (N, F)
        logits: Tensor = self.head(self.dropout(features))
        return logits.squeeze(1)


class LightingBranch(nn.Module):
    """Two layers on the 27 numbers of the light: a picture of a sphere in it holds nothing more.

    Args:
        dropout: Share of the hidden layer that is left out while learning.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(_COEFFICIENTS)
        self.hidden = nn.Sequential(nn.Linear(_COEFFICIENTS, _HIDDEN), nn.ReLU(), nn.Dropout(dropout))
        self.head = _begun(nn.Linear(_HIDDEN, 1))

    def forward(self, lighting: Tensor) -> Tensor:
        """Map (N, 9, 3) to logits (N,)."""
        logits: Tensor = self.head(self.hidden(self.normalise(lighting.flatten(1))))
        return logits.squeeze(1)


def _views(rendered: Rendered) -> dict[str, Tensor]:
    """Make what branches see: pictures in about [-1, 1], as a display shows them, and the light's numbers."""
    return {
        "albedo": to_display(rendered.albedo) * 2 - 1,
        "normals": rendered.normals,
        "shading": to_display(rendered.shading * _HALF_WHITE) * 2 - 1,
        "shadow": (rendered.shadow * 2 - 1).expand(-1, 3, -1, -1),
        LIGHTING: rendered.lighting,
    }


def _begun(head: nn.Linear) -> nn.Linear:
    """Begin near 0, as larger first gradients would ruin the pretrained features."""
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return head
