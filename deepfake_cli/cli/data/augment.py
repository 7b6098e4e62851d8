"""`dfdetect data augment`: make training videos look like those of the world outside."""

from pathlib import Path
from typing import Annotated

import typer

from .._options import ForceOpt, JsonOpt, ProfileOpt, QuietOpt
from .._ui import say, track
from ._common import DatasetArg, JobsOpt, SeedOpt, WorkspaceOpt, open_dataset, tell

app = typer.Typer(no_args_is_help=True, help="Augment videos by a plan that you can read and edit.")


@app.command()
def plan(
    dataset: DatasetArg,
    share: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="X", help="Share of the originals to augment. Profile: augment.share."
        ),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most augmentations of one video. Profile: augment.most."),
    ] = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    force: ForceOpt = False,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Draw at random what is done to which video.

    Writes plan.json, which you may edit before it is applied. An original and all its fakes are treated
    alike, so that they stay aligned. What to draw from is under [augment] in the profile.
    """
    import json
    from dataclasses import asdict

    from deepfake_cli.pipeline.augment_plan import plan_augmentation

    options: dict[str, object] = {"augment.share": share, "augment.most": most, "data.seed": seed}
    folder, settings = open_dataset(dataset, profile, workspace, options)
    planned = plan_augmentation(folder, settings, force=force, track=track(quiet))
    if as_json:
        say(json.dumps(asdict(planned), indent=2))
        return
    say(
        f"plan: {planned.originals} of {planned.of_originals} originals, with their fakes "
        f"{planned.videos} of {planned.of_videos} videos: {folder.plan}"
    )
    for kind, count in planned.kinds.items():
        say(f"  {kind:18} {count}")


@app.command()
def apply(
    dataset: DatasetArg,
    jobs: JobsOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Write the augmented videos of the plan.

    H.264 in MP4, with the times and the sound of the raw videos. What is done by the same plan is not done
    again, and what is no longer in the plan is removed. Later stages read these videos in place of the raw
    ones.
    """
    import json

    from deepfake_cli.pipeline.augment import apply_augmentation

    folder, settings = open_dataset(dataset, profile, workspace, {"data.jobs": jobs})
    report = apply_augmentation(folder, settings, track=track(quiet))
    if as_json:
        say(json.dumps(report.to_json(), indent=2))
    else:
        tell(report, folder, quiet)


@app.command()
def preview(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|VIDEO", show_default=False, help="A data set in the workspace, or a video file."
        ),
    ],
    video: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Which video of the data set.", show_default="the first"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder to write.",
            show_default="preview, in the data set's folder or here",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="X", help="How much of the video to show. Profile: augment.preview_seconds."
        ),
    ] = None,
    jobs: JobsOpt = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Show every kind of augmentation on one video.

    Writes a short video for each kind, at the strongest that the profile allows, and all of them on one
    sheet, sheet.png. A name that is a file is taken for a video.
    """
    from deepfake_cli.pipeline.augment_preview import SHEET, preview_augmentation, preview_source
    from deepfake_cli.profile import load_profile

    options: dict[str, object] = {"augment.preview_seconds": seconds, "data.jobs": jobs, "data.seed": seed}
    path, target = Path(source), output or Path("preview")
    if path.is_file():
        settings = load_profile(profile, {"workspace.path": workspace, **options})
    else:
        folder, settings = open_dataset(source, profile, workspace, options)
        path, target = preview_source(folder, video), output or folder.path / "preview"
    names = preview_augmentation(path, target, settings, track=track(quiet))
    say(f"preview: {len(names)} videos and {SHEET} in {target}")
