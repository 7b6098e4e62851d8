"""What a renderer learns by, from pictures alone but for the normals: each loss is a number at least 0.

Pictures and what they are made of are linear light, (N, C, S, S). Differences of light count relative to the
brightness of their own face, so that dark pictures teach as much as bright ones.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from deepfake_cli.models.illumination import basis

_SOFT = 0.01  # differences below this count by their square, above it by themselves
_DARK = 0.02  # brightness that a face is taken to have at least: below it is noise
_STEPS = (1, 4)  # pixels between what ought to be alike
_RARE = 0.4  # what shadow costs; at 0.1 dark skin, beards and eyes became shadow
_SHARPNESS = 60.0  # how fast albedo may change where the chromaticity does


def reconstruction_loss(albedo: Tensor, shading: Tensor, shadow: Tensor, image: Tensor) -> Tensor:
    """Compare ``albedo * shading * shadow`` with the picture.

    The image formation model of InverseRenderNet++ (Yu and Smith, TPAMI 2021), under the robust L1 of
    Charbonnier et al. ("Two deterministic half-quadratic regularization algorithms", ICIP 1994).
    """
    return difference(albedo * shading * shadow, image)


def difference(one: Tensor, other: Tensor) -> Tensor:
    """Compare light with light that is given: mean robust L1, relative to the brightness of the other.

    As the consistency of albedo under another light, or mirrored, it is the constancy that Weiss ("Deriving
    intrinsic images from image sequences", ICCV 2001) takes reflectance by.
    """
    scale = other.detach().mean((1, 2, 3), keepdim=True).clamp(min=_DARK)
    return _robust((one - other) / scale).mean()


def albedo_smoothness(albedo: Tensor, image: Tensor) -> Tensor:
    """Tell how much albedo changes where the picture's chromaticity does not.

    Light changes brightness alone, paint mostly both: Retinex on colour, with the weights
    ``exp(-a |change of chromaticity|)`` of InverseRenderNet (Yu and Smith, CVPR 2019).
    """
    chromaticity = image / image.sum(1, keepdim=True).clamp(min=_DARK)
    scale = albedo.detach().mean((1, 2, 3), keepdim=True).clamp(min=_DARK)
    loss = albedo.new_zeros(())
    for step in _STEPS:
        for axis in (2, 3):
            weight = torch.exp(-_SHARPNESS * _change(chromaticity, step, axis).norm(dim=1, keepdim=True))
            loss = loss + (weight * _robust(_change(albedo / scale, step, axis))).mean()
    return loss


def light_smoothness(shading: Tensor, shadow: Tensor) -> Tensor:
    """Tell how rough shading and shadow are, and how much is in shadow.

    Shading is smooth (Land and McCann, "Lightness and Retinex theory", 1971), so its curvature counts;
    shadows have edges, so their total variation does (Rudin et al., "Nonlinear total variation based noise
    removal algorithms", 1992); and few things are in shadow.
    """
    middle = avg_pool2d(shading, 3, 1)
    rough = _robust(shading[:, :, 1:-1, 1:-1] - middle).mean()
    varied = sum(_change(shadow, 1, axis).abs().mean() for axis in (2, 3))
    return 4 * rough + varied + _RARE * (1 - shadow).mean()


def white_loss(shading: Tensor) -> Tensor:
    """Tell how far the mean shading of a face, per colour, is from 1.

    ``albedo * shading`` stays what it is if one is doubled and the other halved, or one tinted against the
    other; that light is white of strength 1 on average decides it (the grey world of Buchsbaum, "A spatial
    processor model for object colour perception", 1980, told of the light).
    """
    return (shading.mean((2, 3)) - 1).square().mean()


def normals_loss(normals: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Tell how far normals point from known ones: 1 - cosine, where ``known`` (N, 1, S, S) is 1.

    As in Eigen and Fergus, "Predicting depth, surface normals and semantic labels with a common multi-scale
    convolutional architecture", ICCV 2015.
    """
    away = (1 - (normals * truth).sum(1, keepdim=True)) * known
    return away.sum() / known.sum().clamp(min=1)


def mirrored_loss(normals: Tensor, lighting: Tensor, other_normals: Tensor, other_lighting: Tensor) -> Tensor:
    """Compare normals and lighting of faces with those of the same faces mirrored.

    A mirror changes the sign of x, of normals and of where light comes from: the equivariance that Wu et al.
    ("Unsupervised learning of probably symmetric deformable 3D objects", CVPR 2020) learn shapes by.
    """
    turned = 1 - (mirror_normals(normals) * other_normals).sum(1).mean()
    return turned + (lighting * _signs(lighting) - other_lighting).square().mean()


def mirror(light: Tensor) -> Tensor:
    """Mirror pictures or light, (N, C, S, S): left and right change places."""
    return light.flip(3)


def mirror_normals(normals: Tensor) -> Tensor:
    """Mirror normals (N, 3, S, S)."""
    return mirror(normals) * normals.new_tensor([-1.0, 1.0, 1.0]).reshape(1, 3, 1, 1)


def _signs(lighting: Tensor) -> Tensor:
    """Tell which of the nine functions change their sign with that of x: (9, 1) of 1 and -1."""
    normal = normalize(lighting.new_tensor([[1.0, 2.0, 3.0]]))
    turned = normal * normal.new_tensor([-1.0, 1.0, 1.0])
    here, there = (basis(n.reshape(1, 3, 1, 1)).reshape(9, 1) for n in (normal, turned))
    return torch.sign(here * there)


def _change(light: Tensor, step: int, axis: int) -> Tensor:
    size = light.shape[axis]
    return light.narrow(axis, step, size - step) - light.narrow(axis, 0, size - step)


def _robust(values: Tensor) -> Tensor:
    """Take the size of values, softly at 0: (Charbonnier) ``sqrt(x^2 + e^2) - e``."""
    return (values.square() + _SOFT**2).sqrt() - _SOFT
