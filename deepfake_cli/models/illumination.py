"""Light as nine numbers per colour: how it falls on a surface, and how to find it from a picture.

Light from far away on a matt surface depends on the direction of the surface alone, and all but a hundredth
of it is a polynomial of second order in the normal: Ramamoorthi and Hanrahan, "An efficient representation
for irradiance environment maps", SIGGRAPH 2001. Pictures and maps are (N, C, H, W), linear light unless said
otherwise. Axes: x to the right, y up, z towards the viewer.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# Equation 12 of Ramamoorthi and Hanrahan: spherical harmonics times what a cosine lobe leaves of them.
_C1, _C2, _C3, _C4, _C5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
_GAMMA = 2.2  # of displays, as InverseRenderNet takes it
_RIDGE = 1e-8  # relative to the mean of the diagonal; makes faces solvable whose normals are all alike
_LEAST = 1e-10  # light from which on the root is taken: its slope at 0 is infinite


class LightingPrior(NamedTuple):
    """Which light there is: a plane through the space of lightings, from those of many real places.

    Attributes:
        mean: (27,) mean lighting, coefficient by coefficient, each red, green, blue.
        vectors: (27, 18) orthonormal columns that span the plane.
    """

    mean: Tensor
    vectors: Tensor


def to_linear(display: Tensor) -> Tensor:
    """Take pixels of a display, at least 0, to linear light by a gamma of 2.2."""
    return display.clamp(min=0) ** _GAMMA


def to_display(linear: Tensor) -> Tensor:
    """Take linear light, at least 0, to pixels of a display by a gamma of 2.2."""
    return linear.clamp(min=_LEAST) ** (1 / _GAMMA)


def basis(normals: Tensor) -> Tensor:
    """Evaluate the basis of irradiance at normals.

    Equation 13 of Ramamoorthi and Hanrahan (2001), one term a coefficient, in the order of InverseRenderNet:
    L00, L1-1 (y), L10 (z), L11 (x), L2-2 (xy), L2-1 (yz), L20 (3 z^2 - 1), L21 (xz), L22 (x^2 - y^2).

    Args:
        normals: (N, 3, H, W) unit normals.

    Returns:
        (N, 9, H, W); irradiance is its product with the coefficients of the light.
    """
    x, y, z = normals.unbind(1)
    terms = (
        torch.full_like(x, _C4),
        2 * _C2 * y,
        2 * _C2 * z,
        2 * _C2 * x,
        2 * _C1 * x * y,
        2 * _C1 * y * z,
        _C3 * z * z - _C5,
        2 * _C1 * x * z,
        _C1 * (x * x - y * y),
    )
    return torch.stack(terms, 1)


def shade(normals: Tensor, lighting: Tensor) -> Tensor:
    """Light white surfaces: equation 13 of Ramamoorthi and Hanrahan (2001).

    Args:
        normals: (N, 3, H, W) unit normals.
        lighting: (N, 9, 3) coefficients in the order of ``basis``, each red, green, blue.

    Returns:
        (N, 3, H, W) shading; being a polynomial it can fall below 0 where nearly no light comes from.
    """
    directions = basis(normals)
    shading = lighting.transpose(1, 2) @ directions.flatten(2)  # (N, 3, HW)
    return shading.reshape(-1, *normals.shape[1:])


def solve_lighting(
    linear_image: Tensor,
    albedo: Tensor,
    normals: Tensor,
    shadow: Tensor,
    prior: LightingPrior | None = None,
) -> Tensor:
    """Find the light under which surfaces look most like a picture.

    Least squares of ``image - albedo * shadow * shade(normals, lighting)``, each colour by itself, as in
    InverseRenderNet (Yu and Smith, CVPR 2019, section 3.2, and TPAMI 2021), by the normal equations with a
    ridge of 1e-8 of their mean diagonal. They are solved in float64, which Apple's MPS does not have.

    Args:
        linear_image: (N, 3, H, W) picture in linear light.
        albedo: (N, 3, H, W) share of light that is thrown back, in [0, 1].
        normals: (N, 3, H, W) unit normals.
        shadow: (N, 1, H, W) share of light that arrives, in [0, 1].
        prior: Take the nearest light on this plane, as ``project`` does.

    Returns:
        (N, 9, 3) coefficients in the order of ``basis``, each red, green, blue.
    """
    arriving = (albedo * shadow).double().flatten(2).unsqueeze(2)  # (N, 3, 1, HW)
    rows = basis(normals).double().flatten(2).unsqueeze(1) * arriving  # (N, 3, 9, HW)
    target = rows @ linear_image.double().flatten(2).unsqueeze(3)  # (N, 3, 9, 1)
    lighting = _solve(rows @ rows.transpose(2, 3), target).squeeze(3).transpose(1, 2).to(albedo.dtype)
    return lighting if prior is None else project(lighting, prior)


def project(lighting: Tensor, prior: LightingPrior) -> Tensor:
    """Take lightings (N, 9, 3) to the nearest ones that a prior knows: ``mean + V V^T (lighting - mean)``."""
    away = lighting.flatten(1) - prior.mean
    return (prior.mean + away @ prior.vectors @ prior.vectors.T).reshape(-1, 9, 3)


def _solve(matrix: Tensor, target: Tensor) -> Tensor:
    """Solve symmetric, positive equations (..., K, K) for (..., K, 1) by Gauss and Jordan.

    Written out, as ONNX has no solver; on such matrices elimination needs no exchange of rows (Golub and Van
    Loan, "Matrix Computations", section 4.2).
    """
    count = matrix.shape[-1]
    unit = torch.eye(count, dtype=matrix.dtype, device=matrix.device)
    mean = (matrix * unit).sum((-2, -1), keepdim=True) / count
    table = torch.cat((matrix + unit * (_RIDGE * mean + _LEAST), target), -1)
    for k in range(count):
        row = table[..., k : k + 1, :] / table[..., k : k + 1, k : k + 1]
        table = table - (table[..., :, k : k + 1] - unit[:, k : k + 1]) * row
    return table[..., count:]
