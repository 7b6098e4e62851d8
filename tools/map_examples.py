"""Draw example maps for a generator's model card, of faces that are made here.

usage: python tools/map_examples.py MODEL PICTURE

The faces are frames of the clips of `make_examples.py`: the filmed portrait, its swapped twin, and
self-blended forgeries of it, half of them damaged as footage is. Those whose maps come nearest to the middle
of their kind are the typical ones, and the brightest maps of real faces and the darkest ones of fakes the
failed ones: nothing is picked by eye.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from deepfake_cli.core.faces import cut_face
from deepfake_cli.core.forgeries import self_blend
from deepfake_cli.core.mri import dissimilarity
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.inference.face_detector import FaceDetector
from deepfake_cli.inference.mri_generator import MriGenerator
from deepfake_cli.io.files import write_atomically
from deepfake_cli.pipeline.models import resolve_generator
from deepfake_cli.training.transforms import damage
from make_examples import footage

Picture = NDArray[np.uint8]
EVERY = 4  # frames
TYPICAL, FAILED = 6, 3  # of each kind
SIDE = 128  # of a picture on the sheet, pixels


@dataclass(frozen=True)
class Example:
    """A face, its true map and what the generator paints, (S, S, 3) uint8 each."""

    kind: str
    face: Picture
    truth: Picture
    painted: Picture

    @property
    def mean(self) -> float:
        """Brightness of the painted map, in [0, 1]."""
        return float(self.painted.mean()) / 255


def main() -> None:
    """Draw the sheet: typical examples first, then failed ones, each with face, true and painted map."""
    examples = list(paint(sys.argv[1]))
    reals = [example for example in examples if example.kind == "real"]
    fakes = [example for example in examples if example.kind != "real"]
    shown = [*typical(fakes), *typical(reals), *failed(fakes, 1), *failed(reals, -1)]
    pictures = [picture for one in shown for picture in (one.face, one.truth, one.painted)]
    titles = [title for one in shown for title in (one.kind, "true map", f"painted {one.mean:.3f}")]
    sheet = contact_sheet(pictures, titles, columns=9, side=SIDE)
    _, data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    with write_atomically(Path(sys.argv[2]), "wb") as file:
        file.write(data.tobytes())
    for name, kind in (("real", reals), ("fake", fakes)):
        means = [example.mean for example in kind]
        low, middle, high = np.percentile(means, (0, 50, 100))
        print(f"{len(kind)} {name} faces: means of maps from {low:.4f} over {middle:.4f} to {high:.4f}")


def paint(model: str) -> Iterator[Example]:
    """Paint a map of every face."""
    folder = resolve_generator(model)
    given = folder.config.input
    generator = MriGenerator(folder.onnx, size=given.size, mean=given.mean, std=given.std)
    for kind, real, fake, box, seed in faces():
        how = np.random.default_rng(seed)
        seen = damage(fake, how) if seed % 2 else fake
        face = cut_face(seen, box, given.size, given.margin)
        one, two = (cut_face(picture, box, given.size, given.margin) for picture in (real, fake))
        truth = np.rint(dissimilarity(one, two, "ssim") * 255).astype(np.uint8)
        painted = np.rint(generator.paint(face[None])[0] * 255).astype(np.uint8)
        yield Example(kind, face, truth, painted)


def faces() -> Iterator[tuple[str, Picture, Picture, NDArray[np.float32], int]]:
    """Yield kind, original, what is looked at, box and seed of every face."""
    detector = FaceDetector(min_face_size=60)
    for number, (frame, twin) in enumerate(footage(astronaut())):
        if number % EVERY:
            continue
        found = detector.detect(frame)
        box, points = found.boxes[0], found.points[0]
        view, forged, _ = self_blend(frame, points, np.random.default_rng(number))
        yield "real", frame, frame, box, 2 * number
        yield "real", frame, frame, box, 2 * number + 1
        yield "swapped", frame, twin, box, number // EVERY
        yield "self-blended", view, forged, box, number // EVERY + 1


def typical(examples: list[Example]) -> list[Example]:
    """Take those whose maps are nearest to the median brightness."""
    middle = np.median([example.mean for example in examples])
    return sorted(examples, key=lambda example: abs(example.mean - middle))[:TYPICAL]


def failed(examples: list[Example], sign: int) -> list[Example]:
    """Take those with the darkest maps, or with the brightest if the sign is -1."""
    return sorted(examples, key=lambda example: sign * example.mean)[:FAILED]


if __name__ == "__main__":
    main()
