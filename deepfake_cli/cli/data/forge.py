"""`dfdetect data forge`: fakes without any faker."""

from typing import Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import say, track
from ._common import DatasetArg, JobsOpt, SeedOpt, WorkspaceOpt, open_dataset, tell


def forge(
    dataset: DatasetArg,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="How to forge, repeatable: self-blend, warp-rectangle, warp-hull. Profile: forge.kinds.",
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="X", help="Share of the real faces. Profile: forge.share."),
    ] = None,
    jobs: JobsOpt = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Make fakes out of real faces, with their masks.

    Writes the forged pictures, a mask beside each, and forged/forged.csv, a table to train on. Faces are
    blended with themselves (self-blend), or blurred at another size within the box (warp-rectangle) or the
    outline (warp-hull) of the face.
    """
    import json

    from deepfake_cli.pipeline.forge import forge_faces

    options: dict[str, object] = {"forge.kinds": kind or None, "forge.share": share}
    folder, settings = open_dataset(
        dataset, profile, workspace, options | {"data.jobs": jobs, "data.seed": seed}
    )
    report = forge_faces(folder, settings, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)
