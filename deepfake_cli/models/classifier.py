"""The face classifier: a timm encoder with one logit, P(fake) before the sigmoid."""

from torch import Tensor, nn

from ._torchvision import import_torchvision


def build_classifier(architecture: str, channels: int = 3) -> "FaceClassifier":
    """Build an untrained classifier.

    Args:
        architecture: Name of a timm model, such as ``tf_efficientnet_lite0``.
        channels: C, of what it sees.

    Returns:
        A module that maps faces (N, C, S, S), normalised RGB, to logits (N,).
    """
    import_torchvision()
    import timm

    network = timm.create_model(architecture, pretrained=False, num_classes=1, in_chans=channels)
    return FaceClassifier(network)


class FaceClassifier(nn.Module):
    """An encoder whose head gives one number a face."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        head: nn.Linear = network.get_classifier()  # type: ignore[operator]
        # timm starts a one-logit head with U(-1, 1), whose first gradients would ruin the pretrained
        # features.
        nn.init.normal_(head.weight, std=0.01)
        nn.init.zeros_(head.bias)

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, C, S, S) to logits (N,)."""
        logits: Tensor = self.network(faces)  # (N, 1)
        return logits.squeeze(1)
