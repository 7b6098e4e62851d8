"""Write results to where the user wants them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deepfake_cli.io.reports import open_report

from .result import ScanResult


@contextmanager
def open_results(
    kind: str, output: Path | None = None, *, append: bool = False
) -> Iterator[Callable[[ScanResult], None]]:
    """Open a report of results; see ``open_report``.

    Args:
        kind: ``json``, ``jsonl`` or ``csv``.
        output: Where it goes; None is stdout.
        append: Whether JSON lines are added to what is there.

    Yields:
        What is called with each result.

    Raises:
        OutputError: The report cannot be written.
    """
    with open_report(kind, output, append=append) as write:
        yield lambda result: write(result.to_json())
