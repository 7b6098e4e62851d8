"""What to say where an optional dependency is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from deepfake_cli.errors import MissingExtra


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Say which one line installs what the imports in the block need.

    Args:
        extra: Name of the extra in ``pyproject.toml``, such as ``train``.

    Raises:
        MissingExtra: A package that is not ours cannot be found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("deepfake_cli"):
            raise
        raise MissingExtra(extra) from error
