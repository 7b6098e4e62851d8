"""One trial of a search: a training run whose folder tells all that came of it.

<trial>/recipe.toml       the recipe, for ``classifier train --profile``
<trial>/metrics.json      what came of it
<trial>/samples.csv       faces that it is surest of, rightly and wrongly
<trial>/samples.png       the same, to look at

and what ``run_training`` writes. Once the model is written, the state and the weights of the run are removed;
those of a pruned trial stay.
"""

import json
import shlex
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import Trial, TrialState

from deepfake_cli.errors import DataError, DfdetectError, OutputError
from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ClassifierSettings, Profile

from ..classifier import Epoch, TrainingStep
from ..inner import Inner
from ..progress import recipe_values
from ..run import run_training
from .results import COMPLETE, FAILED, NOTES, PRUNED
from .samples import write_samples
from .space import suggest
from .study import Plan, Search, recipe_of, told

_SITTINGS = "sittings"  # attribute of a trial: how often it was begun since an epoch ended
_MOST_SITTINGS = 3
_STATES = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}


@dataclass(frozen=True)
class Outside:
    """What trials take from whoever runs them.

    Attributes:
        inner: Finds the generator or the renderer that the network of a recipe holds, if any.
        track: Shows the progress of what comes before the first epoch.
        watch: Told every step, with the number of the trial.
        warn: Told what the user should know.
    """

    inner: Callable[[ClassifierSettings], Inner | None]
    track: Track = untracked
    watch: Callable[[int, TrainingStep], None] = lambda number, step: None
    warn: Callable[[str], None] = lambda text: None


def run_trial(search: Search, trial: Trial, outside: Outside) -> None:
    """Draw a recipe and train by it, or go on with what was drawn and trained before.

    A recipe that cannot be trained by makes a failed trial. What interrupts leaves the trial to whoever
    comes next.

    Args:
        search: That the trial is of.
        trial: As ``Search.begin`` returns it.
        outside: What it takes from elsewhere.

    Raises:
        OutputError: Something cannot be written, which is no fault of the recipe.
    """
    folder, attempt = search.folder_of(trial.number), _Attempt(search, trial)
    try:
        attempt.begin()
        recipe = recipe_of(search.plan, attempt.settings)
        _write_recipe(folder, recipe, search)
        state = _train(search, attempt, recipe, outside)
        if state == COMPLETE:
            write_samples(folder, list(search.plan.sources), recipe)
    except OutputError:
        search.leave(trial)
        raise
    except DfdetectError as error:
        attempt.end(FAILED, message=error.message)
    except Exception as error:
        attempt.end(FAILED, message=f"a bug: {type(error).__name__}: {error}")
        raise
    except BaseException:  # Ctrl-C says nothing against the trial
        with suppress(Exception):
            trial.set_user_attr(_SITTINGS, 0)
        search.leave(trial)
        raise
    else:
        attempt.end(state)
        for name in ("last", "best") if state == COMPLETE else ():
            (folder / f"{name}.safetensors").unlink(missing_ok=True)


class _Attempt:
    """What is known of a trial while it goes on; kept in the study, where it outlives the process."""

    def __init__(self, search: Search, trial: Trial) -> None:
        self._search, self._trial, self.number = search, trial, trial.number
        self.settings: dict[str, Any] = {}
        self._notes: dict[str, Any] = dict(trial.user_attrs.get(NOTES, {}))
        self.has_epochs = "epochs" in self._notes
        self._before, self._started = self._notes.get("seconds", 0.0), time.monotonic()

    def begin(self) -> None:
        """Draw what is not yet drawn, and make the folder.

        Raises:
            DataError: The trial was begun too often.
            OutputError: The folder cannot be made.
        """
        folder = self._search.folder_of(self.number)
        make_folder(folder)
        with told(self._search.folder):
            self.settings = suggest(self._trial, self._search.plan.space.entries)
            self._note(settings=self.settings)
            sittings = self._trial.user_attrs.get(_SITTINGS, 0)
            self._trial.set_user_attr(_SITTINGS, sittings + 1)
        if sittings >= _MOST_SITTINGS:
            raise DataError(f"its process was killed {sittings} times in the same epoch")

    def learned(self, epoch: Epoch) -> bool:
        """Note an epoch; tells whether the trial is to end with it, for it is worse than others."""
        if self._notes.get("auc") is None or epoch.choose_auc > self._notes["auc"]:
            best = {"auc": epoch.choose_auc, "by_table": epoch.choose, "epoch": epoch.number}
            self._notes |= {**best, "loss": epoch.loss, "choose_loss": epoch.choose_loss}
        with told(self._search.folder):
            self._note(epochs=epoch.number)
            self._trial.set_user_attr(_SITTINGS, 0)
            self._trial.report(epoch.choose_auc, epoch.number)
            return not epoch.last and self._trial.should_prune()

    def end(self, state: str, message: str = "") -> None:
        """Note how the trial ended, in its folder and in the study."""
        with told(self._search.folder):
            self._note(message=message)
        with write_atomically(self._search.folder_of(self.number) / "metrics.json") as file:
            json.dump({"trial": self.number, "state": state, **self._notes}, file, indent=2)
        self._search.end(self._trial, _STATES[state], self._notes["auc"] if state == COMPLETE else None)

    def _note(self, **news: Any) -> None:
        seconds = self._before + time.monotonic() - self._started
        self._notes |= {**news, "seconds": round(seconds, 1)}
        self._trial.set_user_attr(NOTES, self._notes)


def _train(search: Search, attempt: _Attempt, recipe: Profile, outside: Outside) -> str:
    """Train to the last epoch, or to where the trial is pruned; returns the state."""
    number = attempt.number
    folder = search.folder_of(number)
    if not attempt.has_epochs:  # what was saved before the first was noted is not gone on with
        (folder / "last.safetensors").unlink(missing_ok=True)
    epochs = run_training(
        list(search.plan.sources),
        recipe,
        folder,
        inner=outside.inner(recipe.classifier),
        resume=(folder / "last.safetensors").exists(),
        track=outside.track,
        watch=lambda step: outside.watch(number, step),
        warn=outside.warn,
    )
    with closing(epochs):  # type: ignore[type-var]
        for epoch in epochs:
            if attempt.learned(epoch):
                return PRUNED
    return COMPLETE


def _write_recipe(folder: Path, recipe: Profile, search: Search) -> None:
    with write_atomically(folder / "recipe.toml") as file:
        file.write("# The recipe of this trial. It is trained again by:\n")
        file.write(f"# {train_command(search.plan, folder)}\n")
        section = ""
        for key, value in recipe_values(recipe).items():
            name, _, entry = key.partition(".")
            if name != section:
                file.write(f"\n[{name}]\n")
                section = name
            file.write(f"{entry} = {json.dumps(value, ensure_ascii=False)}\n")  # TOML and JSON agree on these


def train_command(plan: Plan, folder: Path) -> str:
    """Tell how a trial is trained again, in a line."""
    tables = [f"{source.table}={source.share:g}" for source in plan.sources]
    words = ["dfdetect", "classifier", "train", *tables, "--profile", str(folder / "recipe.toml")]
    return " ".join(shlex.join([*words, "--output", "FOLDER"]).splitlines())
