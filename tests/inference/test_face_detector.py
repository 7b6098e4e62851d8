"""Faces are found where facenet-pytorch finds them, in pictures of any size."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from deepfake_cli.core.boxes import iou
from deepfake_cli.errors import ModelError
from deepfake_cli.inference import face_detector
from deepfake_cli.inference.face_detector import FaceDetector, Faces, Sums
from deepfake_cli.profile import load_profile

Image = np.ndarray
CLIPS = os.environ.get("DFDETECT_TEST_CLIPS")  # read here: tests do not see the caller's variables
needs_clips = pytest.mark.skipif(CLIPS is None, reason="DFDETECT_TEST_CLIPS names no folder of videos")

_THRESHOLD = 0.7  # of O-Net: what lies within a thousandth of it may be found by one and missed by the other


@cache
def reference() -> Callable[[Image], Faces]:
    """Make facenet-pytorch's detector."""
    torch = pytest.importorskip("torch", reason="needs the train extra")
    from deepfake_cli.models._torchvision import import_torchvision

    import_torchvision()
    facenet_pytorch = pytest.importorskip("facenet_pytorch", reason="needs the train extra")
    torch.set_num_threads(1)
    mtcnn = facenet_pytorch.MTCNN(keep_all=True)

    def detect(image: Image) -> Faces:
        boxes, probabilities, points = mtcnn.detect(image, landmarks=True)
        if boxes is None:
            return Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
        return Faces(np.float32(boxes), np.float32(points), np.float32(probabilities))

    return detect


def assert_same(found: Faces, wanted: Faces) -> None:
    """Ask for the same faces: overlap 0.99, probability within 0.001, points within a hundredth of a box."""
    for one, other in ((found, wanted), (wanted, found)):
        for box, points, probability in zip(one.boxes, one.points, one.probabilities, strict=True):
            if probability < _THRESHOLD + 0.001:
                continue
            overlaps = iou([box], other.boxes)[0]
            assert overlaps.size
            twin = int(overlaps.argmax())
            assert overlaps[twin] >= 0.99
            assert abs(other.probabilities[twin] - probability) <= 0.001
            assert np.abs(other.points[twin] - points).max() <= 0.01 * (box[2] - box[0]) + 0.1


def turned(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)


def resized(image: Image, width: int, height: int) -> Image:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def collage(portrait: Image) -> Image:
    """Put eight faces of different size, light and turn into one picture, some of them cut off."""
    tiles = [
        resized(portrait, 300, 300),
        turned(resized(portrait, 300, 300), 25),
        np.ascontiguousarray(resized(portrait, 300, 300)[:, ::-1]),
        (resized(portrait, 300, 300) * 0.25).astype(np.uint8),
        np.tile(resized(portrait, 150, 150), (2, 2, 1)),
        cv2.GaussianBlur(resized(portrait, 300, 300), (0, 0), 2),
        np.roll(resized(portrait, 300, 300), 170, axis=1),
        resized(portrait[40:240, 130:330], 300, 300),
    ]
    return np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])])


