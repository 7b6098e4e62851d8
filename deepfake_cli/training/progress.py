"""How far a run of a classifier is, and by which recipe: what its checkpoint keeps beside tensors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DataError
from deepfake_cli.profile import values_of
from deepfake_cli.settings import Profile

SECTIONS = ("classifier", "fakes", "forge")  # of the profile: what the course of a run depends on
# What the machine is used for may change from one sitting to the next, and so may the length of a run: with
# more epochs the schedule is that of the longer one.
OF_MACHINE = tuple(f"classifier.{key}" for key in ("precision", "accelerator", "pack", "workers"))
_FREE = (*OF_MACHINE, "classifier.epochs", "classifier.patience")


@dataclass
class Progress:
    """The progress of a run, as JSON values.

    Attributes:
        recipe: All that the course of the run depends on, by dotted key.
        began: What the encoder started from, in words.
        plateau: State of `schedules.Plateau`.
        epoch: Epochs done.
        best: Highest AUC so far.
        worse: Epochs since.
    """

    recipe: dict[str, Any]
    began: str
    plateau: dict[str, float]
    epoch: int = 0
    best: float = -math.inf
    worse: int = 0

    def note(self, auc: float, plateau: dict[str, float]) -> bool:
        """Take note of an epoch, and tell whether it is the best so far."""
        improved = auc > self.best
        self.epoch, self.plateau = self.epoch + 1, plateau
        self.best, self.worse = max(auc, self.best), 0 if improved else self.worse + 1
        return improved

    def is_over(self, epochs: int, patience: int) -> bool:
        """Tell whether all epochs are done, or too many went by without improvement; 0 waits for ever."""
        return self.epoch >= epochs or bool(patience) and self.worse >= patience


def recipe_of(profile: Profile) -> dict[str, Any]:
    """Tell what must not change from one sitting to the next, as JSON values by dotted key."""
    return {key: value for key, value in recipe_values(profile).items() if key not in _FREE}


def recipe_values(profile: Profile) -> dict[str, Any]:
    """Tell the values of all sections that the course of a run depends on, by dotted key."""
    return {key: value for key, value in values_of(profile).items() if key.partition(".")[0] in SECTIONS}


def resume_progress(numbers: dict[str, Any], recipe: dict[str, Any], checkpoint: Path) -> Progress:
    """Take up the progress of a checkpoint.

    Args:
        numbers: What it keeps.
        recipe: That the run is to go on by.
        checkpoint: Names it in errors.

    Raises:
        DataError: It is of something else, or was made by another recipe.
    """
    try:
        progress = Progress(**numbers)
    except TypeError as error:
        raise DataError(
            f"{checkpoint} is not a checkpoint of a classifier", "name another --output"
        ) from error
    refuse_changed(progress.recipe, recipe)
    return progress


def refuse_changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on by another recipe; both are JSON values by dotted key.

    Raises:
        DataError: A value has changed.
    """
    changed = [f"{key} was {was.get(key)!r}, is {new!r}" for key, new in now.items() if was.get(key) != new]
    if changed:
        raise DataError(
            f"the run was started with other settings: {'; '.join(changed)}",
            "resume with the profile that it was started with, or name another --output",
        )
