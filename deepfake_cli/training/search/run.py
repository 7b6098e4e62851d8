"""Search a recipe: trial after trial on one study, which other processes may work on too."""

from collections.abc import Generator

from deepfake_cli.errors import UsageError

from ..processes import count
from .results import Result, read_results
from .study import Search, told
from .trial import Outside, run_trial


def run_trials(search: Search, outside: Outside) -> Generator[Result, None, None]:
    """Run trials until the study has all that it is to have, and yield what came of each.

    Args:
        search: The study.
        outside: What trials take from elsewhere.

    Raises:
        OutputError: The study or a trial cannot be written.
        UsageError: ``torchrun`` has started several processes.
    """
    if count() > 1:
        raise UsageError(
            "a search cannot be shared by torchrun", "run several trials at a time with --workers"
        )
    while (trial := search.begin()) is not None:
        run_trial(search, trial, outside)
        yield all_results(search)[trial.number]


def all_results(search: Search) -> list[Result]:
    """Read what came of all trials so far, in order.

    Raises:
        OutputError: The study cannot be read.
    """
    with told(search.folder):
        return read_results(search.study)
