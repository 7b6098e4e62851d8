"""A classifier that also tells which places of a face its logit rests on."""

from typing import Any

import torch
from torch import Tensor, nn

from .classifier import FaceClassifier


class ExplainedClassifier(nn.Module):
    """A classifier with its class activation map: Zhou et al., CVPR 2016.

    A linear layer on the mean of features over all places is the mean of that layer at every place. What it
    gives at a place is its heat: how much the place says for fake, on the scale of logits.

    Args:
        classifier: One that `can_be_explained`.
    """

    def __init__(self, classifier: FaceClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, S, S) to logits (N,) and heat (N, h, w), whose mean is the logit."""
        network: Any = self.classifier.network
        features = network.forward_features(faces)  # (N, F, h, w)
        head = network.get_classifier()
        heat = torch.einsum("nfhw,f->nhw", features, head.weight[0]) + head.bias
        return heat.mean((1, 2)), heat


def can_be_explained(classifier: FaceClassifier) -> bool:
    """Whether a classifier ends in the mean over places and one linear layer."""
    network: Any = classifier.network
    pool = getattr(network, "global_pool", None)
    return (
        not hasattr(classifier, "head")
        and getattr(pool, "pool_type", "") == "avg"
        and isinstance(network.get_classifier(), nn.Linear)
        and hasattr(network, "forward_features")
    )
