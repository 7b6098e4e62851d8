from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn
from torch.nn.functional import normalize

from deepfake_cli.models.illumination import (
    LightingPrior,
    basis,
    project,
    shade,
    solve_lighting,
    to_display,
    to_linear,
)

SIDE = 24


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random(shape, np.float32))


def bent(seed: int = 0, count: int = 2) -> Tensor:
    """Random unit normals towards the viewer."""
    xy = random(count, 2, SIDE, SIDE, seed=seed) * 4 - 2
    return normalize(torch.cat((xy, torch.ones(count, 1, SIDE, SIDE)), 1))


def light(seed: int = 0, count: int = 2) -> Tensor:
    return random(count, 9, 3, seed=seed) - 0.5 + torch.eye(9, 3)[:1]


def scene(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    albedo, shadow = random(2, 3, SIDE, SIDE, seed=seed), random(2, 1, SIDE, SIDE, seed=seed + 1)
    normals, lighting = bent(seed), light(seed)
    image = (albedo + 0.1) * shade(normals, lighting) * (shadow + 0.1)
    return image, albedo + 0.1, normals, shadow + 0.1, lighting


def test_shading_is_the_quadratic_form_of_the_paper() -> None:
    """Equations 11 and 12 of Ramamoorthi and Hanrahan: n^T M n with n = (x, y, z, 1)."""
    c1, c2, c3, c4, c5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
    l00, l1m1, l10, l11, l2m2, l2m1, l20, l21, l22 = light(count=1)[0, :, 1].tolist()
    matrix = torch.tensor(
        [
            [c1 * l22, c1 * l2m2, c1 * l21, c2 * l11],
            [c1 * l2m2, -c1 * l22, c1 * l2m1, c2 * l1m1],
            [c1 * l21, c1 * l2m1, c3 * l20, c2 * l10],
            [c2 * l11, c2 * l1m1, c2 * l10, c4 * l00 - c5 * l20],
        ]
    )
    normals = bent(count=1)
    n = torch.cat((normals[0], torch.ones(1, SIDE, SIDE)))
    expected = torch.einsum("ahw,ab,bhw->hw", n, matrix, n)
    torch.testing.assert_close(shade(normals, light(count=1))[0, 1], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("coefficient", "normal"), [(3, (1.0, 0.0, 0.0)), (1, (0.0, 1.0, 0.0)), (2, (0.0, 0.0, 1.0))]
)
def test_first_order_light_falls_on_what_faces_it(
    coefficient: int, normal: tuple[float, float, float]
) -> None:
    lighting = torch.zeros(1, 9, 3)
    lighting[:, coefficient] = 1
    towards = torch.tensor(normal).reshape(1, 3, 1, 1)
    assert shade(towards, lighting).min() > 1
    assert shade(-towards, lighting).max() < -1


def test_the_light_of_a_scene_is_found() -> None:
    for seed in range(5):
        *parts, lighting = scene(seed)
        torch.testing.assert_close(solve_lighting(*parts), lighting, atol=1e-4, rtol=1e-4)


def test_least_squares_is_that_of_numpy() -> None:
    image, albedo, normals, shadow, _ = scene(3)
    image = random(2, 3, SIDE, SIDE, seed=9)  # no light explains it
    found = solve_lighting(image, albedo, normals, shadow)
    terms = basis(normals).double().flatten(2)
    for n in range(2):
        for colour in range(3):
            rows = (terms[n] * (albedo[n, colour] * shadow[n, 0]).flatten().double()).T.numpy()
            expected, *_ = np.linalg.lstsq(rows, image[n, colour].flatten().double().numpy())
            np.testing.assert_allclose(found[n, :, colour].numpy(), expected, atol=1e-4, rtol=1e-3)


def test_a_flat_and_a_black_face_have_a_light() -> None:
    image, albedo, normals, shadow, _ = scene(1)
    flat = torch.zeros_like(normals)
    flat[:, 2] = 1
    found = solve_lighting(image, albedo, flat, shadow)
    torch.testing.assert_close(
        shade(flat, found).mean((2, 3)),
        (image * albedo * shadow).sum((2, 3)) / ((albedo * shadow) ** 2).sum((2, 3)),
    )
    assert solve_lighting(image, albedo * 0, normals, shadow).isfinite().all()


def prior() -> LightingPrior:
    vectors, _ = torch.linalg.qr(random(27, 18, seed=4) - 0.5)
    return LightingPrior(random(27, seed=6), vectors)


def test_what_the_prior_knows_stays_and_the_rest_goes() -> None:
    known = prior()
    inside = (known.mean + random(2, 18, seed=7) @ known.vectors.T).unflatten(1, (9, 3))
    torch.testing.assert_close(project(inside, known), inside)
    projected = project(light(), known)
    torch.testing.assert_close(project(projected, known), projected)
    torch.testing.assert_close(
        ((light() - projected).flatten(1) @ known.vectors), torch.zeros(2, 18), atol=1e-5, rtol=0
    )


def test_the_solution_is_projected_on_the_prior() -> None:
    *parts, lighting = scene(2)
    torch.testing.assert_close(
        solve_lighting(*parts, prior=prior()), project(lighting, prior()), atol=1e-4, rtol=1e-4
    )


@given(st.floats(0, 4, width=32))
@settings(deadline=None)
def test_display_and_linear_light_are_inverse(value: float) -> None:
    pixel = torch.tensor([value])
    torch.testing.assert_close(to_display(to_linear(pixel)), pixel, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(to_linear(to_display(pixel)), pixel, atol=1e-4, rtol=1e-5)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_shading_is_linear_in_the_light(seed: int) -> None:
    one, other = light(seed), light(seed + 1)
    torch.testing.assert_close(
        shade(bent(), one + 2 * other), shade(bent(), one) + 2 * shade(bent(), other), atol=1e-5, rtol=1e-4
    )


def test_light_can_be_learned_through() -> None:
    image, albedo, normals, shadow, _ = scene(1)
    albedo.requires_grad_()
    to_display(shade(normals, solve_lighting(image, albedo, normals, shadow))).sum().backward()
    assert albedo.grad is not None
    assert albedo.grad.isfinite().all()


class Solver(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.prior = prior()

    def forward(self, image: Tensor, albedo: Tensor, normals: Tensor, shadow: Tensor) -> Tensor:
        return solve_lighting(image, albedo, normals, shadow, prior=self.prior)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_runtime_finds_the_same_light(tmp_path: Path) -> None:
    *parts, _ = scene(1)
    names = ["image", "albedo", "normals", "shadow"]
    program = torch.onnx.export(
        Solver().eval(),
        tuple(parts),
        input_names=names,
        dynamic_shapes=({0: torch.export.Dim("N")},) * 4,
        opset_version=18,
        verbose=False,
    )
    assert program is not None
    path = tmp_path / "model.onnx"
    path.write_bytes(program.model_proto.SerializeToString())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    *parts, _ = scene(7)
    three = [torch.cat((part, part[:1])) for part in parts]
    (found,) = session.run(None, dict(zip(names, (part.numpy() for part in three), strict=True)))
    np.testing.assert_allclose(found, Solver()(*three).numpy(), atol=1e-4)
