"""Run classifiers over many faces: a batch at a time, each picture read once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.inference.classifier import BATCH

from ..tables import FaceRow, read_picture


class Batch(NamedTuple):
    """Some faces of a table, and the pictures around them."""

    first: int
    rows: Sequence[FaceRow]
    pictures: list[NDArray[np.uint8]]


def batches(rows: Sequence[FaceRow]) -> Iterator[Batch]:
    """Yield faces with their pictures, as many as the network takes at once.

    Raises:
        DataError: A picture cannot be read.
    """
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        yield Batch(first, some, [read_picture(row.path) for row in some])


def count_batches(rows: Sequence[FaceRow]) -> int:
    """Tell how many batches there are."""
    return -(-len(rows) // BATCH)
