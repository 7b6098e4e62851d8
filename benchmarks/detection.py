"""Measure face detection against facenet-pytorch: agreement, recall at the working size, and time.

usage: python benchmarks/detection.py CLIPS [EVERY]

CLIPS is a folder of videos, of which every EVERY-th frame (50) is taken. Times are CPU seconds of one thread,
medians of 5 with the candidates taking turns, so that other work counts alike. Prints Markdown; the last
output is in detection.md.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_cli.core.boxes import iou
from deepfake_cli.inference.face_detector import FaceDetector, Faces
from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.profile import load_profile

import_torchvision()

from facenet_pytorch import MTCNN  # noqa: E402

RUNS = 5
TIMED = 6  # frames
GRIDS = {2: 12, 4: 6, 6: 4}  # tiles a side of a 1080p collage: how many collages
SURE = 0.95  # probability of the full-size boxes that the working size has to find
LARGE = 60  # pixels
SETTINGS = load_profile().detector

Image = NDArray[np.uint8]
Detect = Callable[[Image], Faces]


def read_clips(folder: Path, every: int) -> list[Image]:
    """Read every n-th frame of all clips."""
    frames = []
    for path in sorted(folder.glob("*.mp4")):
        with av.open(str(path)) as container:
            for i, frame in enumerate(container.decode(video=0)):
                if i % every == every // 2:
                    frames.append(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8))
    return frames


def resized(frame: Image, size: tuple[int, int]) -> Image:
    """Scale to (width, height)."""
    method = cv2.INTER_AREA if size[0] < frame.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, size, interpolation=method), dtype=np.uint8)


def fitted(frame: Image, width: int, height: int) -> Image:
    """Scale a frame into a black rectangle."""
    scale = min(width / frame.shape[1], height / frame.shape[0])
    size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    tile = np.zeros((height, width, 3), np.uint8)
    tile[y : y + size[1], x : x + size[0]] = resized(frame, size)
    return tile


def degraded(frame: Image, rng: np.random.Generator) -> Image:
    """Turn a frame up to 45 degrees, darken, blur and soil it, sometimes cut it in two."""
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-45, 45), rng.uniform(0.8, 1.1))
    picture: NDArray[Any] = cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    picture = 255 * (picture / 255) ** rng.uniform(0.6, 2.5) * rng.uniform(0.3, 1)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 3))
    picture += rng.normal(0, rng.uniform(0, 12), frame.shape)
    if rng.random() < 0.3:
        picture = np.roll(picture, int(rng.integers(width // 3)), axis=1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_sets(frames: list[Image]) -> Iterator[tuple[str, list[Image]]]:
    """Make the pictures that recall is measured on."""
    yield "clips as they are", frames
    yield "clips enlarged to 1080p", [fitted(frame, 1920, 1080) for frame in frames[::3]]
    rng = np.random.default_rng(0)
    for side, count in GRIDS.items():
        for kind in ("", ", degraded"):
            collages = []
            for _ in range(count):
                tiles = [frames[i] for i in rng.integers(len(frames), size=side * side)]
                tiles = [degraded(tile, rng) for tile in tiles] if kind else tiles
                tiles = [fitted(tile, 1920 // side, 1080 // side) for tile in tiles]
                rows = [np.hstack(tiles[i : i + side]) for i in range(0, len(tiles), side)]
                collages.append(np.vstack(rows))
            yield f"1080p collages of {side} x {side}{kind}", collages


def package() -> Detect:
    """Make facenet-pytorch's detector answer as ours does."""
    mtcnn = MTCNN(keep_all=True)

    def detect(image: Image) -> Faces:
        boxes, probabilities, points = mtcnn.detect(image, landmarks=True)
        if boxes is None:
            return Faces(*(np.zeros(shape, np.float32) for shape in ((0, 4), (0, 5, 2), 0)))
        return Faces(*(np.array(part, dtype=np.float32) for part in (boxes, points, probabilities)))

    return detect


