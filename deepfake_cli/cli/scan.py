"""`dfdetect scan`: judge videos and pictures."""

import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepfake_cli.errors import DfdetectError, ExitCode, UsageError

from ._options import Format, OutputOpt, ProfileOpt, QuietOpt, VerboseOpt
from ._tables import remarks, rule_in_words, summary, timings, verdict_columns, verdict_row
from ._ui import Board, board, note, terminal_width, track, warn

if TYPE_CHECKING:
    from deepfake_cli.pipeline.result import ScanResult, Verdict


class VerdictName(StrEnum):
    """Verdicts as they are typed."""

    FAKE = "fake"
    REAL = "real"
    UNCERTAIN = "uncertain"
    NO_FACE = "no-face"
    UNREADABLE = "unreadable"


class FailOn(StrEnum):
    """Verdicts that may make the exit code 1."""

    FAKE = "fake"
    UNCERTAIN = "uncertain"
    NO_FACE = "no-face"
    UNREADABLE = "unreadable"


class MethodName(StrEnum):
    """Methods of the embedded models, as they are typed."""

    PLAIN = "plain"
    MRI = "mri"
    FUSION = "fusion"
    MODALITIES = "modalities"
    ALL = "all"


def _frames(text: str) -> int:
    if text == "all":
        return 0
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise typer.BadParameter(f"{text!r} is neither a number of frames nor 'all'")


def scan(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            show_default=False,
            help="Videos, pictures, folders, patterns such as 'clips/*.mp4'; - reads a list from stdin.",
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look into folders inside folders too.")
    ] = False,
    from_file: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Read paths from this file: one a line, or between NUL bytes."),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N|all", parser=_frames, help="Sampled frames of a video, or all. Profile: scan.frames."
        ),
    ] = None,
    every: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Every N-th frame instead. Profile: scan.every.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SCORE",
            help="A score from here on is FAKE, below it REAL; the model's own threshold by default.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Which model judges: plain, a folder, or owner/name@revision. Profile: scan.model.",
        ),
    ] = None,
    method: Annotated[
        MethodName | None,
        typer.Option(
            help="Which embedded model judges: by the face, by a map of what was changed in it, by both, by "
            "what the face is made of, or by all of these. Profile: scan.model.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Files judged at once. Profile: scan.jobs."),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Most time for one file. Profile: scan.timeout.")
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format", "-f", help="How results are written; by default a table, or what --output ends in."
        ),
    ] = None,
    output: OutputOpt = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on with the JSON lines of an earlier run: skip what they judge, append the rest.",
        ),
    ] = None,
    details: Annotated[bool, typer.Option("--details", "-d", help="Show each person in the table.")] = False,
    only: Annotated[
        list[VerdictName] | None,
        typer.Option(
            metavar="VERDICT",
            help="Report only fake, real, uncertain, no-face or unreadable ones; may be repeated.",
        ),
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option(
            metavar="VERDICT",
            help="Exit with 1 for fake, uncertain, no-face or unreadable ones; may be repeated. "
            "Profile: scan.fail_on.",
        ),
    ] = None,
    save_faces: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the cut faces, in a folder for each file.")
    ] = None,
    save_mri: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save the maps that --method mri or fusion judges by, in a folder for each file.",
        ),
    ] = None,
    save_heatmaps: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save the faces with the places that their score rests on, in a folder for each file.",
        ),
    ] = None,
    save_modalities: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save what each person's clearest face is made of, for --method modalities, in a folder for "
            "each file.",
        ),
    ] = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
) -> None:
    """Tell whether the faces in videos and pictures are manipulated.

    Exits with 1 if there is a FAKE, else with 2 if a file was UNREADABLE, else with 0.
    """
    from deepfake_cli.pipeline.resume import judged_before
    from deepfake_cli.pipeline.saving import Saving
    from deepfake_cli.pipeline.scan import model_option, open_judge, sampling_options, scan_files
    from deepfake_cli.profile import load_profile

    given = {
        "scan.model": model_option(model, method),
        "scan.jobs": jobs,
        "scan.timeout": timeout,
        **sampling_options(frames, every),
    }
    settings = load_profile(profile, {**given, "scan.fail_on": [*map(str, fail_on or [])] or None})
    format, output = _target(format, output, resume, only)
    files = _files(paths or [], from_file, recursive, quiet)
    _spare_inputs(files, output)
    saving = Saving(save_faces, save_mri, save_heatmaps, save_modalities)
    judge = open_judge(settings, threshold, saving, track=track(quiet), warn=warn)
    before = judged_before(resume, files, judge) if resume else {}
    rest = [file for file in files if file not in before]
    verdicts = Counter(before.values())
    started = time.monotonic()
    with (
        board(verdict_columns(rest, terminal_width()), len(rest), quiet) as shown,
        _writer(format, output, resume is not None, shown, details) as write,
    ):

        def report(result: "ScanResult") -> None:
            verdicts[result.verdict] += 1
            shown.advance()
            if not only or _spelled(result.verdict) in only:
                write(result)
            if verbose:
                note(timings(result))

        results = scan_files(
            judge,
            rest,
            jobs=settings.scan.jobs,
            timeout=settings.scan.timeout,
            watch=lambda file, words: shown.stage(f"{Path(file).name}: {words}"),
        )
        stopped = _pass_on(results, report, ordered=format is not Format.JSONL)
    if isinstance(stopped, DfdetectError):
        raise stopped
    if not quiet:
        note(rule_in_words(judge))
        note(summary(verdicts, len(before), time.monotonic() - started))
    if stopped:
        raise stopped
    raise typer.Exit(_exit_code(verdicts, settings.scan.fail_on))


