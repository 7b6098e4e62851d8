"""Paint maps of the faces in videos and pictures: the use case behind ``dfdetect gan predict``.

Each file gets a folder with a picture a map, ``FRAME_FACE.png``, and ``maps.json``, which says what they are.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from deepfake_cli.errors import DfdetectError, UsageError
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .inputs import Inputs, find_inputs
from .painter import TABLE, Painted, Painter
from .saving import place_mark
from .workers import Done, Lost, supervise


def find_faces(paths: Sequence[str], *, recursive: bool = False) -> Inputs:
    """Find the files that are meant; see ``find_inputs``.

    Raises:
        UsageError: There is none.
    """
    found = find_inputs(paths, recursive=recursive)
    if not found.files:
        message = "; ".join(["nothing to paint maps of", *found.warnings])
        raise UsageError(message, "name a file: dfdetect gan predict VIDEO --output DIR")
    return found


def predict_maps(
    files: Sequence[str],
    output: Path,
    model: GeneratorFolder,
    profile: Profile,
    *,
    cut: bool = False,
    sheets: bool = False,
    track: Track = untracked,
) -> Iterator[Painted]:
    """Paint the maps of files, several at once in worker processes.

    Args:
        files: Paths of videos and pictures.
        output: Folder that each file gets a folder in, under its name. It appears when it is whole, and
            replaces the one of an earlier run.
        model: What paints.
        profile: How to sample and to seek faces, how large sheets are, and how many files at once.
        cut: Pictures are faces already, cut by somebody else: none are sought.
        sheets: Also lay faces and maps side by side on a sheet for each file.
        track: Progress.

    Yields:
        What became of each file, in their order. What is wrong with a file is part of it.

    Raises:
        OutputError: A folder cannot be written.
        UsageError: A folder would replace something that is not ours.
        ModelError: The network cannot be loaded, or paints no maps.
    """
    targets = _targets(files, output)
    painter = Painter(model, profile, cut=cut, sheets=sheets)
    early: dict[int, Painted] = {}
    due = 0
    with closing(_painted(painter, files, targets, profile)) as painted:
        for number, result in track(painted, "painting maps", len(files)):
            early[number] = result
            while due in early:
                yield early.pop(due)
                due += 1


def _painted(
    painter: Painter, files: Sequence[str], targets: Sequence[Path], profile: Profile
) -> Generator[tuple[int, Painted], None, None]:
    """Paint in worker processes, and leave nothing half-written; yield the place of a file and its result."""
    jobs = profile.scan.jobs or len(os.sched_getaffinity(0))
    tasks = list(zip(files, targets, strict=True))
    try:
        with closing(supervise(painter, tasks, jobs=jobs, timeout=profile.scan.timeout)) as events:
            for event in events:
                if isinstance(event, Done):
                    if isinstance(event.value, DfdetectError):
                        raise event.value
                    yield event.task, event.value
                elif isinstance(event, Lost):
                    yield event.task, painter.unreadable(files[event.task], event.reason)
    finally:
        _sweep(targets)


def _targets(files: Sequence[str], output: Path) -> list[Path]:
    """Name the folder of each file after it; those of one name also after the places they lie at.

    Raises:
        UsageError: What is there under that name was not made here, or is the file itself.
    """
    names = [os.path.basename(os.path.abspath(file)) for file in files]
    count = Counter(names)
    targets = []
    for file, name in zip(files, names, strict=True):
        if count[name] > 1:
            name += f"-{place_mark(file)}"
        target = output / name
        ours = not os.path.lexists(target) or (target / TABLE).is_file()
        if not ours or Path(os.path.realpath(file)).is_relative_to(os.path.realpath(target)):
            raise UsageError(f"the maps of {file} would replace {target}", "choose another --output")
        targets.append(target)
    return targets


def _sweep(targets: Sequence[Path]) -> None:
    """Remove what workers that were killed left half-written of these folders; see ``write_folder``."""
    import shutil

    names = {(target.parent, target.name[:40]) for target in targets}
    for folder in {target.parent for target in targets}:
        for left in folder.glob(".*.part"):
            if (folder, left.name[1:].rsplit(".", 2)[0]) in names:
                shutil.rmtree(left, ignore_errors=True)
