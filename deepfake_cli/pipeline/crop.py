"""Cut faces out of videos and pictures: the use case behind ``dfdetect data crop``."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.align import align_face, cut_box
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.crops import Crop, Crops, read_crops, write_crops
from deepfake_cli.io.files import check_readable
from deepfake_cli.io.index import IndexRow, read_index, read_source
from deepfake_cli.io.landmarks import Face, FrameFaces, Landmarks, read_landmarks
from deepfake_cli.io.workspace import DatasetFolder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import CropSettings, Profile

from .media import Media, open_media, sampling_of
from .stages import StageReport, fingerprint, media_path, run_stage

_FORMAT = 1  # of what is cut; another number, and older crops are cut anew
_PNG_LEVEL = 1  # a seventh larger than level 6, in a quarter of its time
_ROUNDING = 0.001  # seconds; times are stored in milliseconds


def crop_faces(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> StageReport:
    """Cut the faces that ``find_landmarks`` found, one picture a face.

    A fake that names its original is cut by the original's boxes.

    Returns:
        The report. It counts ``faces``, those of them that are ``paired`` with an original, files that are
        ``faceless``, and faces that are ``unmatched``: found in an original, with no frame of that moment in
        the fake.

    Raises:
        DataError: The index or the landmarks are missing or damaged.
        UsageError: Another process works on the data set.
        OutputError: The disk does not take the pictures.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")
    require(folder.landmarks, f"dfdetect data landmarks {folder.name}")
    work = CropWork(folder, read_source(folder).root, profile)
    return run_stage(
        folder,
        "crop",
        work,
        read_index(index),
        output=folder.crops,
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=sum(1 for _ in read_index(index)),
    )


def names_original(row: IndexRow) -> bool:
    """Whether it is a fake that another video's boxes are for."""
    return row.fake and row.original not in ("", row.id)


class CropWork:
    """Cuts the faces of one video or picture.

    Args:
        folder: Of the data set.
        root: Where its raw files lie.
        profile: How to cut.
    """

    def __init__(self, folder: DatasetFolder, root: Path, profile: Profile) -> None:
        self._folder, self._root = folder, root
        self._settings, self._seek_beyond = profile.crop, profile.scan.seek_beyond

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Cut the faces of a row, unless that is done.

        Raises:
            MediaError: The file cannot be read, or no faces were sought in it.
            OutputError: The pictures cannot be written.
        """
        path = media_path(self._folder, self._root, row)
        size = check_readable(path).st_size
        boxes_from, landmarks = self._landmarks(row)
        settings = self.fingerprint(landmarks.settings, boxes_from, size)
        target = self._folder.crops / row.id
        crops = _finished(target, settings)
        if crops is None:
            with open_folder(target, self._settings, settings, boxes_from) as cutter:
                if landmarks.faces:
                    sampling = sampling_of(landmarks.every, landmarks.count)
                    with open_media(path, sampling, self._seek_beyond) as media:
                        self._cut(media, landmarks, cutter, paired=boxes_from != row.id)
            crops = cutter.crops()
        return {
            "faces": len(crops.faces),
            "paired": len(crops.faces) if crops.boxes_from != row.id else 0,
            "unmatched": crops.unmatched,
            "faceless": int(not crops.faces and not crops.unmatched),
        }

    def fingerprint(self, landmarks: str, boxes_from: str, size: int) -> str:
        """Tell crops apart by all that they depend on.

        Args:
            landmarks: Fingerprint of the landmarks they are cut by.
            boxes_from: Whose those are.
            size: Bytes of the video.
        """
        return fingerprint(_FORMAT, self._settings.model_dump_json(), landmarks, boxes_from, size)

    def _landmarks(self, row: IndexRow) -> tuple[str, Landmarks]:
        """Find the landmarks to cut by, and whose they are: the original's, or else the own ones."""
        for id in (row.original, row.id) if names_original(row) else (row.id,):
            path = self._folder.landmarks / f"{id}.json"
            if path.exists():
                try:
                    return id, read_landmarks(path)
                except DataError as error:
                    raise MediaError(error.message, error.hint) from error
        more = f", nor has its original {row.original}" if names_original(row) else ""
        raise MediaError(f"no faces were sought in it{more}", "run: dfdetect data landmarks")

    def _cut(self, media: Media, landmarks: Landmarks, cutter: "Cutter", *, paired: bool) -> None:
        wanted = {found.frame: found for found in landmarks.frames if found.faces}
        last = max(wanted)
        # A fake's frame shows the same moment if the two are less than half a frame apart.
        near = (0.5 / media.frame_rate if media.frame_rate else 0.0) + _ROUNDING
        ratio = media.width / landmarks.width, media.height / landmarks.height
        for frame in media.frames:
            found = wanted.get(frame.index)
            if found is not None and (not paired or abs(frame.time - found.time) <= near):
                cutter.cut(frame.image, found, ratio if paired else (1.0, 1.0))
                del wanted[frame.index]
            if frame.index >= last:
                break
        cutter.leave_out(wanted.values())