PICTURES: dict[str, Callable[[Image], Image]] = {
    "portrait": lambda portrait: portrait,
    "collage": collage,
    "odd size": lambda portrait: resized(portrait, 611, 437),
    "large": lambda portrait: cv2.resize(portrait, (960, 960), interpolation=cv2.INTER_CUBIC),
    "small": lambda portrait: resized(portrait, 130, 130),
    "turned": lambda portrait: turned(portrait, -35),
    "upside down": lambda portrait: np.ascontiguousarray(portrait[::-1]),
    "dark": lambda portrait: (portrait * 0.12).astype(np.uint8),
    "noisy": lambda portrait: np.clip(
        portrait + np.random.default_rng(0).normal(0, 25, portrait.shape), 0, 255
    ).astype(np.uint8),
    "cut off": lambda portrait: np.ascontiguousarray(portrait[:, 215:]),
    "tight crop in a border": lambda portrait: cv2.copyMakeBorder(
        portrait[65:200, 172:280], 40, 40, 40, 40, cv2.BORDER_REPLICATE
    ),
    "no face": lambda portrait: np.ascontiguousarray(portrait[300:, :150]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_same_as_facenet_pytorch(portrait: Image, name: str) -> None:
    picture = PICTURES[name](portrait)
    assert_same(FaceDetector().detect(picture), reference()(picture))


def test_the_collage_has_its_faces(portrait: Image) -> None:
    assert len(FaceDetector().detect(collage(portrait))) >= 8


def test_strips_of_a_huge_picture_leave_no_seam(portrait: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, detector = collage(portrait), FaceDetector()
    whole = detector.detect(picture)
    monkeypatch.setattr(face_detector, "_STRIP", 9000)  # this picture is huge now
    np.testing.assert_array_equal(whole.boxes, detector.detect(picture).boxes)
    np.testing.assert_array_equal(whole.probabilities, detector.detect(picture).probabilities)


def test_faces_are_largest_first_and_points_are_in_place(portrait: Image) -> None:
    faces = FaceDetector().detect(collage(portrait))
    sizes = (faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(axis=1)
    assert (np.diff(sizes) <= 0).all()
    assert (faces.boxes.shape, faces.points.shape) == ((len(faces), 4), (len(faces), 5, 2))
    left_eye, right_eye, nose, left_mouth, right_mouth = np.moveaxis(faces.points, 1, 0)
    assert (left_eye[:, 0] < right_eye[:, 0]).all()
    assert (left_mouth[:, 0] < right_mouth[:, 0]).all()
    assert (nose[:, 1] > left_eye[:, 1]).all()
    assert (nose[:, 1] < right_mouth[:, 1]).all()


def test_scaled_search_answers_in_pixels_of_the_picture(portrait: Image) -> None:
    detector = FaceDetector(min_face_size=24)
    big = cv2.resize(portrait, (1500, 1301), interpolation=cv2.INTER_CUBIC)
    (whole,), scaled = detector.detect(big).boxes, detector.detect_scaled(big, 540)
    assert len(scaled) == 1
    assert iou([whole], scaled.boxes)[0, 0] > 0.85
    assert (scaled.points[0] > scaled.boxes[0, :2]).all()
    assert (scaled.points[0] < scaled.boxes[0, 2:]).all()


def test_scaled_search_never_enlarges(portrait: Image) -> None:
    detector = FaceDetector(min_face_size=24)
    np.testing.assert_array_equal(
        detector.detect(portrait).boxes, detector.detect_scaled(portrait, 2000).boxes
    )


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (1, 1000), (1000, 1), (24, 24), (30, 9000)])
def test_pictures_too_small_for_a_face(portrait: Image, size: tuple[int, int]) -> None:
    faces = FaceDetector(min_face_size=24).detect_scaled(resized(portrait, *size[::-1]), 540)
    assert (len(faces), faces.boxes.shape, faces.points.shape) == (0, (0, 4), (0, 5, 2))


def test_enormous_picture(portrait: Image) -> None:
    enormous = cv2.resize(portrait, (8000, 8000), interpolation=cv2.INTER_LINEAR)
    (box,) = FaceDetector(min_face_size=24).detect_scaled(enormous, 540).boxes
    (small,) = FaceDetector(min_face_size=24).detect(portrait).boxes
    assert iou([box], [small * 8000 / 512])[0, 0] > 0.8


def test_sums_beyond_32_bits_are_right() -> None:
    bright = np.full((3500, 3500, 3), 255, np.uint8)
    bright[:, :, 1] = 254
    means = Sums(bright).resized(7, 11)
    assert means.shape == (3, 7, 11)
    np.testing.assert_allclose(means[0], 255, rtol=1e-6)
    np.testing.assert_allclose(means[1], 254, rtol=1e-6)


def test_thresholds_of_none_and_all(portrait: Image) -> None:
    small = resized(portrait, 70, 70)
    assert len(FaceDetector(thresholds=(0, 0, 0)).detect(small)) > 1
    assert len(FaceDetector(thresholds=(1, 0.7, 0.7)).detect(small)) == 0


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"pnet\.onnx"):
        FaceDetector(weights=tmp_path)


def clip_frames(every: int) -> Iterator[tuple[str, Image]]:
    """Read every n-th frame of the clips that the environment names."""
    for path in sorted(Path(CLIPS or "").glob("*.mp4")):
        with av.open(path) as container:
            for i, frame in enumerate(container.decode(video=0)):
                if i % every == every // 2:
                    yield f"{path.name} frame {i}", frame.to_ndarray(format="rgb24")


@needs_clips
def test_same_as_facenet_pytorch_on_clips() -> None:
    detector, seen = FaceDetector(), 0
    for _, frame in clip_frames(every=60):
        wanted = reference()(frame)
        assert_same(detector.detect(frame), wanted)
        seen += len(wanted)
    assert seen


@needs_clips
@pytest.mark.parametrize("height", [None, 1080])
def test_working_size_finds_what_full_size_finds(height: int | None) -> None:
    settings = load_profile().detector
    fast = FaceDetector(min_face_size=settings.min_face, thresholds=settings.thresholds)
    hits, sizes = [], []
    for _, frame in clip_frames(every=100):
        if height:
            frame = cv2.resize(frame, None, fx=height / len(frame), fy=height / len(frame))
        wanted = FaceDetector().detect(frame)
        boxes = wanted.boxes[wanted.probabilities >= 0.95]
        found = fast.detect_scaled(frame, settings.short_side).boxes
        hits += (iou(boxes, found) > 0.5).any(axis=1).tolist()
        sizes += (boxes[:, 2:] - boxes[:, :2]).max(axis=1).tolist()
    large = np.array(sizes) >= 60
    assert large.any()
    assert np.array(hits)[large].all()
    assert np.mean(hits) >= 0.95
