"""`dfdetect data mri`: what was changed in the fakes, as pictures to learn from."""

from typing import Annotated

import typer

from deepfake_cli.errors import UsageError

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import say, track, warn
from ._common import DatasetArg, JobsOpt, SeedOpt, WorkspaceOpt, open_dataset, tell


def mri(
    dataset: DatasetArg,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="How to compare: ssim, ms-ssim, gms, absolute, colour. Profile: mri.metric."
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=32, metavar="PX", help="Side of a map in pixels. Profile: mri.size.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="X", help="Share of the originals to use. Profile: mri.share."),
    ] = None,
    predict: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Paint the map of every face with this generator instead: mri-gan, a folder, or "
            "owner/name@revision.",
        ),
    ] = None,
    jobs: JobsOpt = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Compare fakes with their originals, face by face.

    Writes a dissimilarity map for each face of a fake, black for real faces, and the tables mri/train.csv
    and mri/test.csv. Pairs that are misaligned, or were not changed at all, are counted and left out.

    With --predict no originals are needed: a generator paints what it takes to be changed, in real faces
    too. Writes predicted/ and the table predicted/predicted.csv.
    """
    import json

    options: dict[str, object] = {"mri.metric": metric, "mri.size": size, "mri.share": share}
    folder, settings = open_dataset(
        dataset, profile, workspace, options | {"data.jobs": jobs, "data.seed": seed}
    )
    if predict is None:
        from deepfake_cli.pipeline.mri import make_maps

        report = make_maps(folder, settings, track=track(quiet))
    else:
        from deepfake_cli.pipeline.models import resolve_generator
        from deepfake_cli.pipeline.mri_predict import predict_dataset

        if any(value is not None for value in options.values()):
            raise UsageError(
                "--predict compares nothing and leaves no face out", "leave out --metric, --size and --share"
            )
        model = resolve_generator(predict, track=track(quiet), warn=warn)
        report = predict_dataset(folder, model, settings, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)
