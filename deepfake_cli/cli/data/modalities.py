"""`dfdetect data modalities`: what the faces of a data set, or of any files, are made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import ExitCode, UsageError

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import note, say, track, warn
from ._common import JobsOpt, WorkspaceOpt, open_dataset, tell

if TYPE_CHECKING:
    from deepfake_cli.pipeline.stages import DatasetFolder
    from deepfake_cli.settings import Profile


def modalities(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET|PATH...",
            show_default=False,
            help="A data set in the workspace; with --output videos, pictures, folders, patterns.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Take files apart that are in no data set, into here."
        ),
    ] = None,
    renderer: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="What takes faces apart: face-renderer, a folder, or owner/name@revision. "
            "Profile: modalities.renderer.",
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="With --output: look into folders inside folders too.")
    ] = False,
    jobs: JobsOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Take every face apart: albedo, normals, shading, shadow and lighting, as PNG.

    Reads the faces that data crop cut, and draws some of them on a sheet, modalities.png. What is done with
    the same renderer is not done again.

    With --output any videos and pictures are taken apart: their faces are found and cut as data landmarks and
    data crop do it. Exits with 2 if a file could not be read; the others are done.
    """
    import json

    from deepfake_cli.pipeline.modalities import take_dataset_apart
    from deepfake_cli.pipeline.modalities_files import find_files, id_of, take_files_apart
    from deepfake_cli.pipeline.modalities_sheet import draw_modalities
    from deepfake_cli.pipeline.models import resolve_renderer

    options: dict[str, object] = {"modalities.renderer": renderer, "data.jobs": jobs}
    if output is None and (len(sources) > 1 or recursive):
        raise UsageError("one data set at a time", "to take files apart, add --output DIR")
    if output is not None and workspace is not None:
        raise UsageError("--output and --workspace exclude each other", "leave out one of them")
    folder, settings = _place(sources[0], output, profile, workspace, options)
    if output is None:
        model = resolve_renderer(settings.modalities.renderer, track=track(quiet), warn=warn)
        report = take_dataset_apart(folder, model, settings, track=track(quiet))
        sheet = draw_modalities(folder, model, settings)
    else:
        found = find_files(sources, output, recursive=recursive)
        for line in () if quiet else found.warnings:
            warn(line)
        model = resolve_renderer(settings.modalities.renderer, track=track(quiet), warn=warn)
        report = take_files_apart(found.files, output, model, settings, track=track(quiet))
        sheet = draw_modalities(folder, model, settings, map(id_of, found.files))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)
    if sheet and not quiet:
        note(f"contact sheet: {sheet}")
    raise typer.Exit(ExitCode.FAILED if output and report.bad else ExitCode.OK)


def _place(
    dataset: str,
    output: Path | None,
    profile: Path | None,
    workspace: Path | None,
    options: dict[str, object],
) -> tuple["DatasetFolder", "Profile"]:
    """Name the folder to write in, and read the profile."""
    if output is None:
        return open_dataset(dataset, profile, workspace, options)
    from deepfake_cli.pipeline.stages import DatasetFolder
    from deepfake_cli.profile import load_profile

    return DatasetFolder(output), load_profile(profile, options)
