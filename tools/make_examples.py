"""Make the two example clips of `make demo`: a moving portrait, and its manipulated twin.

usage: python tools/make_examples.py [FOLDER]    default: examples

The portrait is NASA's picture of Eileen Collins, in the public domain, as scikit-image ships it. `real.mp4`
films it with a hand-held camera: a slow pan, zoom and turn, changing light, sensor noise. `fake.mp4` is the
same footage after a face swap: in every frame the inner face is replaced by another rendition of a face,
mirrored, with other proportions, other colours and less detail, blended in behind a soft mask, a little
unsteady. The manipulation was fixed before the first scan and never fitted to a detector, nor is either clip
trained on.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Points = NDArray[np.float64]  # (N, 2) pixels, x to the right, y down
Affine = NDArray[np.float64]  # (2, 3), maps the portrait's pixels to a frame's

FPS, FRAMES = 25, 80
WIDTH, HEIGHT = 640, 480

# The portrait's face, pixel by pixel, in pairs of left and right so that mirroring is a change of order.
PAIRS = [
    ((187, 84), (265, 88)),  # temples
    ((181, 110), (270, 112)),  # cheekbones
    ((183, 140), (267, 137)),  # jaw
    ((195, 162), (256, 158)),
    ((210, 174), (243, 172)),
    ((191, 91), (263, 94)),  # brows, outer and inner end
    ((212, 92), (239, 93)),
    ((193, 101), (258, 104)),  # eyes, outer corner, centre, inner corner
    ((203, 101), (246, 103)),
    ((212, 103), (236, 105)),
    ((213, 131), (235, 131)),  # nostrils
    ((202, 140), (248, 139)),  # corners of the mouth
]
MIDDLE = [(225, 82), (224, 112), (224, 127), (225, 140), (225, 153), (226, 178)]  # forehead, nose, lips, chin
LEFT, RIGHT = slice(0, len(PAIRS)), slice(len(PAIRS), 2 * len(PAIRS))
FACE: Points = np.array([a for a, _ in PAIRS] + [b for _, b in PAIRS] + MIDDLE, np.float64)
# What the mask is drawn within: temples, cheekbones, the jaw, the middle of the forehead.
OUTLINE = [0, 1, 2, 3, 4, *(len(PAIRS) + i for i in (4, 3, 2, 1, 0)), 2 * len(PAIRS)]


def main() -> None:
    """Write `real.mp4` and `fake.mp4` into the folder named on the command line."""
    from skimage.data import astronaut

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "examples")
    folder.mkdir(parents=True, exist_ok=True)
    portrait: Image = astronaut()
    with encoder(folder / "real.mp4") as real, encoder(folder / "fake.mp4") as fake:
        for frame, twin in footage(portrait):
            real(frame)
            fake(twin)
    print(f"{folder / 'real.mp4'} and {folder / 'fake.mp4'}: {FRAMES} frames each")


def film(portrait: Image) -> Iterator[tuple[Image, Affine]]:
    """Film the portrait.

    Yields:
        The frame, and where the camera stood.
    """
    noise = np.random.default_rng(2024)
    for i in range(FRAMES):
        t = i / FRAMES
        turned = cv2.getRotationMatrix2D((226, 130), 2.5 * np.sin(2 * np.pi * t), 1.45 + 0.15 * t)
        camera: Affine = np.asarray(turned, np.float64)
        camera[:, 2] += (WIDTH / 2 - 226 + 36 * (t - 0.5), HEIGHT / 2 - 150 + 10 * np.sin(3 * np.pi * t))
        sharp = cv2.warpAffine(
            portrait, camera, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        warmth = 1 + 0.06 * np.sin(2 * np.pi * (t + 0.1)) * np.array([1.0, 0.97, 0.92])
        frame = sharp * warmth
        frame += noise.normal(0, 2.0, frame.shape)
        yield np.clip(frame, 0, 255).astype(np.uint8), camera


def footage(portrait: Image) -> Iterator[tuple[Image, Image]]:
    """Film the portrait; yield each frame, and the same with the other face over its own."""
    donor, donor_points = other_face(portrait)
    jitter = np.random.default_rng(7)
    for frame, camera in film(portrait):
        target = FACE @ camera[:, :2].T + camera[:, 2]
        # A face swap follows the face by landmarks found anew in each frame, which are never quite the same.
        target += jitter.normal(0, 0.5, (1, 2)) + jitter.normal(0, 0.25, target.shape)
        yield frame, blend(frame, warp(donor, donor_points, target), target)


def other_face(portrait: Image) -> tuple[Image, Points]:
    """Make the face to put in: mirrored, of other proportions, other colours, less detail.

    Returns:
        The picture (512, 512, 3), and where its landmarks are, in the order of `FACE`.
    """
    mirrored = FACE.copy()
    mirrored[:, 0] = portrait.shape[1] - 1 - mirrored[:, 0]
    points = mirrored.copy()
    points[LEFT], points[RIGHT] = mirrored[RIGHT], mirrored[LEFT]
    # Said to be wider than they are, features come out narrower.
    eyes, mouth, nose = [7, 8, 9], 11, 10
    for i in eyes:
        points[i] += (2.0, -2.5)
        points[len(PAIRS) + i] += (-2.0, -2.5)
    points[mouth] += (-4.0, -1.0)
    points[len(PAIRS) + mouth] += (4.0, -1.0)
    points[nose] += (2.0, 2.0)
    points[len(PAIRS) + nose] += (-2.0, 2.0)
    side = portrait.shape[1]
    coarse = cv2.resize(portrait[:, ::-1], (side * 2 // 3, side * 2 // 3), interpolation=cv2.INTER_AREA)
    donor = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float64)
    donor = donor * (0.93, 0.99, 1.04) + (-6.0, 2.0, 6.0)  # a cooler complexion
    return np.clip(donor, 0, 255).astype(np.uint8), points


def warp(image: Image, points: Points, target: Points) -> Image:
    """Warp a picture so that its landmarks fall on a frame's, by thin-plate splines (Bookstein 1989)."""

    def kernel(a: Points, b: Points) -> NDArray[np.float64]:
        squared = ((a[:, None] - b[None]) ** 2).sum(2)
        return np.asarray(squared * np.log(np.maximum(squared, 1e-9)))

    n = len(target)
    affine = np.hstack([np.ones((n, 1)), target])
    system = np.block([[kernel(target, target) + 20.0 * np.eye(n), affine], [affine.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(system, np.vstack([points, np.zeros((3, 2))]))
    ys, xs = np.mgrid[0:HEIGHT:8, 0:WIDTH:8]
    grid = np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)
    source = np.hstack([kernel(grid, target), np.ones((len(grid), 1)), grid]) @ weights
    coarse = source.reshape(*xs.shape, 2).astype(np.float32)
    # One value every 8 pixels, brought to full size so that pixel (8 i, 8 j) keeps the value computed for it.
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / 8
    lookup = cv2.remap(coarse, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped = cv2.remap(image, lookup[..., 0], lookup[..., 1], cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def blend(frame: Image, face: Image, target: Points) -> Image:
    """Lay the face over the frame behind a soft mask, its colours drawn most of the way to the frame's."""
    width = np.ptp(target[:, 0])
    outline = target[OUTLINE]
    inner = outline.mean(0) + 0.86 * (outline - outline.mean(0))
    mask = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(inner).astype(np.int32)), 255)
    within = mask > 0
    drawn = face.astype(np.float64)
    for c in range(3):
        have, want = drawn[within, c], frame[within, c].astype(np.float64)
        matched = (drawn[..., c] - have.mean()) / have.std() * want.std() + want.mean()
        drawn[..., c] = 0.7 * matched + 0.3 * drawn[..., c]
    soft = cv2.GaussianBlur(mask.astype(np.float64) / 255, (0, 0), 0.025 * width)[..., None]
    return np.clip(np.round(soft * drawn + (1 - soft) * frame), 0, 255).astype(np.uint8)


@contextmanager
def encoder(path: Path) -> Iterator[Callable[[Image], None]]:
    """Open a video to add frames to: H.264; one thread, so that the same frames give the same bytes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(FPS), options={"crf": "20", "preset": "medium"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        yield lambda pixels: container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