def _target(
    format: Format | None, output: Path | None, resume: Path | None, only: list[VerdictName] | None
) -> tuple[Format, Path | None]:
    """Say how and where results are written."""
    if resume is not None:
        if output is not None or format not in (None, Format.JSONL) or only:
            raise UsageError(
                "--resume appends every result as JSON lines to its own file",
                "leave out --output, --format and --only",
            )
        return Format.JSONL, resume
    if output is None:
        return format or Format.TABLE, None
    by_name = {f".{one}": one for one in Format if one is not Format.TABLE}
    chosen = format or by_name.get(output.suffix.lower())
    if chosen in (None, Format.TABLE):
        raise UsageError(f"in which format is {output} to be?", "choose with --format json, jsonl or csv")
    return chosen, output


def _files(paths: list[str], from_file: str | None, recursive: bool, quiet: bool) -> tuple[str, ...]:
    """Find the files to scan, and tell where there are none."""
    from deepfake_cli.pipeline.inputs import find_inputs, read_list

    lists = [name for name in ("-" if "-" in paths else None, from_file) if name is not None]
    found = find_inputs(
        [path for path in paths if path != "-"],
        [path for name in lists for path in read_list(name)],
        recursive=recursive,
    )
    if not found.files:
        raise UsageError("; ".join(["nothing to scan", *found.warnings]), "name a file: dfdetect scan VIDEO")
    for warning in () if quiet else found.warnings:
        warn(warning)
    return found.files


def _spare_inputs(files: Sequence[str], output: Path | None) -> None:
    """Refuse to write results over a file that is to be scanned."""
    if output is None or not output.exists():
        return
    if any(os.path.exists(file) and os.path.samefile(output, file) for file in files):
        raise UsageError(f"{output} is to be scanned: results would replace it", "choose another place")


@contextmanager
def _writer(
    format: Format, output: Path | None, append: bool, shown: Board, details: bool
) -> Iterator[Callable[["ScanResult"], None]]:
    """Open what results are written to."""
    from deepfake_cli.pipeline.report import open_results

    def show(result: "ScanResult") -> None:
        shown.row(verdict_row(result))
        for line in remarks(result, details):
            shown.remark(line)

    if format is Format.TABLE:
        yield show
        return
    with open_results(format.value, output, append=append) as write:
        yield write


def _pass_on(
    results: "Generator[tuple[int, ScanResult], None, None]",
    report: Callable[["ScanResult"], None],
    ordered: bool,
) -> KeyboardInterrupt | DfdetectError | None:
    """Report results, in order if asked to; if it ends early, those too that were waiting for an earlier one.

    Returns:
        What ended it early, to be raised when all is written.
    """
    early: dict[int, ScanResult] = {}
    due = 0
    stopped: KeyboardInterrupt | DfdetectError | None = None
    try:
        with closing(results):
            for number, result in results:
                early[number] = result
                if not ordered:
                    report(early.pop(number))
                while due in early:
                    report(early.pop(due))
                    due += 1
    except (KeyboardInterrupt, DfdetectError) as reason:
        stopped = reason
    for number in sorted(early):
        report(early[number])
    return stopped


def _exit_code(verdicts: Counter["Verdict"], fail_on: Sequence[str]) -> ExitCode:
    """Choose the exit code: what --fail-on names wins over what could not be read."""
    found = {_spelled(verdict) for verdict in verdicts}
    if not found.isdisjoint(fail_on):
        return ExitCode.FAKE
    return ExitCode.FAILED if VerdictName.UNREADABLE in found else ExitCode.OK


def _spelled(verdict: "Verdict") -> str:
    """Spell a verdict as it is typed."""
    return verdict.lower().replace("_", "-")
