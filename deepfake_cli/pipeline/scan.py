"""Judge many videos and pictures: the use case behind ``dfdetect scan``."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DfdetectError, UsageError
from deepfake_cli.profile import load_profile
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .inputs import find_inputs
from .judge import Judge
from .result import ScanResult
from .saving import NOTHING, Saving

METHODS = ("plain", "mri", "fusion", "modalities", "all")  # of the embedded models, as they are called
_MOST_THREADS = 4  # for one video; each decodes, or seeks faces, and takes memory for its frames

Watch = Callable[[str, str], None]  # told a file and what is being done with it


def scan(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    recursive: bool = False,
    model: str | None = None,
    method: str | None = None,
    frames: int | None = None,
    every: int | None = None,
    threshold: float | None = None,
    jobs: int | None = None,
    timeout: float | None = None,
    save_faces: Path | None = None,
    save_mri: Path | None = None,
    save_heatmaps: Path | None = None,
    save_modalities: Path | None = None,
    profile: Path | None = None,
) -> Iterator[ScanResult]:
    """Judge videos and pictures, as ``dfdetect scan`` does.

        from deepfake_cli import scan

        for result in scan(["interview.mp4", "clips/"]):
            print(result.file, result.verdict, result.score)

    Args:
        paths: A path or several: files, folders, patterns such as ``clips/*.mp4``.
        recursive: Look into folders inside folders too.
        model: What judges the faces: "plain" (embedded), a model folder, or owner/name@revision on the Hub.
        method: The embedded model of this method instead: "plain", "mri", "fusion", "modalities" or "all".
        frames: Sampled frames of a video; 0 takes all.
        every: Every N-th frame instead; 0 is off.
        threshold: A score from here on is FAKE; turns the UNCERTAIN band off.
        jobs: Files judged at once; 0 is one a processor core.
        timeout: Seconds one file may take.
        save_faces: Folder for the faces that are cut out.
        save_mri: Folder for the maps that the model paints of them.
        save_heatmaps: Folder for the faces with the places that their score rests on.
        save_modalities: Folder for a sheet of each person's clearest face and what the model takes it apart
            into.
        profile: A TOML file, laid over the user's own. What is not given here comes from there.

    Yields:
        One result a file, in the order of the files. What is wrong with a file is in its result.

    Raises:
        DfdetectError: An option, the profile, the model or a folder for pictures is at fault.
    """
    given = {"scan.model": model_option(model, method), "scan.jobs": jobs, "scan.timeout": timeout}
    settings = load_profile(profile, {**given, **sampling_options(frames, every)})
    named = [paths] if isinstance(paths, str | os.PathLike) else paths
    files = find_inputs([os.fspath(path) for path in named], recursive=recursive).files
    judge = open_judge(settings, threshold, Saving(save_faces, save_mri, save_heatmaps, save_modalities))
    early: dict[int, ScanResult] = {}
    due = 0
    for number, result in scan_files(judge, files, jobs=settings.scan.jobs, timeout=settings.scan.timeout):
        early[number] = result
        while due in early:
            yield early.pop(due)
            due += 1


def model_option(model: str | None, method: str | None) -> str | None:
    """Say which model judges: the one that is named, or the embedded one that is called like its method.

    Raises:
        UsageError: Both are given, or there is no such method.
    """
    if method is None:
        return model
    if model is not None:
        raise UsageError(
            "--method and --model exclude each other", "leave out --method: a model has a method of its own"
        )
    if method not in METHODS:
        raise UsageError(f"there is no method '{method}'", f"choose one of {', '.join(METHODS)}")
    return method


def sampling_options(frames: int | None, every: int | None) -> dict[str, int | None]:
    """Lay what a user says of sampling over the profile: either of the two switches the other off.

    Raises:
        UsageError: Both are given.
    """
    if frames is not None and every is not None:
        raise UsageError("--frames and --every exclude each other", "leave out one of them")
    return {"scan.frames": frames, "scan.every": every if frames is None else 0}


def open_judge(
    profile: Profile,
    threshold: float | None = None,
    saving: Saving = NOTHING,
    *,
    track: Track = untracked,
    warn: Callable[[str], None] = lambda words: None,
) -> Judge:
    """Find the model that the profile names, and make the judge who uses it; see ``Judge``.

    Args:
        profile: All settings.
        threshold: The user's own.
        saving: Which pictures of the faces are kept.
        track: Progress of a download.
        warn: Told what is amiss with a model that can be used none the less.

    Raises:
        ModelError, HubError: The model is missing or damaged, or cannot be had.
        OutputError: A folder for pictures cannot be made.
        UsageError: The threshold is out of range, or the model has no maps or modalities that could be saved.
    """
    from .models import resolve  # not needed by workers

    model = resolve(profile.scan.model, track=track, warn=warn)
    judge = Judge(profile, model, threshold, saving)
    saving.make_folders()
    return judge


def scan_files(
    judge: Judge,
    files: Sequence[str],
    *,
    jobs: int,
    timeout: float,
    watch: Watch = lambda file, words: None,
) -> Generator[tuple[int, ScanResult], None, None]:
    """Judge files, several at once in worker processes; a single one here, which saves the start of a worker.

    Args:
        judge: Has judged nothing yet.
        files: Paths.
        jobs: Files judged at once; 0 is one a processor core.
        timeout: Seconds one file may take.
        watch: Told what is being done.

    Yields:
        Place among the files, and result, as they finish.

    Raises:
        DfdetectError: Something is wrong that is no file's fault, such as no space for saved faces.
    """
    cores = len(os.sched_getaffinity(0))
    if len(files) == 1:
        stage = partial(watch, files[0])
        yield 0, judge.judge(files[0], threads=min(cores, _MOST_THREADS), timeout=timeout, stage=stage)
        return
    from .workers import Done, Lost, supervise

    with closing(supervise(Task(judge), files, jobs=jobs or cores, timeout=timeout)) as events:
        for event in events:
            file = files[event.task]
            if isinstance(event, Done):
                if isinstance(event.value, DfdetectError):
                    raise event.value
                yield event.task, event.value
            elif isinstance(event, Lost):
                yield event.task, judge.unreadable(file, event.reason)
            else:
                watch(file, event.news)


class Task:
    """The work of a worker process: judge a file, on one core; whoever supervises it watches the time.

    Args:
        judge: Has judged nothing yet, so it can be pickled.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __call__(self, file: str, report: Callable[[Any], None]) -> ScanResult | DfdetectError:
        """Judge a file; an error that is not the file's is returned, for the supervisor to raise."""
        try:
            return self._judge.judge(file, threads=1, stage=report)
        except DfdetectError as error:
            return error
