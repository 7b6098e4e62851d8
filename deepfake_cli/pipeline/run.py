"""Run all stages of a data set in order: the use case behind ``dfdetect data run``.

Every stage skips what it has finished, so a run goes on where the one before it ended, whatever ended it.
"""

from collections.abc import Iterator

from deepfake_cli.errors import DataError
from deepfake_cli.io.datasets import datasets
from deepfake_cli.io.index import read_index
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .augment import apply_augmentation
from .crop import crop_faces, names_original
from .fetch import Wish, fetch_dataset
from .forge import forge_faces
from .index import index_dataset
from .landmarks import find_landmarks
from .mri import drawn, make_maps
from .stages import StageReport
from .table import make_table


def run_stages(
    folder: DatasetFolder,
    profile: Profile,
    *,
    check: bool = False,
    forge: bool = False,
    track: Track = untracked,
) -> Iterator[StageReport]:
    """Make everything up to the table of faces, one stage after the other.

    A data set that anybody may download is fetched first. Videos are augmented where there is a plan, and
    compared where there are fakes whose originals are known and drawn.

    Args:
        folder: Of the data set.
        profile: All settings.
        check: Decode a little of every file first, and leave out what fails.
        forge: Also make fakes out of the real faces.
        track: Progress.

    Yields:
        The report of each stage when it is done.

    Raises:
        UsageError: The data set must be got by hand first; the message tells how.
        DfdetectError: A stage cannot go on; what is done stays done.
    """
    if not folder.source.exists():
        _fetch(folder, profile, track)
    yield index_dataset(folder, profile, check=check, track=track)
    if folder.plan.exists():
        yield apply_augmentation(folder, profile, track=track)
    # What is cut by its own boxes is decoded once for both; cropping then does the others.
    yield find_landmarks(folder, profile, crops=True, track=track)
    yield crop_faces(folder, profile, track=track)
    if any(names_original(row) and drawn(row, profile) for row in read_index(folder.index)):
        yield make_maps(folder, profile, track=track)
    if forge:
        yield forge_faces(folder, profile, track=track)
    yield make_table(folder, profile, track=track)


def _fetch(folder: DatasetFolder, profile: Profile, track: Track) -> None:
    """Fetch a data set that goes by its name in the registry."""
    if folder.name not in {dataset.name for dataset in datasets()}:
        raise DataError(
            f"there is no data set {folder.name} in {folder.path.parent}",
            f"adopt it with: dfdetect data fetch folder --as {folder.name} --from DIR",
        )
    fetch_dataset(Wish(folder.name), profile, track=track)
