"""`dfdetect data crop`: cut faces out of a data set."""

from enum import StrEnum
from typing import Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import say, track
from ._common import DatasetArg, JobsOpt, WorkspaceOpt, open_dataset, tell


class PictureFormat(StrEnum):
    """How pictures are stored."""

    PNG = "png"
    JPEG = "jpeg"


class Which(StrEnum):
    """Which faces of a frame are cut."""

    ALL = "all"
    LARGEST = "largest"


def crop(
    dataset: DatasetArg,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0, max=2, metavar="X", help="Added on each side, as a share of the box. Profile: crop.margin."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=0, metavar="PX", help="Longer side of a picture; 0 keeps it. Profile: crop.size."),
    ] = None,
    format: Annotated[
        PictureFormat | None, typer.Option(help="Of the pictures. Profile: crop.format.")
    ] = None,
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, metavar="Q", help="Of JPEG. Profile: crop.quality.")
    ] = None,
    align: Annotated[
        bool | None,
        typer.Option("--align/--no-align", help="Turn faces to a standard pose. Profile: crop.align."),
    ] = None,
    faces: Annotated[Which | None, typer.Option(help="Which of a frame. Profile: crop.faces.")] = None,
    jobs: JobsOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Cut one picture per face that was found.

    A fake that names its original is cut by the boxes of the original, so that pictures of the same name in
    both folders show the same place at the same moment. What is done with the same settings is not done
    again.
    """
    import json

    from deepfake_cli.pipeline.crop import crop_faces

    options: dict[str, object] = {"crop.margin": margin, "crop.size": size, "crop.format": format}
    options |= {"crop.quality": quality, "crop.align": align, "crop.faces": faces, "data.jobs": jobs}
    folder, settings = open_dataset(dataset, profile, workspace, options)
    report = crop_faces(folder, settings, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)
