"""`dfdetect classifier stack`: weigh several detectors against each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._measurements import MODEL_HELP, ChosenSplitOpt
from .._options import ProfileOpt, QuietOpt
from .._ui import Column, Row, note, say, table, track, warn

if TYPE_CHECKING:
    from deepfake_cli.training.stack import Asked, Standing

_COLUMNS = (
    *(Column("judged by"), Column("weight", right=True)),
    *(Column("AUC", right=True), Column("95 % interval", right=True)),
)


def stack_models(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODEL_HELP)],
    tables: Annotated[
        list[Path],
        typer.Option("--on", metavar="TABLE", help="Fit the weights to this table of faces (repeatable)."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write the model folder.")
    ],
    split: ChosenSplitOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Make one detector of several that see faces in different ways.

    The members stay where they are: the folder names them, each with its weight and its revision, and is
    refused when one has changed. Weights are fitted by a logistic regression to what the members say of faces
    that they did not learn from. AUC of the stack is of faces whose sources it was not fitted to.
    """
    from deepfake_cli.profile import load_profile

    settings = load_profile(profile).classifier
    with needs_extra("train"):
        from deepfake_cli.training.stack import stack

    asked = [_find(model, quiet) for model in models]
    made = stack(asked, tables, split or ["choose"], output, settings, track=track(quiet))
    say(f"{made.real} real and {made.fake} fake {made.examples}\n")
    table(_COLUMNS, map(_row, made.standings))
    if not quiet:
        note(f"written to {output}; measure it with: dfdetect classifier test {output} TABLE --record")


def _find(name: str, quiet: bool) -> "Asked":
    from deepfake_cli.pipeline.models import Source, find_model

    with needs_extra("train"):
        from deepfake_cli.training.stack import Asked, ModelFolder
    found = find_model(name, "classifier", track=track(quiet), warn=warn)
    assert isinstance(found.folder, ModelFolder)  # it was found as a classifier
    is_folder = found.source is Source.LOCAL
    reference = found.reference.partition("@")[0] if found.source is Source.HUB else found.reference
    return Asked(name, reference, is_folder, found.folder)


def _row(one: "Standing") -> Row:
    low, high = one.interval
    weight = "" if one.weight is None else f"{one.weight:.3f}"
    return one.name, weight, f"{one.auc:.3f}", f"{low:.3f} to {high:.3f}"
