"""`dfdetect classifier calibrate`: set the threshold of a detector on faces of one's own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._measurements import ChosenSplitOpt, MeasuredTablesArg, ModelArg
from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import Column, note, say, table, track

if TYPE_CHECKING:
    from deepfake_cli.training.calibrate.calibrate import Calibrated, Choice
    from deepfake_cli.training.calibrate.frame_rules import FrameRules

_COLUMNS = (Column(""), Column("before", right=True), Column("after", right=True))


def calibrate_model(
    model: ModelArg,
    tables: MeasuredTablesArg,
    split: ChosenSplitOpt = None,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How the threshold is chosen: balanced, fpr or cost. Profile: calibrate.rule.",
        ),
    ] = None,
    fpr: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="With fpr: largest share of real videos that may be called fake. Profile: calibrate.fpr.",
        ),
    ] = None,
    cost_missed: Annotated[
        float | None,
        typer.Option(
            metavar="COST", help="With cost: of calling a fake real. Profile: calibrate.cost_missed."
        ),
    ] = None,
    cost_false_alarm: Annotated[
        float | None,
        typer.Option(
            metavar="COST",
            help="With cost: of calling a real video fake. Profile: calibrate.cost_false_alarm.",
        ),
    ] = None,
    abstain: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the videos that the UNCERTAIN band may hold. Profile: classifier.abstain.",
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=4,
            metavar="NUMBER",
            help="Cut faces as a square of so many times the longer side of their box. Default: as before.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write a copy of the model here; change nothing."
        ),
    ] = None,
    profile: ProfileOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Set temperature, threshold and UNCERTAIN band of a model anew.

    Chooses by videos, each the mean over its faces as in `scan`, or by faces where no table has several of a
    video. Writes them into the model's config.json and card, where old measurements are left out; embedded
    models and those of the Hub need --output. Other ways to judge a video by its frames are shown beside the
    mean, for comparison only.
    """
    from deepfake_cli.pipeline.models import Source, find_model
    from deepfake_cli.profile import load_profile

    options = {"rule": rule, "fpr": fpr, "cost_missed": cost_missed, "cost_false_alarm": cost_false_alarm}
    given: dict[str, object] = {f"calibrate.{key}": value for key, value in options.items()}
    settings = load_profile(profile, given | {"classifier.abstain": abstain})
    with needs_extra("train"):
        from deepfake_cli.training.calibrate.calibrate import calibrate
    from deepfake_cli.training.calibrate.write import check_place, write_calibrated

    asked = find_model(model, "classifier", track=track(quiet))
    folder = check_place(asked.folder, model, asked.source == Source.LOCAL, output)
    found = calibrate(
        folder,
        tables,
        split or ["choose"],
        settings.calibrate,
        settings.classifier.abstain,
        margin=margin,
        track=track(quiet),
    )
    place = write_calibrated(folder, found, output)
    if as_json:
        say(json.dumps({"model": str(place), **asdict(found)}, indent=2))
        return
    _show(found)
    if not quiet:
        note(f"written to {place}; measure it again with: dfdetect classifier test {place} TABLE --record")


def _show(found: "Calibrated") -> None:
    say(f"temperature: {found.temperature_source}")
    say(f"threshold: {found.threshold_source}\n")
    rows = zip(_lines(found.before), _lines(found.after), strict=True)
    table(_COLUMNS, ((name, before, after) for (name, before), (_, after) in rows))
    say()
    if found.frame_rules is None:
        say("one face of each video: no rule over frames to compare with")
    else:
        _show_rules(found.frame_rules)


def _lines(choice: "Choice") -> list[tuple[str, str]]:
    low, high = choice.uncertain
    return [
        ("margin", f"{choice.margin:g}"),
        ("temperature", f"{choice.temperature:.4f}"),
        ("threshold", f"{choice.threshold:.4f}"),
        ("UNCERTAIN", f"{low:.4f} to {high:.4f}"),
        ("calibration error", f"{choice.calibration_error:.3f}"),
        ("balanced accuracy", f"{choice.balanced_accuracy:.3f}"),
        ("real called fake", f"{choice.false_positives:.1%}"),
        ("fakes called fake", f"{choice.true_positives:.1%}"),
    ]


def _show_rules(rules: "FrameRules") -> None:
    row, column = rules.best
    for title, grid in (("accuracy", rules.accuracy), ("balanced accuracy", rules.balanced_accuracy)):
        say(f"{title}, where a share of fake frames (across) makes a video fake, by a frame's threshold:")
        columns = (Column("frame"), *(Column(f"{step:g}", right=True) for step in rules.steps))
        table(
            columns,
            (
                (
                    f"{rules.steps[i]:g}",
                    *(f"{'*' if (i, j) == rules.best else ''}{value:.3f}" for j, value in enumerate(values)),
                )
                for i, values in enumerate(grid)
            ),
        )
        say()
    best, mean = rules.balanced_accuracy[row][column], rules.mean_balanced_accuracy
    say(f"* best balanced accuracy: {best:.3f}, picked on these videos; the mean, which stays: {mean:.3f}")
