"""Batches of pairs, loaded by processes of their own, and shared by several that train."""

from collections.abc import Iterator
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from deepfake_cli.errors import DataError, UsageError

from .processes import count

Batch = tuple[Tensor, Tensor]


class Batches:
    """This process's part of every batch: together, processes see what one would see alone.

    Args:
        pairs: Items of two tensors (2, ...), of a pair of faces and of what is known of them.
        batch: Faces in a batch over all processes; what does not fill one at the end is left out.
        workers: Processes that load.
        fabric: Where it is trained.
    """

    def __init__(self, pairs: Dataset[Batch], batch: int, workers: int, fabric: Fabric) -> None:
        whole = batch // 2
        part, begin = whole // fabric.world_size, whole // fabric.world_size * fabric.global_rank
        starts = range(begin, len(pairs) - whole + 1 + begin, whole)  # type: ignore[arg-type]
        self._loader = DataLoader(
            pairs,
            batch_sampler=[list(range(start, start + part)) for start in starts],
            num_workers=workers,
            collate_fn=_join,
            generator=torch.Generator(),  # one of its own: loading must not move the global one
        )

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        """Yield joined pairs, each tensor (2 N, ...).

        Raises:
            DataError: A process that loads was killed.
        """
        try:
            yield from self._loader
        except (RuntimeError, EOFError, ConnectionError) as error:  # the latter two: in the middle of a batch
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            raise DataError(
                "a process that loads faces was killed; the epochs before are kept",
                "go on with --resume; if memory ran out, load by fewer processes: workers in the profile",
            ) from error


def check_batch(batch: int, key: str) -> None:
    """Refuse a batch that cannot be shared out evenly in pairs.

    Raises:
        UsageError: It cannot; ``key`` names it in the profile.
    """
    if batch // 2 % count():
        raise UsageError(
            f"a batch of {batch // 2} pairs cannot be shared by {count()} processes",
            f"set {key} to a multiple of {2 * count()}",
        )


def _join(items: list[Any]) -> Batch:
    first, second = zip(*items, strict=True)
    return torch.cat(first), torch.cat(second)
