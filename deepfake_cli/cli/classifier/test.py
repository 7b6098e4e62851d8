"""`dfdetect classifier test`: how good a detector is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._extras import needs_extra
from .._measurements import DatasetsArg, ModelArg, RecordOpt, ReportOpt, SplitOpt, show_findings
from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import note, say, track, warn

if TYPE_CHECKING:
    from deepfake_cli.settings import Profile
    from deepfake_cli.training.measure.evaluate import ModelFolder
    from deepfake_cli.training.measure.findings import Findings
    from deepfake_cli.training.measure.judged import Judged


def measure_model(
    model: ModelArg,
    datasets: DatasetsArg,
    split: SplitOpt = None,
    output: ReportOpt = None,
    record: RecordOpt = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, metavar="N", help="Videos and pictures judged at once. Profile: scan.jobs."
        ),
    ] = None,
    profile: ProfileOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure a model on tables of faces, or on labelled videos and pictures.

    Videos and pictures are judged as `scan` does, with its settings. Intervals are 95 %, from a bootstrap
    over sources. With fewer than 10 real or 10 fake examples only verdicts are counted.
    """
    with needs_extra("train"):
        from deepfake_cli.training.measure.findings import examine_all
        from deepfake_cli.training.measure.findings_report import Tested, to_json, write_report
    from deepfake_cli.pipeline.models import resolve
    from deepfake_cli.profile import load_profile

    settings = load_profile(profile, {"scan.jobs": jobs})
    folder = resolve(model)
    judged = [_judge(folder, path, split or ["report"], settings, quiet) for path in datasets]
    findings = examine_all(judged, folder.config.decision)
    tested = Tested(folder.config.name, folder.revision, folder.config.decision)
    if output:
        write_report(output, tested, findings)
    if record:
        _record(folder, findings)
    if as_json:
        say(json.dumps(to_json(tested, findings), indent=2))
    for one in findings:
        if not as_json:
            show_findings(one, tested.decision.threshold)
        if not quiet:
            _tell(one.warnings, one.remarks)
    if output and not quiet:
        note(f"open {output / 'report.html'} in a browser")


def _judge(
    model: "ModelFolder", dataset: Path, splits: Sequence[str], profile: "Profile", quiet: bool
) -> "Judged":
    """Score a table of faces, or scan what is no table."""
    from deepfake_cli.pipeline.judge import Judge
    from deepfake_cli.pipeline.labelled import find_labelled, scan_labelled
    from deepfake_cli.training.measure.evaluate import judge
    from deepfake_cli.training.measure.judged import judged_files

    files = find_labelled(dataset)
    if files is None:
        return judge(model, dataset, splits, track=track(quiet))
    name = dataset.absolute().name.removesuffix(".csv")
    scored = scan_labelled(
        Judge(profile, model),
        files,
        jobs=profile.scan.jobs,
        timeout=profile.scan.timeout,
        track=track(quiet),
        description=f"scanning {name}",
    )
    return judged_files(name, scored)


def _record(model: "ModelFolder", findings: "Sequence[Findings]") -> None:
    with needs_extra("train"):
        from deepfake_cli.training.export import record_metrics  # brings torch, for which nothing else asks
    from deepfake_cli.training.measure.findings import to_record

    record_metrics(model.path, to_record(findings))


def _tell(warnings: Sequence[str], remarks: Sequence[str]) -> None:
    for words in warnings:
        warn(words)
    for words in remarks:
        note(words)
