"""What came of the trials of a search: read from the study, best first, and as a table."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from deepfake_cli.io.files import write_atomically

NOTES = "result"  # attribute of a trial
COMPLETE, PRUNED, FAILED, RUNNING = "complete", "pruned", "failed", "running"
_STATES = {
    TrialState.COMPLETE: COMPLETE,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
    TrialState.RUNNING: RUNNING,
    TrialState.WAITING: RUNNING,
}


@dataclass(frozen=True)
class Result:
    """What came of a trial.

    Attributes:
        number: Of the trial, counted from 0.
        state: ``complete``, ``pruned`` after some epochs, ``failed``, or ``running``.
        settings: What was drawn, by dotted key.
        auc: Mean over the tables of the AUC over the videos of the split ``choose``, in the best epoch; None
            where no epoch ended.
        by_table: The same by table.
        loss: Mean training loss of that epoch.
        choose_loss: Log loss on the split ``choose`` in that epoch.
        epoch: Which that is, counted from 1.
        epochs: How many ended.
        seconds: Of training.
        message: Why it failed.
    """

    number: int
    state: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    auc: float | None = None
    by_table: Mapping[str, float] = field(default_factory=dict)
    loss: float | None = None
    choose_loss: float | None = None
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state != RUNNING


def read_results(study: optuna.Study) -> list[Result]:
    """Read what came of all trials, in order."""
    return [_result(trial) for trial in study.get_trials(deepcopy=False)]


def best_first(results: Iterable[Result]) -> list[Result]:
    """Order the trials that have an AUC: complete ones first, those with the highest before."""
    judged = [one for one in results if one.auc is not None and one.is_over]
    return sorted(judged, key=lambda one: (one.state != COMPLETE, -(one.auc or 0.0), one.number))


def best_of(results: Iterable[Result]) -> Result | None:
    """Find the complete trial with the highest AUC, the first of several."""
    ordered = best_first(results)
    return ordered[0] if ordered and ordered[0].state == COMPLETE else None


def short(key: str) -> str:
    """Shorten a dotted key: most are of the classifier."""
    return key.removeprefix("classifier.")


def shown(value: Any) -> str:
    """Show a drawn value: numbers in a few digits, lists as what they hold."""
    if isinstance(value, list):
        return "+".join(map(shown, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table_names(results: Iterable[Result]) -> list[str]:
    """Name the tables that trials were judged by, in order; none if there is but one."""
    names = list(dict.fromkeys(name for one in results for name in one.by_table))
    return names if len(names) > 1 else []


def write_trials(folder: Path, results: Sequence[Result]) -> None:
    """Write ``trials.csv``: one row a trial.

    Raises:
        OutputError: It cannot be written.
    """
    keys = list(dict.fromkeys(key for one in results for key in one.settings))
    names = table_names(results)
    with write_atomically(folder / "trials.csv") as file:
        writer = csv.writer(file, lineterminator="\n")
        head = ["trial", "state", "auc", *(f"auc {name}" for name in names)]
        writer.writerow([*head, "loss", "choose_loss", "epoch", "epochs", "seconds", *keys, "message"])
        for one in results:
            aucs = [one.auc, *(one.by_table.get(name) for name in names)]
            writer.writerow(
                [
                    *(
                        one.number,
                        one.state,
                        *map(_digits, aucs),
                        _digits(one.loss),
                        _digits(one.choose_loss),
                    ),
                    *(one.epoch, one.epochs, f"{one.seconds:.1f}"),
                    *(_cell(one.settings.get(key, "")) for key in keys),
                    one.message,
                ]
            )


def _cell(value: Any) -> str:
    """Write a drawn value in full; lists and truth values as TOML has them."""
    return json.dumps(value) if isinstance(value, (list, bool)) else str(value)


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _result(trial: FrozenTrial) -> Result:
    return Result(number=trial.number, state=_STATES[trial.state], **trial.user_attrs.get(NOTES, {}))
