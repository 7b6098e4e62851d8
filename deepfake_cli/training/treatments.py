"""What faces go through before a classifier sees them while it learns: ours, and the published ones.

Where a publication names what it does but not how much, the amounts here are the usual ones of torchvision.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from deepfake_cli.core import perturbations as perturb
from deepfake_cli.core.faces import cut_face
from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.settings import TreatmentKind

from .transforms import cut_loosely, damage

Picture = NDArray[np.uint8]

_GREY = [124, 116, 104]  # the mean of ImageNet, which is 0 once a face is normalised


def treat(
    kind: TreatmentKind,
    image: Picture,
    box: ArrayLike,
    size: int,
    margin: float,
    rng: np.random.Generator,
) -> Picture:
    """Cut a face and treat it.

    Args:
        kind: How.
        image: (H, W, 3) picture around a face.
        box: (x0, y0, x1, y1) of the face in it.
        size: Side of the result in pixels.
        margin: As in ``cut_face``.
        rng: Source of every random choice; the same state treats two pictures alike.

    Returns:
        (size, size, 3) face.
    """
    match kind:
        case "world":
            return cut_loosely(damage(image, rng), box, size, margin, rng)
        case "none":
            return cut_face(image, box, size, margin)
        case "mirror":
            return _mirrored(cut_face(image, box, size, margin), rng)
        case "sbi":
            return _sbi(image, box, size, margin, rng)
        case _:
            return _with_torchvision(kind, cut_face(image, box, size, margin), rng)


def _mirrored(face: Picture, rng: np.random.Generator) -> Picture:
    return np.ascontiguousarray(face[:, ::-1]) if rng.random() < 0.5 else face


def _sbi(image: Picture, box: ArrayLike, size: int, margin: float, rng: np.random.Generator) -> Picture:
    """Shift colours, compress, and cut 4 to 20 % around the face where scan cuts 12.5 %: the way of SBI."""
    if rng.random() < 0.3:
        image = perturb.shift_channels(image, rng.uniform(-20, 20, 3))
    if rng.random() < 0.3:
        image = perturb.colour(image, hue=rng.uniform(-0.6, 0.6), saturation=rng.uniform(0.7, 1.3))
    if rng.random() < 0.3:
        image = perturb.tone(image, rng.uniform(0.7, 1.3), rng.uniform(-0.3, 0.3))
    if rng.random() < 0.5:
        image = perturb.jpeg(image, int(rng.integers(40, 101)))
    loose = margin * rng.uniform(1.08, 1.4) / 1.25
    return _mirrored(cut_face(image, box, size, loose), rng)


def _with_torchvision(kind: TreatmentKind, face: Picture, rng: np.random.Generator) -> Picture:
    with torch.random.fork_rng(devices=[]):  # torchvision draws from the global generator
        torch.manual_seed(int(rng.integers(2**63)))
        treated: Tensor = _transforms(kind, len(face))(torch.from_numpy(face).permute(2, 0, 1))
    return np.ascontiguousarray(treated.permute(1, 2, 0).numpy())


@cache
def _transforms(kind: TreatmentKind, size: int) -> Any:
    """Make what maps a (3, size, size) uint8 face to another."""
    import_torchvision()
    from torchvision.transforms import v2

    erase = v2.RandomErasing(p=0.3, value=_GREY)
    if kind == "mri-gan-simple":
        return erase
    if kind == "mri-gan-complex":
        first = [v2.RandomResizedCrop(size, scale=(0.7, 1.0), antialias=True), v2.ColorJitter(contrast=0.4)]
        second = [v2.RandomHorizontalFlip(p=1), v2.RandomGrayscale(p=1), v2.ColorJitter(brightness=0.4)]
        return v2.Compose(
            [
                v2.RandomChoice([*first, v2.Lambda(_box_blur)]),
                v2.RandomChoice([*second, v2.RandomRotation(30)]),
                erase,
            ]
        )
    assert kind == "dessa"
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(40, scale=(0.9, 1.1)),
            v2.RandomPerspective(0.2),
            v2.ColorJitter(0.5, 0.5, 0.5, 0.1),
            v2.RandomErasing(value=_GREY),
        ]
    )


def _box_blur(face: Tensor) -> Tensor:
    """Blur a (3, S, S) face with the mean over 5 x 5 pixels."""
    blurred = cv2.blur(np.ascontiguousarray(face.permute(1, 2, 0).numpy()), (5, 5))
    return torch.from_numpy(blurred).permute(2, 0, 1)
