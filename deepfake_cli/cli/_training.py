"""What commands that train share: the tables to learn from, each with its share, and the run's folder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import UsageError

from ._ui import note, warn

if TYPE_CHECKING:
    from deepfake_cli.progress import Track
    from deepfake_cli.settings import ClassifierSettings, Profile
    from deepfake_cli.training.inner import Inner
    from deepfake_cli.training.tables import Source

TablesArg = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE[=SHARE]...",
        help="Tables of faces (`faces.csv`), each with its share of all pairs.",
    ),
]
RunOpt = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="The run's folder.")]
ResumeRunOpt = Annotated[bool, typer.Option("--resume", help="Go on where the run in this folder stopped.")]
RealOnlyOpt = Annotated[
    bool,
    typer.Option(
        "--real-only",
        help="Learn from real faces alone: no labelled fakes, only forged ones. Profile: fakes.labelled.",
    ),
]
REAL_ONLY: dict[str, object] = {"fakes.labelled": 0.0}


def sources_of(tables: list[str]) -> "list[Source]":
    """Read tables with their shares.

    Raises:
        UsageError: A share is not a number above 0.
    """
    return [_source(text) for text in tables]


def tables_of(sources: "list[Source]", profile: "Profile", run: Path, track: "Track") -> "list[Source]":
    """Cut the faces of pictures that are only listed, as `path,label`; other tables are what they are.

    Args:
        sources: Tables as they were named.
        profile: How faces are sought.
        run: Folder of the run, where the faces go; what is there already is taken.
        track: Shows the progress.

    Raises:
        DataError: A list cannot be used.
    """
    from deepfake_cli.pipeline.listed import cut_listed, lists_files

    found = []
    for source in sources:
        if not lists_files(source.table):
            found.append(source)
            continue
        folder = run / "faces" / source.table.stem
        if not (folder / "faces.csv").exists():
            cut = cut_listed(source.table, folder, profile, track=track)
            for path, why in cut.unreadable:
                warn(f"{path}: {why}")
            left = f"{len(cut.faceless)} pictures have none, {len(cut.unreadable)} cannot be read"
            note(f"{source.table}: {cut.faces} faces cut; {left}")
        found.append(replace(source, table=folder / "faces.csv"))
    return found


def inner_of(settings: "ClassifierSettings", track: "Track") -> "Inner | None":
    """Find the generator or the renderer that the network of a recipe holds, if it holds one.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks it.
        ModelError: There is no such model, or it is damaged or for another task.
    """
    from deepfake_cli.pipeline.models import resolve_generator, resolve_renderer

    if settings.input == "plain":
        return None
    if settings.input in ("mri", "fusion"):
        return resolve_generator(settings.generator, track=track)
    return resolve_renderer(settings.renderer, track=track)


def _source(text: str) -> "Source":
    from deepfake_cli.training.tables import Source

    path, equals, share = text.rpartition("=")
    if not equals:
        return Source(Path(text))
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"'{share}' is not a share of the pairs", "write TABLE=0.7, a number above 0")
    return Source(Path(path), value)
