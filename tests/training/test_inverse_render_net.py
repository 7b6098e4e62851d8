"""What TensorFlow saved of InverseRenderNet++ becomes a renderer that computes the same."""

import math
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from inverse_render_net import NumPy, Weights, decompose, light, random_weights, terms, write_bundle
from safetensors.torch import load_file

from deepfake_cli.errors import ModelError, UsageError
from deepfake_cli.io.model_folder import load_renderer_folder
from deepfake_cli.models.illumination import solve_lighting, to_linear
from deepfake_cli.training.importing.importers import import_checkpoint
from deepfake_cli.training.importing.inverse_render_net import _numbers, read_inverse_render_net
from deepfake_cli.training.importing.tensor_bundle import TensorBundle

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights()


def write_prior(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    mean, vectors = rng.normal(0, 0.3, (1, 27)), rng.normal(0, 0.1, (18, 27))
    folder.mkdir(exist_ok=True)
    np.save(folder / "mean.npy", mean)
    np.save(folder / "pcaVector.npy", vectors)
    return mean[0], vectors


def picture(height: int, width: int) -> np.ndarray:
    """A smooth, noisy picture (H, W, 3) in [0, 1]."""
    rng = np.random.default_rng(2)
    coarse = NumPy().resize(rng.random((5, 5, 3)), height, width)
    return np.clip(coarse + 0.05 * rng.normal(size=coarse.shape), 0, 1).astype(np.float32)


def expected_parts(weights: Weights, pixels: np.ndarray, folder: Path, ops: Any) -> dict[str, np.ndarray]:
    linear = pixels**2.2
    albedo, shadow, normals = decompose(weights, linear, ops)
    mean, vectors = np.load(folder / "mean.npy"), np.load(folder / "pcaVector.npy")
    away = light(linear, albedo, shadow, normals).reshape(1, 27) - mean
    lighting = (away @ np.linalg.pinv(vectors) @ vectors + mean).reshape(9, 3)
    shading = np.clip(terms(normals) @ lighting, 0, 1).reshape(normals.shape) + 1e-4
    first = {"albedo": albedo, "normals": normals, "shading": shading, "shadow": shadow}
    return {name: part.transpose(2, 0, 1) for name, part in first.items()} | {"lighting": lighting}


def compare(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, values in expected.items():
        assert np.ptp(values) > 0.1, name  # else the comparison would mean nothing
        np.testing.assert_allclose(found[name][0], values, atol=2e-3, err_msg=name)


def test_the_network_computes_what_its_authors_describe(weights: Weights, tmp_path: Path) -> None:
    write_bundle(tmp_path / "model.ckpt", weights)
    write_prior(tmp_path)
    network, pixels = read_inverse_render_net(tmp_path, None), picture(56, 50)
    with torch.inference_mode():
        found = network(torch.from_numpy(pixels).permute(2, 0, 1)[None] * 2 - 1)
    expected = expected_parts(weights, pixels, tmp_path, NumPy())
    compare({name: part.numpy() for name, part in found._asdict().items()}, expected)


@pytest.mark.slow
def test_the_command_makes_a_folder_that_computes_the_same(
    dfdetect: Run, weights: Weights, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "model_ckpt" / "model.ckpt", weights)
    write_prior(tmp_path / "prior")
    out = tmp_path / "out"
    args = ("--as", "inverserendernet", "--prior", tmp_path / "prior", "--output", out)
    run = dfdetect("models", "import", tmp_path / "model_ckpt", *args, timeout=900)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{out}\n", "")
    config = load_renderer_folder(out).config
    assert (config.architecture, config.input.size, config.shape.width) == ("inverserendernet", 200, 32)
    assert len(load_file(out / "model.safetensors")) == 3 * 15 + 3 * (3 * 14 + 2) - 1 + 2
    assert "not of faces" in (out / "README.md").read_text()
    pixels = picture(200, 200)
    session = ort.InferenceSession(out / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    assert names == ["albedo", "normals", "shading", "shadow", "lighting"]
    parts = session.run(names, {"faces": pixels.transpose(2, 0, 1)[None] * 2 - 1})
    found = dict(zip(names, parts, strict=True))
    compare(found, expected_parts(weights, pixels, tmp_path / "prior", NumPy()))


class TensorFlow:
    """TensorFlow's own operations on (H, W, C)."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf

    def conv(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return np.asarray(self.tf.nn.conv2d(x[None].astype(np.float32), kernel, 1, "SAME"))[0]

    def pool(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.tf.nn.max_pool2d(x[None], 2, 2, "SAME"))[0]

    def resize(self, x: np.ndarray, height: int, width: int) -> np.ndarray:
        return np.asarray(self.tf.compat.v1.image.resize_images(x[None], (height, width)))[0]


@pytest.mark.slow
def test_what_tensorflow_saves_and_computes_is_the_same(weights: Weights, tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    names = [*weights, "global_step"]
    tensors = [*weights.values(), np.int32(7)]
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "model.ckpt"),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=tensors,
    )
    write_prior(tmp_path)
    network, pixels = read_inverse_render_net(tmp_path, None), picture(200, 200)
    with torch.inference_mode():
        found = network(torch.from_numpy(pixels).permute(2, 0, 1)[None] * 2 - 1)
    expected = expected_parts(weights, pixels, tmp_path, TensorFlow(tf))
    compare({name: part.numpy() for name, part in found._asdict().items()}, expected)


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path) -> None:
    tensors = {"a/b": np.arange(6, dtype=np.float32).reshape(2, 3), "a/bc": np.ones((), np.float32)}
    bundle = TensorBundle(write_bundle(tmp_path / "m", tensors))
    assert bundle.entries.keys() == tensors.keys()
    for name, values in tensors.items():
        np.testing.assert_array_equal(bundle.read(name), values)


def refused(folder: Path, prior: Path | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        read_inverse_render_net(folder, prior)
    assert "\n" not in caught.value.message + caught.value.hint
    return f"{caught.value.message}; {caught.value.hint}"


def test_a_folder_without_a_checkpoint_is_told_apart(tmp_path: Path) -> None:
    assert "is no folder" in refused(tmp_path / "none")
    assert "no file NAME.index; unpack" in refused(tmp_path)
    (tmp_path / "m.index").write_bytes(b"no table" * 20)
    assert "damaged, cut short or no index" in refused(tmp_path)
    for name in ("m", "n"):
        write_bundle(tmp_path / name, {"x": np.zeros(1, np.float32)})
    assert "several checkpoints" in refused(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/home/them/n"\n')
    assert f"{tmp_path / 'n'} does not fit" in refused(tmp_path)


def test_another_network_is_told_what_is_wrong(weights: Weights, tmp_path: Path) -> None:
    changed = dict(weights)
    del changed["inverserendernet/am_deconv15/biases"]
    changed["inverserendernet/conv1/weights"] = np.zeros((3, 3, 3, 32), np.float32)
    changed["inverserendernet/conv16/weights"] = np.zeros((3, 3, 512, 512), np.float32)
    write_bundle(tmp_path / "model.ckpt", changed)
    words = refused(tmp_path)
    assert "missing: inverserendernet/am_deconv15/biases" in words
    assert "inverserendernet/conv1/weights (3, 3, 3, 32) instead of (3, 3, 3, 64)" in words
    assert "unexpected: inverserendernet/conv16/weights" in words


def test_damaged_data_is_refused(weights: Weights, tmp_path: Path) -> None:
    name = "inverserendernet/conv2/weights"
    write_bundle(tmp_path / "model.ckpt", weights | {name: np.full_like(weights[name], np.nan)})
    assert f"NaN or infinity, in {name}" in refused(tmp_path)
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    assert "cut short" in refused(tmp_path)
    data.unlink()
    assert "belong together" in refused(tmp_path)
    write_bundle(tmp_path / "model.ckpt", weights, dtype=2)
    assert "no whole tensor" in refused(tmp_path).replace("not a whole", "no whole")


def test_a_damaged_index_is_never_a_traceback(tmp_path: Path) -> None:
    write_bundle(tmp_path / "m", {"a": np.zeros(3, np.float32), "ab": np.zeros((2, 2), np.float32)})
    index, rng = tmp_path / "m.index", np.random.default_rng(0)
    whole = index.read_bytes()
    count = {"indexes refused": 0, "tensors refused": 0, "tensors read": 0}
    for place in range(len(whole) - 8):
        for byte in (0, 1, 127, 255, *rng.integers(256, size=4)):
            index.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            try:
                bundle = TensorBundle(tmp_path / "m")
            except ModelError:
                count["indexes refused"] += 1
                continue
            for name in bundle.entries:
                try:
                    bundle.read(name)
                    count["tensors read"] += 1
                except ModelError:
                    count["tensors refused"] += 1
    assert min(count.values()) > 20, count


@pytest.mark.parametrize(
    ("shape", "offset", "words"),
    [
        ((3,), 1 << 63, "is cut short"),
        ((3,), 1 << 64, "is cut short"),
        ((1 << 50,), 0, "is cut short"),
        ((0, 1 << 63), 0, "no shape of an array"),
        ((1,) * 100, 0, "no shape of an array"),
    ],
)
def test_a_tensor_that_cannot_be_is_told(
    shape: tuple[int, ...], offset: int, words: str, tmp_path: Path
) -> None:
    bundle = TensorBundle(write_bundle(tmp_path / "m", {"a": np.zeros(3, np.float32)}))
    size = 4 * math.prod(shape)
    bundle.entries["a"] = replace(bundle.entries["a"], shape=shape, offset=offset, size=size)
    with pytest.raises(ModelError, match=words):
        bundle.read("a")


@pytest.mark.parametrize("length", [1025, 1 << 20])
def test_an_index_of_endless_names_is_refused(length: int, tmp_path: Path) -> None:
    write_bundle(tmp_path / "m", {"a" * length: np.zeros(1, np.float32)})
    assert "damaged, cut short or no index" in refused(tmp_path)


def test_the_prior_is_checked(weights: Weights, tmp_path: Path) -> None:
    write_bundle(tmp_path / "model.ckpt", weights)
    write_prior(tmp_path / "prior")
    np.save(tmp_path / "prior" / "mean.npy", np.zeros(9))
    assert "instead of 27 and (18, 27)" in refused(tmp_path, tmp_path / "prior")
    np.save(tmp_path / "prior" / "mean.npy", np.array([None]), allow_pickle=True)
    assert "cannot be read as an array of numbers" in refused(tmp_path, tmp_path / "prior")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{" + 3 * "'",
        "(" * 5000,
        "{'descr': (1,), 'fortran_order': False, 'shape': (27,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (27,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999,)}",
    ],
)
def test_a_damaged_array_is_told(header: str, tmp_path: Path) -> None:
    magic, path = b"\x93NUMPY\1\0", tmp_path / "mean.npy"
    for start in (magic + len(header).to_bytes(2, "little"), magic, b"PK\3\4"):
        path.write_bytes(start + header.encode())
        with pytest.raises(ModelError, match="cannot be read as an array of numbers"):
            _numbers(path)


def test_half_a_prior_is_refused(weights: Weights, tmp_path: Path) -> None:
    write_bundle(tmp_path / "model.ckpt", weights)
    write_prior(tmp_path)
    (tmp_path / "pcaVector.npy").unlink()
    assert "--prior names the folder" in refused(tmp_path)


def test_without_a_prior_any_light_is_taken(weights: Weights, tmp_path: Path) -> None:
    write_bundle(tmp_path / "model.ckpt", weights)
    network = read_inverse_render_net(tmp_path, None)
    with torch.inference_mode():
        parts = network(torch.from_numpy(picture(56, 50)).permute(2, 0, 1)[None] * 2 - 1)
    image = to_linear(torch.from_numpy(picture(56, 50)).permute(2, 0, 1)[None])
    free = solve_lighting(image, parts.albedo, parts.normals, parts.shadow)
    np.testing.assert_allclose(parts.lighting, free, atol=1e-4)


def test_only_inverse_render_net_has_a_prior(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no prior"):
        import_checkpoint(tmp_path, "mri-gan", tmp_path / "o", minimum_faces=3, prior=tmp_path)


def test_the_command_tells_what_is_missing(dfdetect: Run, tmp_path: Path) -> None:
    run = dfdetect("models", "import", tmp_path, "--as", "inverserendernet", "-o", tmp_path / "out")
    assert (run.returncode, run.stdout) == (2, "")
    assert "holds no checkpoint of TensorFlow" in run.stderr
    assert not (tmp_path / "out").exists()
