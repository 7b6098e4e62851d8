"""A generator whose contracting half is a classifier's encoder: it can start from trained features."""

from torch import Tensor, nn

from .timm_encoder import Up, build_halving_encoder, doubled

_DARK = -1.5  # half of all true maps are black: an untrained network begins near them


class EncoderUNet(nn.Module):
    """A U-Net around a timm encoder: what the encoder sees at every level is a skip.

    Args:
        architecture: The encoder's timm name.
        width: Channels at half resolution on the way up; they double with every level further in, up to
            ``4 * width``.
        depth: How often the resolution is halved; deeper levels of the encoder are left out.

    Raises:
        RuntimeError: timm has no such encoder, or its levels do not halve the resolution one by one.
    """

    def __init__(self, architecture: str, width: int, depth: int) -> None:
        super().__init__()
        encoder = build_halving_encoder(architecture, depth)
        self.encoder: nn.Module = encoder
        skips: list[int] = encoder.feature_info.channels()
        before, ups = skips[-1], []
        for level in reversed(range(depth - 1)):
            after = width * min(2**level, 4)
            ups.append(Up(before + skips[level], after))
            before = after
        self.ups = nn.ModuleList(ups)
        last = nn.Conv2d(before, 3, 3, padding=1)
        nn.init.constant_(last.bias, _DARK)  # type: ignore[arg-type]
        self.final = nn.Sequential(last, nn.Tanh())

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, 3, S, S) in [-1, 1] to (N, 3, S, S) in [-1, 1]."""
        *skips, x = self.encoder(faces)  # (N, C, S / 2, S / 2) ... (N, C, S / 2^depth, S / 2^depth)
        for up in self.ups:
            x = up(doubled(x), skips.pop())
        painted: Tensor = self.final(doubled(x))
        return painted
