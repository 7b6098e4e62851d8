"""Classifiers that look at modalities: what they give, and what in them learns."""

import torch

from deepfake_cli.models.face_renderer import FaceRenderer
from deepfake_cli.models.modality_classifier import LightingBranch, ModalityClassifier, PictureBranch
from deepfake_cli.models.timm_encoder import build_encoder

NAMES = ("rgb", "albedo", "normals", "shading", "shadow", "lighting")


def classifier() -> ModalityClassifier:
    torch.manual_seed(0)
    branches: dict[str, torch.nn.Module] = {
        name: PictureBranch(build_encoder("test_efficientnet", 3), 0.1) for name in NAMES[:-1]
    }
    branches["lighting"] = LightingBranch(0.1)
    return ModalityClassifier(FaceRenderer("test_efficientnet", 4, 3), branches, rendered=32)


def test_the_logit_is_a_bias_and_what_each_branch_adds() -> None:
    network = classifier().eval()
    with torch.no_grad():
        network.bias.fill_(0.7)
        found = network(torch.rand(3, 3, 48, 48) * 2 - 1)
    assert found.parts.shape == (3, 6)
    assert torch.allclose(found.logits, found.parts.sum(1) + 0.7)
    assert torch.equal(network.weights, torch.full((6,), 1 / 6))
    assert found.albedo.shape == found.normals.shape == found.shading.shape == (3, 3, 32, 32)
    assert found.shadow.shape == (3, 1, 32, 32)
    assert found.lighting.shape == (3, 9, 3)


def test_all_but_the_renderer_learns() -> None:
    network = classifier().train()
    before = {name: tensor.clone() for name, tensor in network.renderer.state_dict().items()}
    with torch.no_grad():
        for branch in network.branches.values():
            branch.head.weight.fill_(0.1)
    network(torch.rand(4, 3, 32, 32) * 2 - 1).logits.sum().backward()
    for name, parameter in network.named_parameters():
        learns = not name.startswith("renderer.")
        assert (parameter.grad is not None) == learns, name
    assert not network.renderer.training
    for name, tensor in network.renderer.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_each_branch_sees_its_own() -> None:
    network = classifier().eval()
    seen = {}
    for name, branch in network.branches.items():
        branch.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[0]}))
    faces = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        found = network(faces)
    assert torch.equal(seen["rgb"], faces)
    assert torch.equal(seen["normals"], found.normals)
    assert torch.equal(seen["lighting"], found.lighting)
    assert torch.equal(seen["shadow"][:, 2:], found.shadow * 2 - 1)
    assert torch.allclose(seen["albedo"], found.albedo ** (1 / 2.2) * 2 - 1)
    assert torch.allclose(seen["shading"], (found.shading / 2) ** (1 / 2.2) * 2 - 1)
    assert all(picture.abs().max() <= 1.5 for name, picture in seen.items() if name != "lighting")


def test_an_encoder_ends_where_it_is_asked_to() -> None:
    encoder = build_encoder("test_efficientnet", 3)
    *_, deepest = encoder(torch.zeros(1, 3, 64, 64))
    assert deepest.shape[2:] == (8, 8)
    whole = build_encoder("test_efficientnet", 5)
    assert set(encoder.state_dict()) < set(whole.state_dict())
