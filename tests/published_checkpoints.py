"""Checkpoints in the layouts of others, and what their networks compute, written out from their descriptions.

No network of the package is used: importers are held against the names, shapes and formulas here.
"""

import math
import os
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfake_cli.models._torchvision import import_torchvision

State = dict[str, Tensor]


def random_weight(*shape: int) -> Tensor:
    return torch.randn(shape) * math.sqrt(2 / math.prod(shape[1:]))


def generator_state(width: int, depth: int = 8) -> State:
    """Tensors of MRI-GAN's generator, at random."""
    state, before = {}, 3
    channels = [width * min(2**level, 8) for level in range(depth)]
    for level, after in enumerate(channels, start=1):
        state[f"down{level}.model.0.weight"] = random_weight(after, before, 4, 4)
        before = after
    for step, after in enumerate(channels[-2::-1], start=1):
        state[f"up{step}.model.0.weight"] = random_weight(before, after, 4, 4)
        before = 2 * after
    return state | {"final.2.weight": random_weight(3, before, 4, 4), "final.2.bias": torch.rand(3) - 0.5}


def gan_checkpoint(state: State, log_dir: Any = "logs/1") -> dict[str, Any]:
    """A checkpoint as MRI-GAN's training writes it."""
    weight = torch.nn.Parameter(torch.randn(4))
    optimizer = torch.optim.Adam([weight])
    weight.sum().backward()
    optimizer.step()
    return {
        "epoch": 61,
        "model_params": {"imsize": 256, "betas": (0.5, 0.999), "losses": [0.3, 0.7]},
        "log_dir": log_dir,
        "generator_state_dict": state,
        "discriminator_state_dict": {"model.0.weight": torch.randn(8, 6, 4, 4)},
        "optimizer_G_state_dict": optimizer.state_dict(),
        "optimizer_D_state_dict": optimizer.state_dict(),
    }


def paint(state: State, faces: Tensor) -> Tensor:
    """MRI-GAN's generator: faces (N, 3, 256, 256) in [-1, 1] to maps in [-1, 1]."""
    depth = sum(name.startswith("down") for name in state)
    x, skips = faces, []
    for level in range(1, depth + 1):
        x = F.conv2d(x, state[f"down{level}.model.0.weight"], stride=2, padding=1)
        if 1 < level < depth:
            x = F.instance_norm(x)
        x = F.leaky_relu(x, 0.2)
        skips.append(x)
    skips.pop()
    for step in range(1, depth):
        x = F.conv_transpose2d(x, state[f"up{step}.model.0.weight"], stride=2, padding=1)
        x = torch.cat((F.relu(F.instance_norm(x)), skips.pop()), 1)
    x = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1, 0, 1, 0))
    return torch.tanh(F.conv2d(x, state["final.2.weight"], state["final.2.bias"], padding=1))


def encoder(seen: Tensor) -> torch.nn.Module:
    """timm's EfficientNet-B0, at random, with the statistics of what it will see (N, 3, 224, 224).

    With those of anything else its features can grow until float32 differs from float64 by more than a logit.
    """
    import_torchvision()
    import timm

    network = timm.create_model("tf_efficientnet_b0", pretrained=False)
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        network.train()(seen)
    return network.eval()


def classifier_state(network: torch.nn.Module) -> State:
    """Tensors of MRI-GAN's classifier around an encoder, whose own head is among them."""
    return {f"encoder.{name}": tensor for name, tensor in network.state_dict().items()} | {
        "classifier.0.weight": random_weight(128, 1280),
        "classifier.0.bias": torch.randn(128),
        "classifier.3.weight": random_weight(1, 128),
        "classifier.3.bias": torch.randn(1),
    }


def judge(network: torch.nn.Module, state: State, faces: Tensor) -> Tensor:
    """MRI-GAN's classifier: (N, 3, 224, 224), normalised, to logits (N,)."""
    features = F.adaptive_avg_pool2d(network.forward_features(faces), 1).flatten(1)
    hidden = F.relu(F.linear(features, state["classifier.0.weight"], state["classifier.0.bias"]))
    return F.linear(hidden, state["classifier.3.weight"], state["classifier.3.bias"])[:, 0]


def resnet_state(hidden: bool) -> State:
    """Tensors of Dessa's ResNet18, at random."""
    state = {"conv1.weight": random_weight(64, 3, 7, 7), **_norm("bn1", 64)}
    before = 64
    for layer, after in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name = f"layer{layer}.{block}"
            state[f"{name}.conv1.weight"] = random_weight(after, before, 3, 3)
            state |= _norm(f"{name}.bn1", after)
            state[f"{name}.conv2.weight"] = random_weight(after, after, 3, 3)
            state |= _norm(f"{name}.bn2", after)
            if before != after:
                state[f"{name}.downsample.0.weight"] = random_weight(after, before, 1, 1)
                state |= _norm(f"{name}.downsample.1", after)
            before = after
    if not hidden:
        return state | {"fc.1.weight": random_weight(2, 512), "fc.1.bias": torch.randn(2)}
    state |= {"fc.1.weight": random_weight(256, 512), "fc.1.bias": torch.randn(256), **_norm("fc.3", 256)}
    return state | {"fc.5.weight": random_weight(2, 256), "fc.5.bias": torch.randn(2)}


def resnet(state: State, faces: Tensor) -> Tensor:
    """Dessa's ResNet18: (N, 3, 224, 224), normalised, to outputs (N, 2), real and fake."""
    x = F.relu(_normed(F.conv2d(faces, state["conv1.weight"], stride=2, padding=3), state, "bn1"))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for layer in range(1, 5):
        for block in range(2):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1)
            y = F.conv2d(F.relu(_normed(y, state, f"{name}.bn1")), state[f"{name}.conv2.weight"], padding=1)
            if f"{name}.downsample.0.weight" in state:
                x = F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
                x = _normed(x, state, f"{name}.downsample.1")
            x = F.relu(x + _normed(y, state, f"{name}.bn2"))
    x = F.linear(x.mean((2, 3)), state["fc.1.weight"], state["fc.1.bias"])
    if "fc.5.weight" in state:
        x = _normed(F.relu(x), state, "fc.3")
        x = F.linear(x, state["fc.5.weight"], state["fc.5.bias"])
    return x


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


def _norm(name: str, channels: int) -> State:
    return {
        f"{name}.weight": torch.rand(channels) * 0.4 + 0.4,
        f"{name}.bias": torch.randn(channels) * 0.1,
        f"{name}.running_mean": torch.randn(channels) * 0.1,
        f"{name}.running_var": torch.rand(channels) + 0.5,
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def _normed(x: Tensor, state: State, name: str) -> Tensor:
    parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *parts)
