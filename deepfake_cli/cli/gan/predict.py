"""`dfdetect gan predict`: maps of the faces in videos and pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import ExitCode

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import Column, Row, note, say, table, track, warn

if TYPE_CHECKING:
    from deepfake_cli.pipeline.painter import Painted

_COLUMNS = (
    Column("file"),
    Column("frames", right=True),
    Column("faces", right=True),
    Column("mean", right=True),
    Column("maps"),
)


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            show_default=False,
            help="Videos, pictures, folders, patterns such as 'clips/*.mp4'.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Folder to write, with a folder for each file."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="What paints: mri-gan, a folder, or owner/name@revision. Profile: predict.model.",
        ),
    ] = None,
    faces: Annotated[
        bool, typer.Option("--faces", help="Pictures are cut faces already: the whole picture is the face.")
    ] = False,
    sheets: Annotated[
        bool, typer.Option("--sheets", help="Also lay faces and maps side by side, on a sheet for each file.")
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Sampled frames of a video, 0 for all. Profile: predict.frames."
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look into folders inside folders too.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Files worked on at once. Profile: scan.jobs."),
    ] = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Paint a map of every face: where, by its looks alone, it was changed.

    Black is unchanged. Writes a picture a face, FRAME_FACE.png, and maps.json. Exits with 2 if a file could
    not be read; the others are done.
    """
    import json

    from deepfake_cli.pipeline.models import resolve_generator
    from deepfake_cli.pipeline.predict import find_faces, predict_maps
    from deepfake_cli.profile import load_profile

    options = {"predict.model": model, "predict.frames": frames, "scan.jobs": jobs}
    settings = load_profile(profile, options)
    found = find_faces(paths, recursive=recursive)
    generator = resolve_generator(settings.predict.model, track=track(quiet), warn=warn)
    painted = predict_maps(
        found.files, output, generator, settings, cut=faces, sheets=sheets, track=track(quiet)
    )
    results = list(painted)
    if as_json:
        say(json.dumps([result.to_json() for result in results], indent=2))
    else:
        table(_COLUMNS, map(_row, results))
    for line in (*found.warnings, *_notes(results)) if not quiet else ():
        note(line)
    bad = [result for result in results if result.problem]
    for result in bad:
        warn(f"{result.file}: {result.problem}", result.hint)
    raise typer.Exit(ExitCode.FAILED if bad else ExitCode.OK)


def _row(result: "Painted") -> Row:
    mean = "-" if result.mean is None else f"{result.mean:.4f}"
    return [result.file, str(result.frames), str(len(result.maps)), mean, result.folder or "-"]


def _notes(results: list["Painted"]) -> Iterator[str]:
    return (f"{result.file}: {note}" for result in results for note in result.notes)
