"""`dfdetect data run`: all stages in order."""

import json
from typing import Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import note, say, track
from ._common import DatasetArg, JobsOpt, SeedOpt, WorkspaceOpt, open_dataset, tell


def run(
    dataset: DatasetArg,
    check: Annotated[
        bool, typer.Option("--check", help="Decode a little of every file, and leave out what fails.")
    ] = False,
    forge: Annotated[bool, typer.Option("--forge", help="Also make fakes out of the real faces.")] = False,
    jobs: JobsOpt = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Run all stages in order, up to the table of faces.

    A data set that anybody may download is fetched first. Videos are augmented where there is a plan. What is
    finished is not done again: run it once more to go on after an interruption, or when files were added.
    """
    from deepfake_cli.pipeline.run import run_stages

    folder, settings = open_dataset(dataset, profile, workspace, {"data.jobs": jobs, "data.seed": seed})
    reports = []
    for report in run_stages(folder, settings, check=check, forge=forge, track=track(quiet)):
        reports.append(report.to_json())
        if not as_json:
            tell(report, folder, quiet)
    if as_json:
        say(json.dumps(reports, indent=2))
    if not quiet:
        note(f"look at it: dfdetect data inspect {dataset}")
        note(f"train with: dfdetect classifier train {folder.faces}")