class Cutter:
    """Cuts faces frame by frame into a folder; made by ``open_folder``."""

    def __init__(self, folder: Path, settings: CropSettings, fingerprint: str, boxes_from: str) -> None:
        self._folder, self._settings = folder, settings
        self._fingerprint, self._boxes_from = fingerprint, boxes_from
        self._faces: list[Crop] = []
        self._unmatched = 0

    def cut(
        self, image: NDArray[np.uint8], found: FrameFaces, ratio: tuple[float, float] = (1.0, 1.0)
    ) -> None:
        """Cut the faces of a frame.

        Args:
            image: (H, W, 3) RGB.
            found: Its faces.
            ratio: Width and height of the frame relative to that in which they were found.
        """
        how = self._settings
        for number, face in enumerate(self._chosen(found)):
            box, points = np.array(face.box) * np.tile(ratio, 2), np.array(face.points) * ratio
            cut = (align_face if how.align else cut_box)(image, box, points, how.margin, how.size)
            if cut is None:
                self._unmatched += 1
                continue
            name = f"{found.frame:05}_{number}.{'png' if how.format == 'png' else 'jpg'}"
            (self._folder / name).write_bytes(_encoded(cut.picture, how))
            sides, places = _numbers(cut.box), _numbers(cut.points)
            crop = Crop(name, found.frame, number, found.time, sides, places, face.probability)
            self._faces.append(crop)

    def leave_out(self, frames: Iterable[FrameFaces]) -> None:
        """Count the faces of frames that there is no picture of."""
        self._unmatched += sum(len(self._chosen(found)) for found in frames)

    def crops(self) -> Crops:
        """Return what was cut so far."""
        return Crops(self._fingerprint, self._boxes_from, tuple(self._faces), self._unmatched)

    def _chosen(self, found: FrameFaces) -> tuple[Face, ...]:
        return found.faces[:1] if self._settings.faces == "largest" else found.faces


@contextmanager
def open_folder(target: Path, settings: CropSettings, fingerprint: str, boxes_from: str) -> Iterator[Cutter]:
    """Cut the faces of one video into a folder that appears when it is whole.

    Raises:
        OutputError: It cannot be written.
    """
    with write_folder(target) as folder:
        cutter = Cutter(folder, settings, fingerprint, boxes_from)
        yield cutter
        write_crops(folder, cutter.crops())


def _numbers(array: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.round(array.ravel(), 2).tolist())  # as they are stored


def _encoded(picture: NDArray[np.uint8], how: CropSettings) -> bytes:
    options = [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL]
    if how.format == "jpeg":
        options = [cv2.IMWRITE_JPEG_QUALITY, how.quality]
    _, data = cv2.imencode(f".{how.format}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return bytes(data)


def _finished(folder: Path, settings: str) -> Crops | None:
    """Return what was cut before, where it was cut in the same way."""
    try:
        crops = read_crops(folder)
    except DataError:
        return None
    return crops if crops.settings == settings else None
