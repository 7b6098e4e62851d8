"""`dfdetect data landmarks`: find the faces of a data set."""

from typing import Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import say, track
from ._common import DatasetArg, JobsOpt, WorkspaceOpt, open_dataset, tell


def landmarks(
    dataset: DatasetArg,
    every: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Every N-th frame of a video. Profile: landmarks.every."),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Exactly N frames, evenly spaced. Profile: landmarks.frames."),
    ] = None,
    fakes: Annotated[
        bool | None,
        typer.Option(
            "--fakes/--no-fakes",
            help="Also in fakes that name their original, whose boxes they are cut by. "
            "Profile: landmarks.fakes.",
        ),
    ] = None,
    crops: Annotated[
        bool,
        typer.Option("--crops", help="Cut the faces as well, which spares data crop to decode them again."),
    ] = False,
    jobs: JobsOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Find the faces in frames of every video.

    With the detector of scan and its settings. A picture is one frame. What is done with the same settings
    is not done again; a video without a face is counted, not bad.
    """
    import json

    from deepfake_cli.pipeline.landmarks import find_landmarks, frame_options

    options = frame_options(every, frames)
    folder, settings = open_dataset(
        dataset, profile, workspace, options | {"landmarks.fakes": fakes, "data.jobs": jobs}
    )
    report = find_landmarks(folder, settings, crops=crops, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)
