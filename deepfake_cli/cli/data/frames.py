"""`dfdetect data frames`: take frames out of a data set."""

from typing import Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import note, say, track, warn
from ._common import DatasetArg, JobsOpt, WorkspaceOpt, open_dataset, tell


def frames(
    dataset: DatasetArg,
    frames: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Exactly N of a video, evenly spaced. Profile: frames.count."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=0, metavar="PX", help="Longer side of a picture; 0 keeps it. Profile: frames.size."),
    ] = None,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Also draw a contact sheet of the frames of a few videos.")
    ] = False,
    jobs: JobsOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Take a few frames of every video, as PNG.

    No frame comes twice: a shorter video gives all it has, and is counted as short. A picture is one frame.
    An augmented video is read in place of the raw one. What is done with the same settings is not done again.
    """
    import json

    from deepfake_cli.pipeline.frames import take_frames
    from deepfake_cli.pipeline.frames_sheet import draw_frames

    options: dict[str, object] = {"frames.count": frames, "frames.size": size, "data.jobs": jobs}
    folder, settings = open_dataset(dataset, profile, workspace, options)
    report = take_frames(folder, settings, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)
    if sheet:
        drawn = draw_frames(folder, settings)
        if drawn is None:
            warn("no frames to draw a contact sheet of")
        elif not quiet:
            note(f"contact sheet: {drawn}")
