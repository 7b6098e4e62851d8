"""Sharpness-aware minimisation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def sharpened(parameters: Sequence[Tensor], radius: float) -> Iterator[None]:
    """Move parameters uphill by a radius, along the gradients that they hold, and back at the end.

    The gradients are cleared, so that those of the moved parameters can be gathered in the block, which the
    optimizer then descends: Foret et al., "Sharpness-Aware Minimization", ICLR 2021.

    Args:
        parameters: With gradients; those without stay.
        radius: Length of the move in the space of all parameters.
    """
    moved = [parameter for parameter in parameters if parameter.grad is not None]
    before = [parameter.detach().clone() for parameter in moved]
    gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    with torch.no_grad():
        for parameter, gradient in zip(moved, gradients, strict=True):
            parameter.add_(gradient * (radius / (norm + 1e-12)))
            parameter.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, old in zip(moved, before, strict=True):
                parameter.copy_(old)
