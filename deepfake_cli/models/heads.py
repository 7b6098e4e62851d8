"""What published classifiers have after their encoder."""

from torch import nn


def mri_gan_head(features: int, hidden: int, dropout: float) -> nn.Sequential:
    """Build the head of MRI-GAN's classifier, (N, features) to logits (N, 1).

    Prajapati and Pollett, arXiv 2203.00108.
    """
    return nn.Sequential(nn.Linear(features, hidden), nn.Dropout(dropout), nn.ReLU(), nn.Linear(hidden, 1))


def dessa_head(features: int, hidden: int, dropout: float) -> nn.Sequential:
    """Build the head of Dessa's classifier, (N, features) to outputs for real and fake (N, 2).

    Dessa, "Visual DeepFake Detection"; ``hidden`` is the width of its hidden layer, 0 for none.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout)]
    if hidden:
        layers += [nn.Linear(features, hidden), nn.ReLU(), nn.BatchNorm1d(hidden), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(hidden or features, 2))
