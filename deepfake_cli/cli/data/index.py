"""`dfdetect data index`: what each file of a data set is."""

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import UsageError

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import Column, Row, note, say, table, track, warn
from ._common import DatasetArg, JobsOpt, SeedOpt, WorkspaceOpt, open_dataset

if TYPE_CHECKING:
    from deepfake_cli.pipeline.index import IndexReport


class Follow(StrEnum):
    """What goes with a file of an official test list."""

    NOTHING = "nothing"
    ORIGINAL = "original"
    IDENTITY = "identity"


_SPLITS = ("train", "choose", "report")
_SHOWN = 10  # bad files named on the terminal; all are in the report


def index(
    dataset: DatasetArg,
    check: Annotated[
        bool, typer.Option("--check", help="Decode a little of every file, and leave out what fails.")
    ] = False,
    shares: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="Shares of train, choose and report, such as 8,1,1. Profile: index.train, choose, report.",
        ),
    ] = None,
    follow: Annotated[
        Follow | None,
        typer.Option(help="What goes with a file of an official test list. Profile: index.follow."),
    ] = None,
    jobs: JobsOpt = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """List files with label, original, method and split.

    Labels and pairs come from the data set's own conventions. Splits keep a fake with its original and, where
    known, a person whole; official test lists are kept.
    """
    import json

    from deepfake_cli.pipeline.index import index_dataset

    options: dict[str, object] = {"data.jobs": jobs, "data.seed": seed, "index.follow": follow}
    folder, settings = open_dataset(dataset, profile, workspace, options | _shares(shares))
    report = index_dataset(folder, settings, check=check, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
        return
    table([Column(title, right=title in (*_SPLITS, "files")) for title in _TITLES], _rows(report))
    _tell_problems(report, quiet)
    if not quiet:
        note(f"{sum(report.table.values())} files are in {folder.index}")


_TITLES = ("label", "method", "compression", *_SPLITS, "files")


def _rows(report: "IndexReport") -> list[Row]:
    counts: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for (label, method, compression, split), count in report.table.items():
        counts[label, method, compression][split] = count
    keys = sorted(counts, key=lambda key: (key[0] != "real", key))
    return [
        (
            *(text or "-" for text in key),
            *(str(counts[key].get(split, 0)) for split in _SPLITS),
            str(sum(counts[key].values())),
        )
        for key in keys
    ]


def _tell_problems(report: "IndexReport", quiet: bool) -> None:
    for oddity in report.oddities:
        named = f", such as {', '.join(oddity.examples[:2])}" if oddity.examples else ""
        warn(f"{oddity.count} {oddity.what}{named}" if oddity.count else f"no {oddity.what}")
    for bad in report.bad[:_SHOWN]:
        warn(f"{bad.path}: {bad.reason}")
    if report.bad and not quiet:
        note(f"{len(report.bad)} of {report.videos} files are left out; all are in reports/index.json")


def _shares(text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(_SPLITS):
        raise UsageError(f"--shares takes three numbers, not {text!r}", "such as: --shares 8,1,1")
    return {f"index.{split}": number for split, number in zip(_SPLITS, numbers, strict=True)}
