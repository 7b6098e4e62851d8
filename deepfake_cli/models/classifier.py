"""The face classifier: a timm encoder and a head that gives one logit, P(fake) before the sigmoid."""

from typing import Any, Literal

from torch import Tensor, nn

from ._torchvision import import_torchvision
from .heads import dessa_head, mri_gan_head

HeadKind = Literal["linear", "mri-gan", "dessa"]


def build_classifier(
    architecture: str, channels: int = 3, *, head: HeadKind = "linear", hidden: int = 0, dropout: float = 0.0
) -> "FaceClassifier":
    """Build an untrained classifier.

    Args:
        architecture: Name of a timm model, such as ``tf_efficientnet_lite0``.
        channels: C, of what it sees.
        head: What follows the encoder: one layer, the head of MRI-GAN's classifier or that of Dessa's.
        hidden: Width of the head's hidden layer; 0 for none, which ``mri-gan`` does not have.
        dropout: Share of features that the head leaves out while learning.

    Returns:
        A module that maps faces (N, C, S, S), normalised RGB, to logits (N,).

    Raises:
        RuntimeError: timm knows no such model.
    """
    import_torchvision()
    import timm

    classes, rate = (1, dropout) if head == "linear" else (0, 0.0)
    network: Any = timm.create_model(
        architecture, pretrained=False, num_classes=classes, in_chans=channels, drop_rate=rate
    )
    if head == "linear":
        return FaceClassifier(network)
    layers = mri_gan_head if head == "mri-gan" else dessa_head
    return FaceClassifier(network, layers(network.num_features, hidden, dropout))


class FaceClassifier(nn.Module):
    """An encoder whose head gives one number a face.

    Args:
        network: The encoder, with a head of one output unless another is given.
        head: Maps features (N, F) to logits (N, 1), or to outputs for real and fake (N, 2).
    """

    def __init__(self, network: nn.Module, head: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network
        if head is not None:
            self.head = head
            return
        own: nn.Linear = network.get_classifier()  # type: ignore[operator]
        # timm starts a one-logit head with U(-1, 1), whose first gradients would ruin the pretrained
        # features.
        nn.init.normal_(own.weight, std=0.01)
        nn.init.zeros_(own.bias)

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, C, S, S) to logits (N,)."""
        outputs: Tensor = self.network(faces)  # (N, 1), or (N, F) before a head
        if hasattr(self, "head"):
            outputs = self.head(outputs)
        if outputs.shape[1] == 2:
            # Softmax over real and fake is the sigmoid of their difference.
            return outputs[:, 1] - outputs[:, 0]
        return outputs.squeeze(1)

    @property
    def head_names(self) -> set[str]:
        """Names of the parameters after the encoder."""
        if hasattr(self, "head"):
            return {name for name, _ in self.named_parameters() if name.startswith("head.")}
        own = set(self.network.get_classifier().parameters())  # type: ignore[operator]
        return {name for name, parameter in self.named_parameters() if parameter in own}
