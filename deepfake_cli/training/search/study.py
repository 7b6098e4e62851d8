"""The study behind a search: what is tried, by which process, and what came of it.

<folder>/study.db         the study, as Optuna keeps it
<folder>/study.lock       held by processes for the trials that they work on
<folder>/trials/0007/     all that is kept of a trial
<folder>/trials.csv       all trials
<folder>/report.html      all trials, to look at
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from deepfake_cli.errors import DataError, OutputError, UsageError
from deepfake_cli.io.files import make_folder, sha256
from deepfake_cli.io.locks import Locks
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

from ..classifier import learned_from
from ..faces_once import faces_to_choose_by
from ..progress import OF_MACHINE, recipe_values
from ..tables import Source
from .space import Space

_NAME = "classifier"
_PATIENCE = 15  # seconds that a process waits for another to finish writing
_PLAN, _TRIALS = "plan", "trials"


@dataclass(frozen=True)
class Plan:
    """What a search does.

    Attributes:
        sources: Tables to learn from.
        hashes: Of the tables, so that a change is noticed.
        base: Values of the profile by dotted key, for what is not drawn.
        space: What is drawn.
    """

    sources: tuple[Source, ...]
    hashes: tuple[str, ...]
    base: Mapping[str, Any]
    space: Space


def make_plan(sources: list[Source], recipe: Profile, space: Space) -> Plan:
    """Check that all trials can learn from the tables and be judged by them.

    Args:
        sources: Tables to learn from.
        recipe: What the keys are that are not drawn.
        space: As ``check_space`` returns it.

    Raises:
        DataError: A table cannot be used.
        UsageError: One of the mixtures of tables is empty.
    """
    mix = space.entries.get("classifier.mix", {"choices": [recipe.classifier.mix]})
    for choice in mix["choices"]:
        learned_from(sources, recipe.classifier.model_copy(update={"mix": choice}))
    faces_to_choose_by(sources, recipe)
    absolute = tuple(Source(source.table.absolute(), source.share) for source in sources)
    return Plan(absolute, tuple(sha256(source.table) for source in absolute), recipe_values(recipe), space)


class Search:
    """A study in a folder, open for this process.

    Args:
        folder: Of the search.
        study: In it.
        plan: What it does.
        trials: How many it is to have.
        locks: Number 0 is held to change the study, number n + 1 to work on trial n.
    """

    def __init__(self, folder: Path, study: optuna.Study, plan: Plan, trials: int, locks: Locks) -> None:
        self.folder, self.study, self.plan, self.trials = folder, study, plan, trials
        self._locks = locks

    def folder_of(self, number: int) -> Path:
        """Name the folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"

    def begin(self) -> Trial | None:
        """Take a trial that another process left unfinished, else a new one; None if there are enough.

        Raises:
            OutputError: The study cannot be written.
        """
        with told(self.folder), self._locks.held(0):
            for left in self._unfinished():
                if not self._locks.try_hold(left.number + 1):
                    continue
                # Whoever held it is no more, or has ended the trial since it was listed.
                if any(one.number == left.number for one in self._unfinished()):
                    return Trial(self.study, left._trial_id)
                self.leave(left)
            number = len(self.study.get_trials(deepcopy=False))
            if number >= self.trials:
                return None
            # Seeded by the trial: the same draws, whichever process makes them.
            self.study.sampler = _sampler(self.plan, number)
            trial = self.study.ask()
            self._locks.try_hold(trial.number + 1)
            return trial

    def end(self, trial: Trial, state: TrialState, value: float | None = None) -> None:
        """Note how a trial ended.

        Raises:
            OutputError: The study cannot be written.
        """
        with told(self.folder):
            self.study.tell(trial, value, state)
        self.leave(trial)

    def _unfinished(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def leave(self, trial: Trial | FrozenTrial) -> None:
        """Let another process go on with a trial."""
        self._locks.release(trial.number + 1)


def open_search(folder: Path, plan: Plan | None = None, trials: int | None = None) -> Search:
    """Start a study, or go on with the one in a folder.

    Args:
        folder: Made if missing.
        plan: What is to be done; None for what the study in the folder does.
        trials: How many trials the study is to have; None for what the space or the study says.

    Raises:
        DataError: The study does something else, or there is none.
        OutputError: The study cannot be read or written.
        UsageError: Nothing says how many trials there are.
    """
    # Optuna's remarks on what is new in it, and on every trial, are in the user's way.
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    exists = (folder / "study.db").exists()
    if plan is None and not exists:
        raise DataError(f"{folder} holds no study", "start one: name tables of faces, and --space")
    if plan is not None and not exists and (trials or plan.space.trials) is None:
        raise UsageError("the space does not say how many trials there are", "say it with --trials")
    make_folder(folder / "trials")
    locks = Locks(folder / "study.lock")
    with told(folder), locks.held(0):
        study = _open_study(folder / "study.db")
        notes = study.user_attrs
        stored = _read_plan(notes[_PLAN]) if _PLAN in notes else None
        if plan is None and stored is None:
            raise DataError(f"{folder} holds a study of something else", "name another --output")
        if plan and stored:
            _compare(stored, plan)
        wanted = trials or (plan and plan.space.trials) or notes[_TRIALS]
        plan = plan or stored
        assert plan is not None
        for name, value in ((_PLAN, _plan_notes(plan)), (_TRIALS, wanted)):
            if notes.get(name) != value:
                study.set_user_attr(name, value)
        if plan.space.pruner == "median":
            study.pruner = optuna.pruners.MedianPruner()
    return Search(folder, study, plan, wanted, locks)


def _open_study(file: Path) -> optuna.Study:
    url = f"sqlite:///{file.absolute()}"
    return optuna.create_study(
        storage=optuna.storages.RDBStorage(url, {"connect_args": {"timeout": _PATIENCE}}),
        study_name=_NAME,
        direction="maximize",
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Say in a line why the database of a study cannot be used.

    Raises:
        DataError: It is no database.
        OutputError: It is locked, the disk is full, or it cannot be written.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
        words = str(getattr(cause, "orig", None) or cause or error).splitlines()[0].strip().lower()
        file = folder / "study.db"
        if "not a database" in words or "malformed" in words:
            raise DataError(f"{file} is not a study: {words}", "name another --output") from error
        hints = {
            "locked": "another program holds it; end that, and start again: nothing is lost",
            "full": "free some space, and start again: nothing is lost",
        }
        hint = next(
            (hint for word, hint in hints.items() if word in words), "choose a folder you may write to"
        )
        raise OutputError(f"cannot use the study {file}: {words}", hint) from error


def recipe_of(plan: Plan, drawn: Mapping[str, Any]) -> Profile:
    """Make the recipe of a trial.

    Raises:
        ProfileError: What was drawn does not go together.
    """
    return load_profile(options={**plan.base, **drawn})


def _sampler(plan: Plan, number: int) -> optuna.samplers.BaseSampler:
    seed = int(np.random.SeedSequence([plan.base["classifier.seed"], number]).generate_state(1)[0])
    if plan.space.sampler == "random":
        return optuna.samplers.RandomSampler(seed)
    return optuna.samplers.TPESampler(seed=seed)


def _plan_notes(plan: Plan) -> dict[str, Any]:
    """Tell a plan as JSON values."""
    tables = [
        {"table": str(source.table), "share": source.share, "sha256": digest}
        for source, digest in zip(plan.sources, plan.hashes, strict=True)
    ]
    return {"tables": tables, "base": dict(plan.base), "space": vars(plan.space)}


def _read_plan(notes: Mapping[str, Any]) -> Plan:
    tables = notes["tables"]
    return Plan(
        tuple(Source(Path(one["table"]), one["share"]) for one in tables),
        tuple(one["sha256"] for one in tables),
        notes["base"],
        Space(**notes["space"]),
    )


def _compare(was: Plan, now: Plan) -> None:
    """Refuse to go on with other trials than those that are there.

    Raises:
        DataError: With every difference.
    """
    changed = list(_table_differences(was, now))
    fixed = [{key: one.base[key] for key in one.base if key not in now.space.entries} for one in (was, now)]
    for what, old, new in (
        ("", fixed[0], fixed[1]),
        ("the space of ", was.space.entries, now.space.entries),
        ("the ", {"sampler": was.space.sampler}, {"sampler": now.space.sampler}),
        ("the ", {"pruner": was.space.pruner}, {"pruner": now.space.pruner}),
    ):
        changed += [
            f"{what}{key} was {_shown(old.get(key))}, is {_shown(new.get(key))}"
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key) and key not in OF_MACHINE
        ]
    if changed:
        raise DataError(
            f"the study in this folder is another: {'; '.join(changed)}",
            "go on with it by naming nothing but --output, or name another --output",
        )


def _table_differences(was: Plan, now: Plan) -> Iterator[str]:
    old, new = ([f"{one.table}={one.share:g}" for one in plan.sources] for plan in (was, now))
    if old != new:
        yield f"the tables were {', '.join(old)}, are {', '.join(new)}"
        return
    for source, before, after in zip(now.sources, was.hashes, now.hashes, strict=True):
        if before != after:
            yield f"{source.table} has changed since"


def _shown(value: Any) -> str:
    return "not searched" if value is None else json.dumps(value)
