"""Paint the maps of one video or picture, on one core."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_face, fit_face
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.errors import DfdetectError, MediaError
from deepfake_cli.io.model_folder import GeneratorFolder
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.video import Frame
from deepfake_cli.io.workspace import write_folder
from deepfake_cli.settings import InspectSettings, Profile

from .media import open_media, sampling_of
from .result import Model
from .workers import Report

if TYPE_CHECKING:
    from deepfake_cli.inference.face_detector import FaceDetector
    from deepfake_cli.inference.mri_generator import MriGenerator

TABLE = "maps.json"
SHEET = "sheet.png"

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PaintedFace:
    """The map of one face.

    Attributes:
        file: Name of the map in the folder.
        frame: Place among the sampled frames, from 0.
        time: Seconds since the video's first frame.
        face: Place among the faces of the frame, 0 for the largest.
        box: x0, y0, x1, y1 of the face in pixels of the frame.
        mean: Of the map, in [0, 1].
    """

    file: str
    frame: int
    time: float
    face: int
    box: tuple[float, ...]
    mean: float


@dataclass(frozen=True, slots=True)
class Painted:
    """What became of one file.

    Attributes:
        file: Its path, as it was given.
        model: What painted.
        folder: Where its maps are; empty where it could not be read.
        frames: How many frames were looked at.
        maps: In order of frame and face.
        sheet: Name of the sheet in the folder, if there is one.
        notes: What was wrong with a file that could be read.
        problem: Why it could not be read; empty where it could.
        hint: What to do about that, if anything helps.
    """

    file: str
    model: Model
    folder: str = ""
    frames: int = 0
    maps: tuple[PaintedFace, ...] = ()
    sheet: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""

    @property
    def mean(self) -> float | None:
        """Mean of all its maps, in [0, 1]; None without one."""
        return round(sum(one.mean for one in self.maps) / len(self.maps), 4) if self.maps else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"mean": self.mean}


class Painter:
    """Paints files; loads its networks with the first one, so a fresh one can be sent to another process.

    Args:
        model: What paints.
        profile: How to sample and to seek faces, and how large sheets are.
        cut: Pictures and frames are faces as a whole.
        sheets: Also lay faces and maps side by side on a sheet.
    """

    def __init__(self, model: GeneratorFolder, profile: Profile, *, cut: bool, sheets: bool) -> None:
        self._model, self._profile = model, profile
        self._name = Model(model.config.name, model.revision)
        self._cut, self._sheets = cut, sheets

    def __call__(self, task: tuple[str, Path], report: Report) -> Painted | DfdetectError:
        """Paint a file into a folder; an error that is not the file's is returned, for others to raise."""
        file, target = task
        cv2.setNumThreads(1)  # the workers share the processor among themselves
        try:
            return self._paint(file, target)
        except MediaError as error:
            return self.unreadable(file, error.message, error.hint)
        except DfdetectError as error:
            return error

    def unreadable(self, file: str, problem: str, hint: str = "") -> Painted:
        """Make the result for a file that could not be read."""
        return Painted(file, self._name, problem=problem, hint=hint)

    def _paint(self, file: str, target: Path) -> Painted:
        sampling, maps, frames = sampling_of(1, self._profile.predict.frames), list[PaintedFace](), 0
        sheet = _Sheet(self._profile.inspect)
        with write_folder(target) as folder:
            with open_media(Path(file), sampling, self._profile.scan.seek_beyond) as media:
                for frame in media.frames:
                    frames += 1
                    for face, picture, painted in self._look(frame):
                        (folder / face.file).write_bytes(encode_png(painted))
                        maps.append(face)
                        if self._sheets:
                            sheet.add(picture, painted, face)
            if drawn := self._sheets and bool(maps):
                (folder / SHEET).write_bytes(encode_png(sheet.draw()))
            result = Painted(
                file, self._name, str(target), frames, tuple(maps), SHEET * drawn, tuple(media.notes)
            )
            (folder / TABLE).write_text(json.dumps(result.to_json(), indent=2) + "\n", "utf-8")
        return result

    def _look(self, frame: Frame) -> Iterator[tuple[PaintedFace, Picture, Picture]]:
        """Find the faces of a frame; yield each with its picture and map, both (S, S, 3)."""
        boxes, faces = self._faces(frame.image)
        painted = np.rint(self._generator.paint(faces) * 255).astype(np.uint8)
        for number, (box, face, picture) in enumerate(zip(boxes, faces, painted, strict=True)):
            name = f"{frame.index:05}_{number}.png"
            sides = tuple(round(float(side), 1) for side in box)
            mean = round(float(picture.mean()) / 255, 4)
            yield (
                PaintedFace(name, frame.index, round(frame.time, 3), number, sides, mean),
                face,
                picture,
            )

    def _faces(self, image: Picture) -> tuple[NDArray[np.float32], Picture]:
        """Cut the faces of a frame as scanning does: boxes (N, 4), pictures (N, S, S, 3)."""
        how, size = self._profile.detector, self._model.config.input.size
        if self._cut:
            height, width = image.shape[:2]
            return np.array([[0, 0, width, height]], np.float32), fit_face(image, size)[None]
        short_side = how.short_side or min(image.shape[:2])
        found = self._detector.detect_scaled(image, short_side)
        boxes = found.boxes[found.probabilities >= how.probability]
        faces = np.empty((len(boxes), size, size, 3), np.uint8)
        for face, box in zip(faces, boxes, strict=True):
            face[:] = cut_face(image, box, size, self._model.config.input.margin)
        return boxes, faces

    @cached_property
    def _generator(self) -> "MriGenerator":
        return open_generator(self._model)

    @cached_property
    def _detector(self) -> "FaceDetector":
        from deepfake_cli.inference.face_detector import FaceDetector

        how = self._profile.detector
        return FaceDetector(min_face_size=how.min_face, thresholds=how.thresholds)


def open_generator(model: GeneratorFolder) -> "MriGenerator":
    """Load the network of a generator's folder.

    Raises:
        ModelError: It cannot be loaded, or does not fit its `config.json`.
    """
    from deepfake_cli.inference.mri_generator import MriGenerator

    how = model.config.input
    return MriGenerator(model.onnx, size=how.size, mean=how.mean, std=how.std)


class _Sheet:
    """Faces beside their maps, as many as a sheet may hold, evenly spread over the file."""

    def __init__(self, settings: InspectSettings) -> None:
        self._settings = settings
        self._pairs: list[tuple[Picture, Picture, PaintedFace]] = []
        self._seen, self._step = 0, 1

    def add(self, face: Picture, painted: Picture, what: PaintedFace) -> None:
        """Offer a face and its map."""
        if self._seen % self._step == 0:
            self._pairs.append((face, painted, what))
        self._seen += 1
        if 2 * len(self._pairs) > max(self._settings.pictures, 2):
            del self._pairs[1::2]
            self._step *= 2

    def draw(self) -> Picture:
        """Lay out the sheet."""
        pictures = [picture for face, painted, _ in self._pairs for picture in (face, painted)]
        titles = [
            title
            for *_, what in self._pairs
            for title in (Path(what.file).stem, f"map, mean {what.mean:.3f}")
        ]
        columns = max(self._settings.columns // 2, 1) * 2
        return contact_sheet(pictures, titles, columns=columns, side=self._settings.side)
