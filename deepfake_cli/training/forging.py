"""Fakes made of a real face on the fly, of the kinds that a mixture names."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.forgeries import self_blend
from deepfake_cli.core.warping import warp_hull, warp_rectangle
from deepfake_cli.settings import FakesSettings, ForgeSettings

from .tables import FaceRow

Picture = NDArray[np.uint8]
FakeKind = Literal["labelled", "self_blend", "warp_rectangle", "warp_hull"]
FORGED: tuple[FakeKind, ...] = ("self_blend", "warp_rectangle", "warp_hull")
KINDS: tuple[FakeKind, ...] = ("labelled", *FORGED)
OF_ANY_FACE: FakeKind = "warp_rectangle"  # the one that needs no points


def weights_of(fakes: FakesSettings) -> dict[FakeKind, float]:
    """Tell the weight of every kind of fake."""
    return {kind: getattr(fakes, kind) for kind in KINDS}


def can_be_forged(row: FaceRow, kind: FakeKind) -> bool:
    """Whether a fake of a kind can be made of a face."""
    return not row.fake and (row.points is not None or kind == OF_ANY_FACE)


def forge(
    image: Picture, row: FaceRow, kind: FakeKind, settings: ForgeSettings | None, rng: np.random.Generator
) -> tuple[Picture, Picture]:
    """Make a fake of a real face.

    Args:
        image: (H, W, 3) picture of the face.
        row: Its row.
        kind: One of `FORGED`.
        settings: How much faces are warped, where the kind is a warp.
        rng: Source of every random choice.

    Returns:
        The real face that the fake is aligned with, and the fake, both (H, W, 3).
    """
    if kind == "self_blend":
        assert row.points is not None  # see can_be_forged
        real, fake, _ = self_blend(image, row.points, rng)
        return real, fake
    assert settings is not None
    if kind == "warp_rectangle":
        return image, warp_rectangle(image, row.box, settings.rectangle, rng)[0]
    assert row.points is not None
    return image, warp_hull(image, row.points, settings.hull, settings.jitter, rng)[0]
