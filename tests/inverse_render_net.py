"""InverseRenderNet++ as its authors describe it, and checkpoints in its layout, without the package.

Its convolutions, poolings and resizes are those of whoever asks: NumPy's here, or TensorFlow's own.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]

# Channels before and after every convolution, in the order of the published code.
DOWN = ((3, 64), (64, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 128), (128, 128), (128, 128))
DOWN = (*DOWN, (128, 256), (256, 256), (256, 256), (256, 512), (512, 512), (512, 512))
UP = ((512, 512), (512, 512), (512, 256), (512, 256), (256, 256), (256, 128), (256, 128), (128, 128))
UP = (*UP, (128, 64), (128, 64), (64, 64), (64, 32), (64, 32), (32, 32))
LAST = {"am_deconv": 3, "nm": 2, "mask_deconv": 1}


def random_weights() -> Weights:
    rng = np.random.default_rng(0)

    def layer(name: str, before: int, after: int) -> Weights:
        return {
            f"{name}/weights": rng.normal(0, (2 / 9 / before) ** 0.5, (3, 3, before, after)),
            f"{name}/group_norm/scale": rng.uniform(0.5, 1.5, after),
            f"{name}/group_norm/bias": rng.normal(0, 0.2, after),
        }

    weights: Weights = {}
    for number, sides in enumerate(DOWN, start=1):
        weights |= layer(f"inverserendernet/conv{number}", *sides)
    for decoder, channels in LAST.items():
        for number, sides in enumerate(UP, start=1):
            weights |= layer(f"inverserendernet/{decoder}{number}", *sides)
        name = f"inverserendernet/{decoder}15"
        weights[f"{name}/weights"] = rng.normal(0, 0.1, (3, 3, 32, channels))
        if decoder != "nm":
            weights[f"{name}/biases"] = rng.normal(0, 0.3, channels)
    return {name: values.astype(np.float32) for name, values in weights.items()}


class NumPy:
    """Operations on (H, W, C)."""

    def conv(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        height, width, _ = x.shape
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        return sum(
            (padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)),
            np.zeros(()),
        )

    def pool(self, x: np.ndarray) -> np.ndarray:
        height, width, channels = x.shape
        padded = np.pad(x, ((0, height % 2), (0, width % 2), (0, 0)), constant_values=-np.inf)
        return padded.reshape(-(-height // 2), 2, -(-width // 2), 2, channels).max((1, 3))

    def resize(self, x: np.ndarray, height: int, width: int) -> np.ndarray:
        for axis, after in ((0, height), (1, width)):
            before = x.shape[axis]
            place = np.arange(after) * before / after
            low = np.floor(place).astype(int)
            share = (place - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
            high = np.minimum(low + 1, before - 1)
            x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
        return x


def decompose(weights: Weights, linear: np.ndarray, ops: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take linear light (H, W, 3) in [0, 1] to albedo, shadow and normals, channels last."""

    def layer(x: np.ndarray, name: str) -> np.ndarray:
        x = ops.conv(x, weights[f"inverserendernet/{name}/weights"])
        groups = x.reshape(*x.shape[:2], 32, -1)
        mean, variance = groups.mean((0, 1, 3), keepdims=True), groups.var((0, 1, 3), keepdims=True)
        x = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape)
        scale, bias = (weights[f"inverserendernet/{name}/group_norm/{part}"] for part in ("scale", "bias"))
        return np.maximum(x * scale + bias, 0)

    x, skips = linear * 2 - 1, []
    for number in range(1, 16):
        if number in (4, 7, 10, 13):
            skips.append(x)
        x = layer(x, f"conv{number}")
        if number in (4, 7, 10, 13):
            x = ops.pool(x)
    outcomes = []
    for decoder in LAST:
        y = x
        for number in range(1, 15):
            if number in (3, 6, 9, 12):
                skip = skips[-number // 3]
                y = ops.resize(y, *skip.shape[:2])
                y = np.concatenate((layer(y, f"{decoder}{number}"), skip), -1)
            else:
                y = layer(y, f"{decoder}{number}")
        y = ops.conv(y, weights[f"inverserendernet/{decoder}15/weights"])
        outcomes.append(y + weights.get(f"inverserendernet/{decoder}15/biases", 0))
    albedo, slopes, shadow = outcomes
    normals = np.concatenate((slopes, np.ones_like(shadow)), -1)
    normals /= np.sqrt((slopes**2).sum(-1, keepdims=True) + 1)
    return _share(albedo), _share(shadow), normals


def light(linear: np.ndarray, albedo: np.ndarray, shadow: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Solve for the 27 numbers of the light, (9, 3)."""
    columns = []
    for colour in range(3):
        rows = terms(normals) * (albedo[..., colour] * shadow[..., 0]).reshape(-1, 1)
        columns.append(np.linalg.pinv(rows, 1e-6) @ linear[..., colour].reshape(-1))
    return np.stack(columns, -1)


def terms(normals: np.ndarray) -> np.ndarray:
    x, y, z = normals.reshape(-1, 3).T.astype(np.float64)
    c1, c2, c3, c4, c5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
    return np.stack(
        [
            np.full_like(x, c4),
            2 * c2 * y,
            2 * c2 * z,
            2 * c2 * x,
            2 * c1 * x * y,
            2 * c1 * y * z,
            c3 * z**2 - c5,
            2 * c1 * z * x,
            c1 * (x**2 - y**2),
        ],
        -1,
    )


def write_bundle(prefix: Path, tensors: Weights, dtype: int = 1) -> Path:
    """Write a checkpoint as TensorFlow's `SaveV2` lays it out, checksums left 0."""
    entries, data = {b"": _key(1) + b"\1"}, bytearray()
    for name, values in sorted(tensors.items()):
        dims = b"".join(_message(2, _key(1) + _varint(side)) for side in values.shape)
        entry = _key(1) + _varint(dtype) + _message(2, dims)
        entry += _key(4) + _varint(len(data)) + _key(5) + _varint(values.nbytes) + _key(6, 5) + bytes(4)
        entries[name.encode()] = entry
        data += values.astype("<f4").tobytes()
    table = _block(entries)
    empty, place = _block({}), len(table)
    index = _block({b"z": _varint(0) + _varint(len(table) - 5)})
    handles = _varint(place) + _varint(len(empty) - 5)
    handles += _varint(place + len(empty)) + _varint(len(index) - 5)
    footer = handles.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    prefix.parent.mkdir(parents=True, exist_ok=True)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table + empty + index + footer)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)
    return prefix


def _share(x: np.ndarray) -> np.ndarray:
    return np.clip(np.tanh(x), -0.9999, 0.9999) / 2 + 0.5


def _block(entries: dict[bytes, bytes]) -> bytes:
    text, before = b"", b""
    for key, value in entries.items():
        shared = next((i for i, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), 0)
        rest = key[shared:]
        text += _varint(shared) + _varint(len(rest)) + _varint(len(value)) + rest + value
        before = key
    return text + struct.pack("<II", 0, 1) + bytes(5)


def _key(field: int, kind: int = 0) -> bytes:
    return bytes([field << 3 | kind])


def _message(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    text = b""
    while value > 127:
        text, value = text + bytes([value & 127 | 128]), value >> 7
    return text + bytes([value])