def working() -> Detect:
    """Make the detector of a scan with default settings."""
    detector = FaceDetector(min_face_size=SETTINGS.min_face, thresholds=SETTINGS.thresholds)
    return lambda image: detector.detect_scaled(image, SETTINGS.short_side)


def print_agreement(frames: list[Image]) -> None:
    """Compare with the package at the same size and settings."""
    theirs, ours = package(), FaceDetector().detect
    faces = unmatched = 0
    worst = np.array([1.0, 0.0, 0.0])
    for frame in frames:
        wanted, found = theirs(frame), ours(frame)
        faces += len(wanted)
        unmatched += abs(len(wanted) - len(found))
        for box, points, probability in zip(wanted.boxes, wanted.points, wanted.probabilities, strict=True):
            overlaps = iou([box], found.boxes)[0]
            i = int(overlaps.argmax())
            worst[0] = min(worst[0], overlaps[i])
            worst[1] = max(worst[1], abs(found.probabilities[i] - probability))
            worst[2] = max(worst[2], np.abs(found.points[i] - points).max())
    print(
        "| pictures | faces | only in one | least overlap | largest difference of probability | of a point |"
    )
    print("|---|---|---|---|---|---|")
    overlap, probability, point = worst
    print(f"| {len(frames)} | {faces} | {unmatched} | {overlap:.5f} | {probability:.1e} | {point:.1e} px |\n")


def print_recall(sets: Iterator[tuple[str, list[Image]]]) -> None:
    """Compare the working size with the full one."""
    full, fast = FaceDetector().detect, working()
    print(f"| pictures | number | found, {LARGE} px and more | found, all | extra boxes |")
    print("|---|---|---|---|---|")
    for name, pictures in sets:
        hits: list[Any] = []
        sizes: list[float] = []
        extra = 0
        for picture in pictures:
            wanted, found = full(picture), fast(picture)
            overlaps = iou(wanted.boxes, found.boxes) > 0.5
            sure = wanted.probabilities >= SURE
            hits += np.any(overlaps[sure], axis=1).tolist()
            sizes += (wanted.boxes[sure, 2:] - wanted.boxes[sure, :2]).max(axis=1, initial=0).tolist()
            extra += int((found.probabilities[~overlaps.any(axis=0)] >= SETTINGS.probability).sum())
        large = np.array(hits)[np.array(sizes) >= LARGE]
        counts = f"{large.sum()} of {large.size} | {sum(hits)} of {len(hits)} | {extra}"
        print(f"| {name} | {len(pictures)} | {counts} |")
    print()


def print_times(frames: list[Image]) -> None:
    """Time some frames enlarged to 1080p."""
    large = [resized(frame, (1920, 1080)) for frame in frames[:: max(len(frames) // TIMED, 1)][:TIMED]]
    small = [resized(frame, (960, 540)) for frame in large]
    theirs, ours, fast = package(), FaceDetector().detect, working()
    candidates: dict[str, tuple[Detect, list[Image]]] = {
        "facenet-pytorch, 1080p": (theirs, large),
        "ours, same boxes, 1080p": (ours, large),
        "facenet-pytorch, 540p": (theirs, small),
        "ours, same boxes, 540p": (ours, small),
        f"ours, defaults of scan ({SETTINGS.short_side}p, scaling included)": (fast, large),
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(RUNS + 1):
        for name, (detect, pictures) in candidates.items():
            start = time.process_time()
            for picture in pictures:
                detect(picture)
            times[name].append((time.process_time() - start) / len(pictures))
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}  # first: warm-up
    slowest = next(iter(medians.values()))
    print("| detector | CPU ms a frame | faster by |")
    print("|---|---|---|")
    for name, seconds in medians.items():
        print(f"| {name} | {1000 * seconds:.1f} | {slowest / seconds:.1f} |")


def main() -> None:
    """Print the three tables."""
    folder, every = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    frames = read_clips(folder, every)
    print_agreement(frames)
    print_recall(test_sets(frames))
    print_times(frames)


if __name__ == "__main__":
    main()
