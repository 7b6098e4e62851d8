"""Read TensorFlow's checkpoints without TensorFlow: tensor bundles, which `SaveV2` and TF1's `Saver` write.

A bundle is an index, `NAME.index`, and shards of plain bytes, `NAME.data-00000-of-00001`. The index is a
table of LevelDB ("leveldb/doc/table_format.md"), never compressed, whose values are the protocol buffers of
"tensorflow/core/protobuf/tensor_bundle.proto". Nothing in either can run code. Checksums are not looked at.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import ModelError

_MAGIC = bytes.fromhex("57fb808b247547db")  # the last 8 bytes of a table
_FOOTER = 48
_TRAILER = 5  # after a block: whether it is compressed, and its checksum
_LARGEST = 1 << 20  # bytes of an index; real ones have some ten thousands
_LONGEST = 1 << 10  # bytes of a name; a short index could make long ones of what they share
_FLOAT = 1  # DT_FLOAT
_DAMAGED = "copy or download it again"


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies.

    Attributes:
        dtype: TensorFlow's number of its type.
        shape: Lengths of its sides.
        shard: Number of its file.
        offset: Bytes before it.
        size: Its bytes.
        sliced: Whether it is stored in parts, under names of their own.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    sliced: bool


class TensorBundle:
    """A checkpoint on disk; its index is read at once, tensors when they are asked for.

    Args:
        prefix: Path of the checkpoint without `.index`.

    Raises:
        ModelError: The index cannot be read.
    """

    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        path = prefix.with_name(f"{prefix.name}.index")
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError
            header, self.entries = _read_index(path.read_bytes())
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror}", _DAMAGED) from None
        except (ValueError, IndexError, OverflowError):
            raise ModelError(
                f"{path} cannot be read: it is damaged, cut short or no index of a TensorFlow checkpoint",
                _DAMAGED,
            ) from None
        self._shards = header

    def read(self, name: str) -> NDArray[np.float32]:
        """Read a tensor of 32-bit floats.

        Raises:
            ModelError: It is of another type, or its file is missing or too short.
        """
        entry = self.entries[name]
        length = 4 * math.prod(entry.shape)
        if entry.dtype != _FLOAT or entry.sliced or entry.size != length:
            raise ModelError(
                f"{name} of {self._prefix} is not a whole tensor of 32-bit floats",
                "save it by tf.train.Saver, as float32, without partitions",
            )
        path = self._prefix.with_name(f"{self._prefix.name}.data-{entry.shard:05d}-of-{self._shards:05d}")
        try:
            # Asked before anything is read, as a damaged index may name any place and any length.
            if entry.offset + length > path.stat().st_size:
                raise ModelError(f"{path} is cut short: {name} is not all there", _DAMAGED)
            values = np.fromfile(path, "<f4", length // 4, offset=entry.offset)
            return values.astype(np.float32).reshape(entry.shape)
        except OSError as error:
            raise ModelError(
                f"cannot read {path}: {error.strerror}", "the index and its data files belong together"
            ) from None
        except ValueError:  # more sides than arrays have, or beside one of 0 a longer one than they have
            raise ModelError(f"{name} of {self._prefix} has no shape of an array", _DAMAGED) from None


def _read_index(data: bytes) -> tuple[int, dict[str, Entry]]:
    """Return the number of shards, and the tensors by name."""
    if data[-8:] != _MAGIC or len(data) < _FOOTER:
        raise ValueError
    footer = data[-_FOOTER:]
    position = _varint(footer, _varint(footer, 0)[1])[1]  # after where the block of metadata lies
    values: dict[str, bytes] = {}
    for _, handle in _block(data, footer[position:]):
        for key, value in _block(data, handle):
            if key.decode() in values:  # a block named over and over would be read for hours
                raise ValueError
            values[key.decode()] = value
    header = _fields(values.pop("", b""))
    if _number(header, 2):
        raise ValueError  # big-endian, which no machine of today writes
    return _number(header, 1) or 1, {name: _entry(value) for name, value in values.items()}


def _block(data: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a block, of which each key is told from the one before."""
    offset, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    block = data[offset : offset + size]
    if len(block) != size or data[offset + size : offset + size + _TRAILER][:1] != b"\0":
        raise ValueError  # cut short or compressed
    end = size - 4 * (1 + int.from_bytes(block[-4:], "little"))  # where the list of whole keys begins
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        more, at = _varint(block, at)
        length, at = _varint(block, at)
        if min(shared, len(key)) + more > _LONGEST:
            raise ValueError
        key = key[:shared] + block[at : at + more]
        yield key, block[at + more : at + more + length]
        at += more + length


def _entry(message: bytes) -> Entry:
    fields = _fields(message)
    (shape,) = fields.get(2, [b""])[:1]
    dims = [_fields(_bytes(dim)) for dim in _fields(_bytes(shape)).get(2, [])]
    return Entry(
        dtype=_number(fields, 1),
        shape=tuple(_number(dim, 1) for dim in dims),
        shard=_number(fields, 3),
        offset=_number(fields, 4),
        size=_number(fields, 5),
        sliced=7 in fields,
    )


def _fields(message: bytes) -> dict[int, list[int | bytes]]:
    """Take a protocol buffer apart: values by the number of their field (protobuf.dev, "Encoding")."""
    fields: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: int | bytes
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 2:
                length, at = _varint(message, at)
                value, at = message[at : at + length], at + length
            case 1 | 5 as kind:
                length = 8 if kind == 1 else 4
                value, at = message[at : at + length], at + length
            case _:
                raise ValueError
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(fields: dict[int, list[int | bytes]], field: int) -> int:
    value = fields.get(field, [0])[-1]
    if isinstance(value, bytes):
        raise ValueError
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte, the lowest first; return it and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError
