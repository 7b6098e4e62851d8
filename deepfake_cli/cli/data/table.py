"""`dfdetect data table`: the table that trainers read."""

from enum import StrEnum
from typing import Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import note, say, track
from ._common import DatasetArg, SeedOpt, WorkspaceOpt, open_dataset, tell


class Weigh(StrEnum):
    """What all weighs the same."""

    VIDEO = "video"
    FACE = "face"


def table(
    dataset: DatasetArg,
    share: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="X", help="Share of the originals, with their fakes. Profile: table.share."
        ),
    ] = None,
    faces: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Most faces of a video; 0 takes all. Profile: table.faces."),
    ] = None,
    weigh: Annotated[
        Weigh | None, typer.Option(help="What all weighs the same. Profile: table.weigh.")
    ] = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Write the table of faces that trainers read.

    One row a face: picture, label, video, original, method, split, the real picture it is aligned with, its
    dissimilarity map and what it weighs. Maps and forged faces are in it where they have been made.
    """
    import json

    from deepfake_cli.pipeline.table import make_table

    options: dict[str, object] = {
        "table.share": share,
        "table.faces": faces,
        "table.weigh": weigh,
        "data.seed": seed,
    }
    folder, settings = open_dataset(dataset, profile, workspace, options)
    report = make_table(folder, settings, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
        return
    tell(report, folder, quiet)
    if not quiet:
        note(f"train with: dfdetect classifier train {folder.faces}")
