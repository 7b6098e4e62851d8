"""`dfdetect classifier search`: find a recipe by trying many."""

import os
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import DataError, UsageError

from .._extras import needs_extra
from .._given import given
from .._options import PresetOpt, ProfileOpt, QuietOpt, SetOpt
from .._training import REAL_ONLY, RealOnlyOpt, inner_of, sources_of, tables_of
from .._ui import Board, Column, Row, board, note, say, table, terminal_width, track, warn

if TYPE_CHECKING:
    from deepfake_cli.training.classifier import TrainingStep
    from deepfake_cli.training.search.results import Result
    from deepfake_cli.training.search.study import Plan, Search

_COLUMNS = (
    *(Column("trial", right=True, width=5), Column("state", width=8), Column("AUC", right=True, width=6)),
    *(Column("epoch", right=True, width=5), Column("seconds", right=True, width=7)),
    Column("settings, or why it failed"),
)
_SHOWN = 10  # of the best trials


def search(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="The search's folder; goes on with it.")
    ],
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TABLE[=SHARE]...",
            help="Tables of faces (`faces.csv`), each with its share of all pairs: the base first, then "
            "those that augment it. None to go on with the search in the folder.",
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            "--space", metavar="NAME", help="What is tried: a TOML file, or dessa, a published one."
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", min=1, metavar="N", help="Trials in all, not those of the space's file."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, metavar="N", help="Trials at a time, each in its own process.")
    ] = 1,
    report: Annotated[
        bool, typer.Option("--report", help="Try nothing; only write the report and show the best.")
    ] = False,
    real_only: RealOnlyOpt = False,
    preset: PresetOpt = None,
    settings: SetOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    worker_of: Annotated[
        int | None, typer.Option("--worker-of", hidden=True, help="Process that this one works for.")
    ] = None,
) -> None:
    """Search the recipe of a classifier: train many, and compare them on the split `choose`.

    A space is a TOML file that says what each key of the profile may be, such as
    `"classifier.batch" = { choices = [32, 64] }` or
    `"classifier.learning_rate" = { low = 1e-5, high = 1e-3, log = true }` in its table `[space]`; beside that
    `preset`, `trials`, `sampler` (random or tpe) and `pruner` (none or median). The same folder goes on where
    it was: trials that were interrupted or whose process was killed are taken up again. All that came of a
    trial is in `trials/0007` and the like, all trials are in `trials.csv` and `report.html`, which works
    offline.
    """
    options = {**given(settings), **(REAL_ONLY if real_only else {})}
    _check_given(tables, space, bool(options or preset or profile))
    with needs_extra("train"):
        from deepfake_cli.training.search.study import open_search
    plan = None
    if tables and space and not report:
        plan = _plan(tables, space, output, options, preset, profile, quiet)
    found = open_search(output, plan, trials)
    if not report:
        with (
            board(_COLUMNS, found.trials, quiet) as shown,
            closing(_results(found, workers, worker_of, shown, quiet)) as results,
        ):
            for result in results:
                shown.advance()
                if not quiet:
                    shown.row(_row(result))
    if worker_of is None:
        _finish(found, quiet)


def _check_given(tables: list[str] | None, space: str | None, settings: bool) -> None:
    """Refuse half of what a search needs; nothing at all goes on with what is there."""
    if not tables and (space or settings):
        raise UsageError("no table is named", "name tables of faces, or nothing but --output to go on")
    if tables and not space:
        raise UsageError("no space is named", "name a TOML file with --space, or the published one: dessa")


def _plan(
    tables: list[str],
    space: str,
    output: Path,
    options: dict[str, object],
    preset: str | None,
    profile: Path | None,
    quiet: bool,
) -> "Plan":
    from deepfake_cli.profile import load_profile
    from deepfake_cli.training.search.space import check_space, read_space
    from deepfake_cli.training.search.study import make_plan

    read = read_space(space)
    recipe = load_profile(profile, options, preset or read.preset)
    checked = check_space(read, recipe, options)
    return make_plan(tables_of(sources_of(tables), recipe, output, track(quiet)), recipe, checked)


def _results(
    found: "Search", workers: int, worker_of: int | None, shown: Board, quiet: bool
) -> "Generator[Result, None, None]":
    from deepfake_cli.training.search.run import run_trials
    from deepfake_cli.training.search.trial import Outside
    from deepfake_cli.training.search.workers import run_workers

    if workers > 1:
        command = [sys.executable, "-m", "deepfake_cli", "classifier", "search", "--quiet"]
        command += ["--output", str(found.folder), "--worker-of", str(os.getpid())]
        return run_workers(found, command, workers, warn)

    def watch(number: int, step: "TrainingStep") -> None:
        if worker_of not in (None, os.getppid()):
            raise KeyboardInterrupt  # whoever started this process is no more
        shown.stage(f"trial {number}  epoch {step.epoch}  loss {step.loss:.3f}")

    tracked = track(quiet)
    return run_trials(found, Outside(lambda recipe: inner_of(recipe, tracked), tracked, watch, warn))


def _finish(found: "Search", quiet: bool) -> None:
    """Write what tells of all trials, show the best, and name the model of the very best."""
    from deepfake_cli.training.search.report import write_search_report
    from deepfake_cli.training.search.results import best_first, best_of, table_names, write_trials
    from deepfake_cli.training.search.run import all_results

    results = all_results(found)
    write_trials(found.folder, results)
    page = write_search_report(found, results)
    best, names = best_of(results), table_names(results)
    if not quiet:
        note(f"all trials: {page}")
        columns = [Column("trial", right=True), Column("state", width=8), Column("AUC", right=True, width=6)]
        columns += [*(Column(f"AUC {name}", right=True) for name in names), Column("settings")]
        say()
        table(
            columns,
            (
                [
                    str(one.number),
                    one.state,
                    *(f"{auc:.4f}" for auc in (one.auc, *map(one.by_table.get, names))),
                ]
                + [_cut(_settings(one), 36 + sum(len(name) + 8 for name in names))]
                for one in best_first(results)[:_SHOWN]
            ),
        )
    if best is None:
        why = next((one.message for one in reversed(results) if one.message), "")
        raise DataError(f"no trial is complete{f': {why}' if why else ''}", f"see {page}")
    say(str(found.folder_of(best.number) / "model"))


def _row(one: "Result") -> Row:
    return [
        str(one.number),
        one.state,
        "" if one.auc is None else f"{one.auc:.4f}",
        f"{one.epoch}/{one.epochs}",
        f"{one.seconds:.0f}",
        _cut(one.message or _settings(one), 41),
    ]


def _settings(one: "Result") -> str:
    from deepfake_cli.training.search.results import short, shown

    return ", ".join(f"{short(key)} {shown(value)}" for key, value in one.settings.items())


def _cut(text: str, used: int) -> str:
    """Cut what is too long for the rest of a line on a terminal, or other columns would make room for it."""
    room = terminal_width() - used
    return text if terminal_width() == 0 or len(text) <= room else f"{text[: max(room - 1, 10)]}…"
