import numpy as np
import pytest
import torch
from inverse_render_net import NumPy

from deepfake_cli.models.illumination import LightingPrior
from deepfake_cli.models.inverse_render_net import InverseRenderNet, _resized


@pytest.mark.parametrize(("before", "after"), [((13, 13), (25, 25)), ((5, 7), (10, 13)), ((1, 2), (2, 3))])
def test_resizing_is_that_of_tensorflow_1(before: tuple[int, int], after: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random((*before, 2), np.float32)
    expected = NumPy().resize(values, *after)
    found = _resized(torch.from_numpy(values).permute(2, 0, 1)[None], *after)[0].permute(1, 2, 0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@torch.inference_mode()
def test_what_comes_out_is_in_its_range_and_sides_may_be_odd() -> None:
    torch.manual_seed(0)
    vectors, _ = torch.linalg.qr(torch.randn(27, 18))
    network = InverseRenderNet(prior=LightingPrior(torch.zeros(27), vectors)).eval()
    found = network(torch.rand(2, 3, 37, 50) * 2 - 1)
    assert found.albedo.shape == found.normals.shape == found.shading.shape == (2, 3, 37, 50)
    assert found.shadow.shape == (2, 1, 37, 50)
    assert found.lighting.shape == (2, 9, 3)
    for share in (found.albedo, found.shadow):
        assert share.min() > 0
        assert share.max() < 1
    torch.testing.assert_close(found.normals.norm(dim=1), torch.ones(2, 37, 50))
    assert found.normals[:, 2].min() > 0
    light = found.lighting.flatten(1)
    torch.testing.assert_close(light @ vectors @ vectors.T, light, atol=1e-4, rtol=1e-3)
    assert {"mean", "vectors"} <= set(network.state_dict())
