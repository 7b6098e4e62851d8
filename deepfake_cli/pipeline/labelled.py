"""Scan videos and pictures whose label is known: what ``dfdetect classifier test`` measures a model by."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from deepfake_cli.errors import DataError
from deepfake_cli.io.labelled import FaceScore, LabelledFile, ScoredFile, lists_files, read_labelled
from deepfake_cli.progress import Track, untracked

from .inputs import find_inputs
from .judge import Judge
from .result import ScanResult
from .scan import scan_files

_FOLDERS = {"real": False, "fake": True}


def find_labelled(dataset: Path) -> list[LabelledFile] | None:
    """Find the labelled videos and pictures of a data set.

    Args:
        dataset: A folder with the folders ``real`` and ``fake``, or a CSV file with ``path`` and ``label``.
            Folders within ``fake`` are named after the methods of what they hold.

    Returns:
        The files; None for a CSV file of another kind, which may be a table of faces.

    Raises:
        DataError: It cannot be read, or there is nothing in it.
    """
    if dataset.is_dir():
        files = list(_in_folders(dataset))
    elif lists_files(dataset):
        files = read_labelled(dataset)
    else:
        return None
    if not files:
        raise DataError(f"{dataset} names no video or picture")
    return files


def scan_labelled(
    judge: Judge,
    files: Sequence[LabelledFile],
    *,
    jobs: int,
    timeout: float,
    track: Track = untracked,
    description: str = "scanning",
) -> list[ScoredFile]:
    """Scan files as ``dfdetect scan`` does, in their order.

    Args:
        judge: Has judged nothing yet.
        files: What to judge.
        jobs: Files judged at once; 0 is one a processor core.
        timeout: Seconds one file may take.
        track: Progress.
        description: What it is called there.

    Raises:
        DfdetectError: Something is wrong that is no file's fault.
    """
    found: dict[int, ScoredFile] = {}
    with closing(scan_files(judge, [file.path for file in files], jobs=jobs, timeout=timeout)) as results:
        for number, result in track(results, description, len(files)):
            found[number] = _scored(files[number], result)
    return [found[number] for number in range(len(files))]


def _in_folders(dataset: Path) -> Iterator[LabelledFile]:
    missing = [name for name in _FOLDERS if not (dataset / name).is_dir()]
    if missing:
        hint = "a folder holds videos and pictures in real/ and fake/; or name a CSV file"
        raise DataError(f"{dataset} holds no folder {' and no folder '.join(missing)}", hint)
    for name, fake in _FOLDERS.items():
        top = str(dataset / name)
        for path in find_inputs([top], recursive=True).files:
            inside = os.path.dirname(os.path.relpath(path, top))
            yield LabelledFile(path, fake, inside if fake else "", "", path)


def _scored(file: LabelledFile, result: ScanResult) -> ScoredFile:
    faces = tuple(
        FaceScore(face.time, face.box, face.score) for person in result.tracks for face in person.frames
    )
    return ScoredFile(file, str(result.verdict), result.score, result.reason, faces)
