"""InverseRenderNet++: from a picture to albedo, normals, shadow, and the light that explains it best.

Yu and Smith, "Outdoor inverse rendering from a single image using multiview self-supervision", TPAMI 2021.

Written from the authors' public code (github.com/YeeU/InverseRenderNet_v2: ``model/SfMNet.py``, the two
lighting layers, ``test.py``, ``train.py``), which settles what the paper leaves open:

- 15 convolutions down and 15 up in each of three decoders; 3 x 3, zero padding, no bias but in the last ones
  of albedo and shadow. Each but the last is followed by group normalisation (32 groups of neighbouring
  channels, epsilon 1e-5) and ReLU. The first has 64 channels, the next two 32.
- The 4th, 7th, 10th and 13th are followed by a maximum of 2 x 2, whose last row counts alone where the side
  is odd; what enters these four is what is skipped over.
- The 3rd, 6th, 9th and 12th on the way up follow TensorFlow 1's bilinear resize, which takes pixel ``i`` from
  ``i * before / after``: neither corners nor centres are aligned. The skip is appended to their outcome.
- Albedo and shadow are tanh, limited to 0.9999 and taken to [0, 1]; normals are (x, y, 1) over their length.
- Axes of normals are those of the code's sphere: x to the right, y up, z towards the viewer. Shading is
  limited to [0, 1], and 1e-4 is added to it. The lighting prior's plane is spanned by the rows of
  ``pcaVector.npy``.

Where the code disagrees with itself: ``test.py`` shows the network linear light for single pictures, by the
curve of sRGB, but raises it to 2.2 once more before lighting is solved; for its two benchmarks, and in
``train.py``, the network sees pixels as they are. Here it sees linear light, as for single pictures there;
linear is a power of 2.2; and lighting is solved from linear light, once, as in ``train.py``. Their mask of
the sky is left out: faces have none. Their pseudoinverse is a ridge here, which differs where normals are
nearly all alike. Not verified: that published weights give what their authors show, as these could not be
had.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from .face_renderer import Rendered
from .illumination import LightingPrior, shade, solve_lighting, to_linear

# Of the authors' network: channels where they are fewest, and how often the side is halved.
WIDTH, DEPTH = 32, 4

# How the widths of convolutions grow, in multiples of the least; the last two stay as they are.
_DOWN = (2, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 16, 16, 16)
_UP = (16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1, 1)
_GROUPS = 32
_EPSILON = 1e-5
_LIMIT = 0.9999
_LEAST = 1e-4


class InverseRenderNet(nn.Module):
    """One encoder, three decoders, and least squares for the light.

    Args:
        width: Channels where they are fewest, a multiple of 32.
        prior: Which light there is; without one any is taken. It is saved with the weights.
    """

    mean: Tensor | None
    vectors: Tensor | None

    def __init__(self, width: int = WIDTH, prior: LightingPrior | None = None) -> None:
        super().__init__()
        before, down = 3, []
        for times in _DOWN:
            down.append(Convolution(before, times * width))
            before = times * width
        self.down = nn.ModuleList(down)
        self.albedo = Decoder(width, 3, bias=True)
        self.normals = Decoder(width, 2, bias=False)
        self.shadow = Decoder(width, 1, bias=True)
        self.register_buffer("mean", prior and prior.mean)
        self.register_buffer("vectors", prior and prior.vectors)

    def forward(self, faces: Tensor) -> Rendered:
        """Take pictures (N, 3, H, W) apart, pixels of a display scaled to [-1, 1]; 200 px there."""
        image = to_linear(faces / 2 + 0.5)
        x, skips = image * 2 - 1, []
        for number, convolution in enumerate(self.down):
            if number in (3, 6, 9, 12):
                skips.append(x)
                x = max_pool2d(convolution(x), 2, ceil_mode=True)
            else:
                x = convolution(x)  # (N, 2 width, H, W), (N, width, H, W) ... (N, 16 width, H / 16, W / 16)
        albedo, shadow = _share(self.albedo(x, skips)), _share(self.shadow(x, skips))
        slopes = self.normals(x, skips)
        length = (slopes.square().sum(1, keepdim=True) + 1).sqrt()
        normals = torch.cat((slopes, torch.ones_like(length)), 1) / length
        lighting = solve_lighting(image, albedo, normals, shadow, prior=self._prior())
        shading = shade(normals, lighting).clamp(0, 1) + _LEAST
        return Rendered(albedo, normals, shading, shadow, lighting)

    def _prior(self) -> LightingPrior | None:
        if self.mean is None or self.vectors is None:
            return None
        return LightingPrior(self.mean, self.vectors)


class Convolution(nn.Module):
    """Convolve, normalise, and keep what is above 0."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(_GROUPS, after, _EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, B, H, W) to (N, A, H, W), at least 0."""
        kept: Tensor = self.norm(self.conv(x)).relu()
        return kept


class Decoder(nn.Module):
    """Double the resolution four times, with a skip each.

    Args:
        width: Channels where they are fewest.
        after: Channels of the outcome.
        bias: Whether the last convolution has one.
    """

    def __init__(self, width: int, after: int, *, bias: bool) -> None:
        super().__init__()
        before, up = _DOWN[-1] * width, []
        for number, times in enumerate(_UP):
            up.append(Convolution(before, times * width))
            before = times * width * (2 if number in (2, 5, 8, 11) else 1)  # with the skip, which is as wide
        self.up = nn.ModuleList(up)
        self.last = nn.Conv2d(before, after, 3, padding=1, bias=bias)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """Map (N, 16 width, H / 16, W / 16) and the skips, outermost first, to (N, A, H, W)."""
        left = list(skips)
        for number, convolution in enumerate(self.up):
            if number in (2, 5, 8, 11):
                skip = left.pop()
                x = torch.cat((convolution(_resized(x, skip.shape[2], skip.shape[3])), skip), 1)
            else:
                x = convolution(x)
        outcome: Tensor = self.last(x)
        return outcome


def _share(x: Tensor) -> Tensor:
    """Take what convolutions give to a share in (0, 1)."""
    return x.tanh().clamp(-_LIMIT, _LIMIT) / 2 + 0.5


def _resized(x: Tensor, height: int, width: int) -> Tensor:
    """Resize (N, C, H, W) as TensorFlow 1's ``resize_images`` does by default."""
    return _along(_along(x, 2, height), 3, width)


def _along(x: Tensor, axis: int, after: int) -> Tensor:
    """Resize one axis: pixel ``i`` is read at ``i * before / after``, between two neighbours."""
    before = x.shape[axis]
    place = torch.arange(after, device=x.device, dtype=x.dtype) * (before / after)
    low = place.floor().long().clamp(max=before - 1)
    high = (low + 1).clamp(max=before - 1)
    shape = [1, 1, 1, 1]
    shape[axis] = after
    share = (place - low).reshape(shape)
    return torch.lerp(x.index_select(axis, low), x.index_select(axis, high), share)
