"""How well a renderer takes faces apart: real ones that it did not learn from, and heads that are made up."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from deepfake_cli.core.face_parts import MODALITIES, draw_parts, parts_of_each
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.models.face_renderer import Rendered
from deepfake_cli.models.illumination import to_display, to_linear
from deepfake_cli.settings import RendererSettings

from ..tables import Source
from .faces import FacesToJudge
from .geometry import decode_normals
from .learner import RendererLearner, displayed
from .synthetic import render_heads

_BATCH = 32
_SIDE = 128  # of a picture on the sheet of samples, pixels
TITLES = ("face", *MODALITIES)


@dataclass(frozen=True)
class Judged:
    """What an epoch's renderer achieves.

    Attributes:
        reconstruction: Mean absolute difference of real faces and ``albedo * shading * shadow``, as
            displayed, black being 0 and white 1.
        face_normals: Degrees between its normals of real faces and the face model's; None if none are known.
        head_normals: Degrees between its normals of made-up heads and the true ones.
        head_albedo: How much the albedo of a made-up head differs from the true one, relative to its mean and
            once both have the same.
        constancy: How much the albedo of a made-up head differs under two lights, relative to its mean.
        nothing: What doing nothing achieves in ``reconstruction``, ``head_normals`` and ``head_albedo``: one
            colour a face, a flat face, the picture as albedo.
        error: What decides: the mean of these three, each relative to that. Constancy does not decide: grey
            in grey has all of it.
        sheet: (H, W, 3) uint8: samples in rows.
    """

    reconstruction: float
    face_normals: float | None
    head_normals: float
    head_albedo: float
    constancy: float
    nothing: tuple[float, float, float]
    error: float
    sheet: NDArray[np.uint8]


class RendererJudge:
    """Faces and heads to judge a renderer by.

    Args:
        sources: Tables; their real faces of the split are used, or ``settings.judged`` of them.
        settings: The recipe.
        split: ``choose`` to pick epochs by.

    Attributes:
        untouched: What ``constancy`` is of the pictures themselves.

    Raises:
        DataError: There is no real face.
    """

    def __init__(self, sources: list[Source], settings: RendererSettings, split: str = "choose") -> None:
        self._faces = FacesToJudge(
            sources,
            split,
            most=settings.judged,
            size=settings.size,
            margin=settings.margin,
            seed=settings.seed,
        )
        self._heads = render_heads(settings.heads, settings.size, settings.seed)
        self._workers, self._samples = settings.workers, settings.samples
        one, other = (to_linear(displayed(faces)) for faces in (self._heads.faces, self._heads.relit))
        self.untouched = _difference(one, other, self._heads.known)
        self._unpainted = _miss(one, self._heads.albedo, self._heads.known)
        level = torch.tensor([0.0, 0.0, 1.0]).reshape(1, 3, 1, 1).expand_as(self._heads.normals)
        self._flat = float(np.mean(_degrees(level, self._heads.normals, self._heads.known)))

    def judge(self, learner: RendererLearner) -> Judged:
        """Take all faces and heads apart, and measure."""
        render = learner.render()
        missed, plain, turned = [], [], []
        rows: list[list[NDArray[np.uint8]]] = []
        for faces, maps in DataLoader(self._faces, _BATCH, num_workers=self._workers):
            found, shown = render(faces), displayed(faces)
            missed += (_rebuilt(found) - shown).abs().mean((1, 2, 3)).tolist()
            plain += (shown - shown.mean((2, 3), keepdim=True)).abs().mean((1, 2, 3)).tolist()
            turned += _degrees(found.normals, *decode_normals(maps))
            if len(rows) < self._samples:
                rows += picture_rows(faces[: self._samples - len(rows)], found)
        heads, relit = _in_batches(render, self._heads.faces), _in_batches(render, self._heads.relit)
        rows += picture_rows(self._heads.faces[: -(-self._samples // 3)], heads)
        measures = (
            float(np.mean(missed)),
            float(np.mean(_degrees(heads.normals, self._heads.normals, self._heads.known))),
            _miss(heads.albedo, self._heads.albedo, self._heads.known),
        )
        nothing = (float(np.mean(plain)), self._flat, self._unpainted)
        return Judged(
            reconstruction=measures[0],
            face_normals=float(np.mean(turned)) if turned else None,
            head_normals=measures[1],
            head_albedo=measures[2],
            nothing=nothing,
            constancy=_difference(heads.albedo, relit.albedo, self._heads.known),
            error=float(np.mean([a / max(b, 1e-6) for a, b in zip(measures, nothing, strict=True)])),
            sheet=_sheet(rows),
        )


def picture_rows(faces: Tensor, found: Rendered) -> list[list[NDArray[np.uint8]]]:
    """Draw what faces (N, S, S, 3) uint8 are made of: a row of six pictures, (S, S, 3) uint8, each."""
    parts = parts_of_each(*(part[: len(faces)].numpy() for part in found))
    return [[face, *draw_parts(one).values()] for face, one in zip(faces.numpy(), parts, strict=True)]


def _sheet(rows: list[list[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    pictures = [picture for row in rows for picture in row]
    return contact_sheet(pictures, TITLES * len(rows), columns=len(TITLES), side=_SIDE)


def _in_batches(render: Callable[[Tensor], Rendered], faces: Tensor) -> Rendered:
    parts = [render(faces[start : start + _BATCH]) for start in range(0, len(faces), _BATCH)]
    return Rendered(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _rebuilt(found: Rendered) -> Tensor:
    return to_display((found.albedo * found.shading * found.shadow).clamp(0, 1))


def _degrees(normals: Tensor, truth: Tensor, known: Tensor) -> list[float]:
    """Measure the mean angle between normals of each face of which some are known."""
    angles = torch.rad2deg((normals * truth).sum(1, keepdim=True).clamp(-1, 1).arccos()) * known
    counts = known.sum((1, 2, 3))
    means: list[float] = (angles.sum((1, 2, 3)) / counts)[counts > 0].tolist()
    return means


def _miss(albedo: Tensor, truth: Tensor, known: Tensor) -> float:
    """Measure the difference to the true albedo; how bright paint is, next to light, no picture tells."""
    means = [(one * known).sum((1, 2, 3), keepdim=True).clamp(min=1e-6) for one in (albedo, truth)]
    return _difference(albedo * (means[1] / means[0]), truth, known)


def _difference(one: Tensor, other: Tensor, known: Tensor) -> float:
    """Measure the mean difference of light of the same heads, relative to the mean of both."""
    apart = ((one - other).abs() * known).sum((1, 2, 3))
    mean = ((one + other) / 2 * known).sum((1, 2, 3))
    return float((apart / mean.clamp(min=1e-6)).mean())
