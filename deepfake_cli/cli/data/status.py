"""`dfdetect data status`: how far each stage is."""

from typing import TYPE_CHECKING, Annotated

import typer

from .._options import JsonOpt, ProfileOpt
from .._ui import Cell, Column, Row, note, say, table, warn
from ._common import WorkspaceOpt

if TYPE_CHECKING:
    from deepfake_cli.pipeline.status import DatasetStatus

_STYLES = {"done": "green", "begun": "yellow"}


def status(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", show_default=False, help="Data sets; all by default."),
    ] = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    as_json: JsonOpt = False,
) -> None:
    """Show how far each stage is with each data set."""
    import json

    from deepfake_cli.pipeline.status import status_of
    from deepfake_cli.profile import load_profile

    settings = load_profile(profile, {"workspace.path": workspace})
    found = status_of(settings, datasets or [])
    if as_json:
        say(json.dumps([one.to_json() for one in found], indent=2))
        return
    if not found:
        note(f"no data set in {settings.workspace.path}; see: dfdetect data list")
        return
    table(
        [
            Column("data set"),
            Column("stage"),
            Column("done", right=True),
            Column("of", right=True),
            Column("bad", right=True),
            Column("state"),
        ],
        (row for one in found for row in _rows(one)),
    )
    for one in found:
        if one.problem:
            warn(f"{one.name}: {one.problem}")


def _rows(one: "DatasetStatus") -> list[Row]:
    return [
        (
            one.name,
            stage.stage,
            str(stage.done),
            str(stage.total) if stage.total else "-",
            str(stage.bad),
            Cell(stage.state or "-", _STYLES.get(stage.state, "")),
        )
        for stage in one.stages
    ]
