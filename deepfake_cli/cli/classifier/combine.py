"""`dfdetect classifier combine`: make one detector of several."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from .._extras import needs_extra
from .._measurements import MODEL_HELP, ChosenSplitOpt
from .._options import ProfileOpt, QuietOpt
from .._ui import note, say, track


def combine_models(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODEL_HELP)],
    tables: Annotated[
        list[Path],
        typer.Option(
            "--on", metavar="TABLE", help="Set threshold and band on this table of faces (repeatable)."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write the model folder.")
    ],
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="Judge the mirror image of each face too.")
    ] = False,
    weights: Annotated[
        bool,
        typer.Option(
            "--weights", help="Average the weights of models that were trained on from one another."
        ),
    ] = False,
    split: ChosenSplitOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Make one detector of several: the mean of what they say of a face.

    It is as slow as all of them together, twice that with --mirrored, and mostly better than each. With
    --weights it is one network and as fast as one.
    Temperature, threshold and band are set as `classifier calibrate` does, by the section [calibrate] of the
    profile.
    """
    from deepfake_cli.pipeline.models import resolve
    from deepfake_cli.profile import load_profile

    settings = load_profile(profile)
    with needs_extra("train"):
        from deepfake_cli.training.average import average
        from deepfake_cli.training.calibrate.calibrate import calibrate
        from deepfake_cli.training.calibrate.write import refuse_existing, write_calibrated
        from deepfake_cli.training.combine import combine
        from deepfake_cli.training.measure.overlap import carry_learned

    refuse_existing(output)
    given = members = [resolve(model, track=track(quiet)) for model in models]
    with TemporaryDirectory() as folder:  # until it has a threshold of its own
        if weights:
            members = [average(members, Path(folder) / "averaged", settings.classifier)]
        made = members[0]
        if mirrored or not weights:
            made = combine(members, Path(folder) / "model", mirrored=mirrored)
        carry_learned(made.path, [member.path for member in given], tables, track=track(quiet))
        found = calibrate(
            *(made, tables, split or ["choose"], settings.calibrate, settings.classifier.abstain),
            track=track(quiet),
        )
        say(str(write_calibrated(made, found, output)))
    if not quiet:
        note(f"measure it with: dfdetect classifier test {output} TABLE --record")
