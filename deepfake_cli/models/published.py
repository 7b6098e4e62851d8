"""Classifiers as others published them, under the names of their checkpoints' tensors.

MRI-GAN: Prajapati and Pollett, arXiv 2203.00108. Dessa: "Visual DeepFake Detection", on why models of
FaceForensics++ do not generalise.
"""

from typing import Any

from torch import Tensor, nn

from ._torchvision import import_torchvision
from .heads import dessa_head, mri_gan_head

_HIDDEN = 128  # of MRI-GAN's head
_DESSA_HIDDEN = 256
_DROPOUT = 0.5  # while learning, which these no longer do


class MriGanClassifier(nn.Module):
    """MRI-GAN's classifier of frames or maps: an encoder, the mean over its pixels, two linear layers.

    Args:
        architecture: The encoder's timm name.
    """

    def __init__(self, architecture: str) -> None:
        super().__init__()
        import_torchvision()
        import timm

        encoder: Any = timm.create_model(architecture, pretrained=False, num_classes=0)
        self.encoder: nn.Module = encoder
        features: int = encoder.num_features
        self.classifier = mri_gan_head(features, _HIDDEN, _DROPOUT)

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, 3, S, S) to logits (N,), above 0 for fake."""
        features: Tensor = self.encoder.forward_features(faces)  # type: ignore[operator]  # (N, F, h, w)
        logits: Tensor = self.classifier(features.mean((2, 3)))  # (N, 1)
        return logits.squeeze(1)


class DessaClassifier(nn.Module):
    """Dessa's ResNet18 with two outputs, real and fake; their difference is the logit of "fake".

    Args:
        hidden: Whether there is a hidden layer before the outputs.
    """

    def __init__(self, hidden: bool) -> None:
        super().__init__()
        import_torchvision()
        from torchvision.models import resnet18

        self.network = resnet18(weights=None)
        features = self.network.fc.in_features
        self.network.fc = dessa_head(features, _DESSA_HIDDEN if hidden else 0, _DROPOUT)

    def forward(self, faces: Tensor) -> Tensor:
        """Map (N, 3, S, S) to logits (N,): softmax over the outputs is the sigmoid of their difference."""
        real, fake = self.network(faces).unbind(1)
        logits: Tensor = fake - real
        return logits
