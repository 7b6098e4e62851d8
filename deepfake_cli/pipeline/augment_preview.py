"""Show on one video what every kind of augmentation does: a short video each, and one contact sheet."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from os import sched_getaffinity
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.sampling import Sampling
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.errors import DataError, DfdetectError, MediaError, UsageError
from deepfake_cli.io.encode import Encoding, rewrite_video
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.images import kind_of
from deepfake_cli.io.index import read_index, read_source
from deepfake_cli.io.video import read_frames
from deepfake_cli.io.workspace import DatasetFolder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import AugmentationKind, AugmentSettings, NoiseKind, Profile

from .augment_draw import draw_entry, drawn_noise
from .augmentations import ENTRY, Chain, Entries
from .workers import Done, Lost, supervise

SHEET = "sheet.png"
_SIDE = 320  # pixels of a picture on the sheet
_COLUMNS = 5
_MOMENTS = 9  # looked at, to show one at which there is something to be seen
_RANGES = (
    "noise_variance",
    "noise_amount",
    "blur",
    "contrast",
    "brightness",
    "rotation",
    "text_height",
    "speed",
    "rate",
)


@dataclass(frozen=True)
class _Shot:
    """One video of the preview."""

    name: str
    entries: Entries


def preview_source(folder: DatasetFolder, video: str | None) -> Path:
    """Find the video of a data set to show: by its id, or else the first.

    Raises:
        DataError: There is no index or no video.
        UsageError: No video has this id.
    """
    rows = read_index(require(folder.index, f"dfdetect data index {folder.name}"))
    root = read_source(folder).root
    for row in rows:
        path = root / row.path
        if row.id == video or (video is None and path.is_file() and kind_of(path) == "video"):
            return path
    if video is not None:
        raise UsageError(
            f"no video {video!r} in {folder.name}", f"ids are in the first column of {folder.index}"
        )
    raise DataError(f"{folder.name} has no video that could be shown", "name a video file instead")


def preview_augmentation(
    source: Path, output: Path, profile: Profile, *, track: Track = untracked
) -> list[str]:
    """Write a short video for every kind of augmentation, at its strongest, and a sheet of all.

    Args:
        source: The video to show them on.
        output: Folder that is made; an older preview is replaced.
        profile: The ranges; how to encode; how many at once; how much of the video; the seed.
        track: Progress.

    Returns:
        Names of the videos, in the order of the sheet.

    Raises:
        UsageError: The folder holds something else, or the source is a picture.
        MediaError: The video cannot be read.
        OutputError: The preview cannot be written.
    """
    if kind_of(source) == "image":
        raise UsageError(f"{source} is a picture; augmentation is for videos", "name a video")
    shots = list(_shots(profile.augment, profile.data.seed))
    names = [shot.name for shot in shots]
    if output.exists() and not _is_preview(output, names):
        raise UsageError(f"{output} holds something else than a preview", "choose another folder: --output")
    with write_folder(output.absolute()) as folder:
        _film(_Film(source, folder, profile.augment), shots, profile, track)
        sheet = contact_sheet(list(_stills(folder, names)), names, columns=_COLUMNS, side=_SIDE)
        _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        with write_atomically(folder / SHEET, "wb") as file:
            file.write(data.tobytes())
    return names


class _Film:
    """Writes one video of the preview in a worker process."""

    def __init__(self, source: Path, folder: Path, settings: AugmentSettings) -> None:
        self._source = source
        self._folder = folder
        self._encoding = Encoding(settings.crf, settings.preset)
        self._seconds = settings.preview_seconds

    def __call__(self, shot: _Shot, report: Callable[[Any], None]) -> DfdetectError | None:
        """Write it; an expected failure travels home as a value."""
        cv2.setNumThreads(1)  # the others have work for the other cores
        target = self._folder / f"{shot.name}.mp4"
        try:
            rewrite_video(
                self._source, target, Chain(shot.entries), encoding=self._encoding, seconds=self._seconds
            )
        except DfdetectError as error:
            return error
        return None


def _film(film: _Film, shots: list[_Shot], profile: Profile, track: Track) -> None:
    jobs = profile.data.jobs or len(sched_getaffinity(0))
    with closing(supervise(film, shots, jobs=jobs, timeout=profile.data.timeout)) as events:
        finished = (event for event in events if isinstance(event, Done | Lost))
        for event in track(finished, "filming", len(shots)):
            if isinstance(event, Lost):
                raise MediaError(f"{shots[event.task].name}: {event.reason}")
            if isinstance(event.value, DfdetectError):
                raise event.value


def _shots(settings: AugmentSettings, seed: int) -> Iterator[_Shot]:
    """Draw an entry of every kind, also of those that the profile leaves out of plans."""
    settings = _strongest(settings)
    yield _Shot("original", ())
    for number, kind in enumerate(get_args(AugmentationKind)):
        rng = np.random.default_rng([seed, number])
        if kind != "noise":
            yield _Shot(kind, (draw_entry(kind, settings, rng),))
            continue
        for noise in get_args(NoiseKind):
            entry = ENTRY.validate_python({"kind": "noise", **drawn_noise(noise, settings, rng)})
            yield _Shot(f"noise-{noise}", (entry,))


def _strongest(settings: AugmentSettings) -> AugmentSettings:
    """Narrow each range to the end further from nothing."""
    ends = {name: max(getattr(settings, name), key=lambda end: (abs(end), end)) for name in _RANGES}
    ends["noise_peak"] = min(settings.noise_peak)
    narrowed: dict[str, Any] = {name: (end, end) for name, end in ends.items()}
    return settings.model_copy(update={**narrowed, "shape_sizes": (max(settings.shape_sizes),)})


def _stills(folder: Path, names: list[str]) -> Iterator[NDArray[np.uint8]]:
    """Take one picture of each video, at the moment when it differs most from the original."""
    originals = _small_frames(folder / f"{names[0]}.mp4")
    yield originals[len(originals) // 2]
    for name in names[1:]:
        frames = _small_frames(folder / f"{name}.mp4")
        best = len(frames) // 2
        if len(frames) == len(originals) and frames[0].shape == originals[0].shape:
            best = int(np.argmax([cv2.norm(a, b) for a, b in zip(frames, originals, strict=True)]))
        yield frames[best]


def _small_frames(path: Path) -> list[NDArray[np.uint8]]:
    """Read a few evenly spaced frames, small enough for the sheet."""
    sampling = Sampling(frames=_MOMENTS, every=0, burst=1, burst_seconds=1.0, burst_beyond=1e9)
    small = []
    with read_frames(path, sampling, threads=1, seek_beyond=1.0) as reader:
        for frame in reader:
            height, width = frame.image.shape[:2]
            scale = min(_SIDE / max(height, width), 1.0)
            size = (max(round(width * scale), 1), max(round(height * scale), 1))
            small.append(np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8))
    return small


def _is_preview(folder: Path, names: list[str]) -> bool:
    """Tell whether a folder holds nothing but a preview, so that it may be replaced."""
    ours = {SHEET, *(f"{name}.mp4" for name in names)}
    return folder.is_dir() and all(path.name in ours for path in folder.iterdir())
