"""What the commands of `dfdetect data` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._ui import note, say, warn

if TYPE_CHECKING:
    from deepfake_cli.pipeline.stages import DatasetFolder, StageReport
    from deepfake_cli.settings import Profile

_SHOWN = 10  # bad files named on the terminal; all are in the report

DatasetArg = Annotated[
    str, typer.Argument(metavar="DATASET", show_default=False, help="Name of the data set in the workspace.")
]
WorkspaceOpt = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", metavar="DIR", help="Folder of everything derived. Profile: workspace.path."
    ),
]
JobsOpt = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, metavar="N", help="Videos worked on at once. Profile: data.jobs."),
]
SeedOpt = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Starts every random draw. Profile: data.seed.")
]


def open_dataset(
    name: str,
    profile: Path | None,
    workspace: Path | None,
    options: dict[str, object] | None = None,
) -> tuple["DatasetFolder", "Profile"]:
    """Read the profile, with options by dotted key laid over it, and name the folder of a data set.

    Raises:
        ProfileError: The profile or an option is at fault.
        UsageError: The name cannot be that of a data set.
    """
    from deepfake_cli.pipeline.stages import dataset_folder
    from deepfake_cli.profile import load_profile

    settings = load_profile(profile, {"workspace.path": workspace, **(options or {})})
    return dataset_folder(settings.workspace.path, name), settings


def tell(report: "StageReport", folder: "DatasetFolder", quiet: bool = False) -> None:
    """Say what a stage has made, and warn of what it could not use."""
    counts = [f"{count} {name}" for name, count in sorted(report.counts.items()) if count]
    used = report.videos - len(report.bad)
    say(f"{report.stage}: {', '.join(counts) or 'nothing'} from {used} file{'' if used == 1 else 's'}")
    if not report.bad:
        return
    for bad in report.bad[:_SHOWN]:
        warn(f"{bad.path}: {bad.reason}")
    if not quiet:
        note(f"{len(report.bad)} of {report.videos} files could not be used: {folder.report(report.stage)}")
