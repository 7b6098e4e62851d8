"""Take the faces of any videos and pictures apart, without a data set: ``data modalities --output``."""

import os
from collections.abc import Sequence
from pathlib import Path

from deepfake_cli.core.ids import identifier
from deepfake_cli.errors import MediaError, UsageError
from deepfake_cli.io.files import make_folder
from deepfake_cli.io.index import IndexRow
from deepfake_cli.io.modalities import modalities_folder
from deepfake_cli.io.model_folder import RendererFolder
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, sweep
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .inputs import Inputs, find_inputs
from .landmarks import LandmarksWork
from .modalities import ModalitiesWork
from .saving import place_mark
from .stages import StageReport, run_stage


def find_files(paths: Sequence[str], output: Path, *, recursive: bool = False) -> Inputs:
    """Find the files that are meant; see ``find_inputs``. What an earlier run wrote is not meant.

    Raises:
        UsageError: There is none, or the output folder holds what no earlier run left there.
    """
    found = find_inputs(paths, recursive=recursive)
    if not found.files:
        message = "; ".join(["no faces to take apart", *found.warnings])
        raise UsageError(message, "name a file: dfdetect data modalities VIDEO --output DIR")
    into = os.path.realpath(output)
    within = {file for file in found.files if Path(os.path.realpath(file)).is_relative_to(into)}
    files = tuple(file for file in found.files if file not in within)
    if not files:
        raise UsageError(f"all files lie in {output}, which is to be written", "choose another --output")
    _refuse_foreign(output)
    named = (
        f"{file}: lies in {output}, which is to be written; left out" for file in paths if file in within
    )
    return Inputs(files, (*found.warnings, *named))


def take_files_apart(
    files: Sequence[str], output: Path, model: RendererFolder, profile: Profile, *, track: Track = untracked
) -> StageReport:
    """Find the faces of files, cut them, and draw what they are made of.

    The output is laid out as a data set's folder in the workspace: ``landmarks``, ``crops``, ``modalities``.

    Args:
        files: Paths of videos and pictures.
        output: Folder to write; what an earlier run finished in it is not done again.
        model: What takes faces apart.
        profile: Which frames (``landmarks``), how faces are sought and cut, how many files at once.
        track: Progress.

    Returns:
        The report. It counts ``faces``, and files that are ``faceless``.

    Raises:
        ModelError: The network cannot be loaded, or answers with something that no face is made of.
        UsageError: Another process works in the folder.
        OutputError: A picture cannot be written.
    """
    folder = DatasetFolder(output)
    rows = [_row(file) for file in files]
    with folder.locked():
        for place in (folder.landmarks, folder.crops):
            make_folder(place, "choose another --output")
            sweep(place)
    return run_stage(
        folder,
        "modalities",
        _FromFile(folder, model, profile),
        rows,
        output=modalities_folder(folder),
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=len(rows),
    )


class _FromFile:
    """Finds, cuts and takes apart the faces of one file."""

    def __init__(self, folder: DatasetFolder, model: RendererFolder, profile: Profile) -> None:
        self._folder = folder
        self._find = LandmarksWork(folder, Path("/"), profile, crops=True)
        self._take_apart = ModalitiesWork(folder, model)

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Do what is not done yet of all three."""
        try:
            self._find(row)
        except MediaError:
            for place in (self._folder.crops, modalities_folder(self._folder)):
                remove_folder(place / row.id)  # what is there belongs to a file that is no longer
            raise
        return self._take_apart(row)


def id_of(file: str) -> str:
    """Name a file so that those of one name in other places are told apart."""
    return f"{identifier(os.path.basename(os.path.abspath(file)))}-{place_mark(file)}"


def _refuse_foreign(output: Path) -> None:
    """Refuse a folder of somebody else's, in which files of the same names would be replaced."""
    folder = DatasetFolder(output)
    try:
        left = {path.name for path in output.iterdir()}
    except OSError:  # it is not there, as a rule; what else is wrong shows when it is made
        return
    if left and ".lock" not in left and not folder.report("modalities").exists():
        raise UsageError(
            f"{output} is not empty, and no earlier run wrote it", "choose a new folder, or an empty one"
        )


def _row(file: str) -> IndexRow:
    """Describe a file whose label nobody asks for."""
    path, id = os.path.abspath(file), id_of(file)
    return IndexRow(id, path, "real", id, "", "", "", "report")
