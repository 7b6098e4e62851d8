"""Find faces with the MTCNN cascade, as facenet-pytorch does but without torch.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016. The
weights and every convention (rounding, the extra pixel, the order of suppression) are those of
``facenet_pytorch.MTCNN`` 2.5.3, so that boxes, points and probabilities agree with it at the same input size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from deepfake_cli.core.boxes import nms

from .session import open_session

WEIGHTS = Path(__file__).parents[1] / "weights" / "mtcnn"

_CELL = 12  # pixels that one output of P-Net sees
_STRIDE = 2  # pixels between two outputs of P-Net
_BATCH = 256  # candidates that pass R-Net or O-Net at once, to bound memory in crowds

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, largest first.

    Attributes:
        boxes: (N, 4) x0, y0, x1, y1 in pixels; may reach outside the frame.
        points: (N, 5, 2) x, y in pixels: the eyes, the nose, the corners of the mouth, left in the picture first.
        probabilities: (N,) that it is a face, in [0, 1].
    """

    boxes: FloatArray
    points: FloatArray
    probabilities: FloatArray

    def __len__(self) -> int:
        return len(self.boxes)


class FaceDetector:
    """Detect faces and their five points.

    Args:
        threads: Threads of each network; one is fastest, as the networks are tiny.
        min_face_size: Smallest face looked for, in pixels.
        thresholds: Least probability to pass P-, R- and O-Net.
        factor: Step between the scales at which P-Net looks at the picture, in (0, 1).
        weights: Folder with ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``.

    Raises:
        ModelError: The weights are missing or damaged.
    """

    def __init__(
        self,
        threads: int = 1,
        min_face_size: float = 20,
        thresholds: Sequence[float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
        weights: Path = WEIGHTS,
    ) -> None:
        self.min_face_size = min_face_size
        self.thresholds = tuple(thresholds)
        self.factor = factor
        self._pnet, self._rnet, self._onet = (
            open_session(weights / f"{name}.onnx", threads) for name in ("pnet", "rnet", "onet")
        )

    def detect(self, image: Image) -> Faces:
        """Find the faces of a picture at its own size.

        Args:
            image: (H, W, 3) RGB.
        """
        return self._detect(image, self.min_face_size)

    def detect_scaled(self, image: Image, short_side: int) -> Faces:
        """Find the faces of a picture on a smaller copy of it, which is faster.

        Args:
            image: (H, W, 3) RGB.
            short_side: Shorter side of the copy in pixels; a picture that is no larger is searched as it is.

        Returns:
            Faces in pixels of the picture itself; ``min_face_size`` counts in its pixels too.
        """
        height, width = image.shape[:2]
        scale = short_side / max(min(height, width), 1)
        if scale >= 1:
            return self.detect(image)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        faces = self._detect(small, self.min_face_size * scale)
        ratio = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return Faces(faces.boxes * np.tile(ratio, 2), faces.points * ratio, faces.probabilities)

    def _detect(self, image: Image, min_face_size: float) -> Faces:
        sums = Sums(image)
        boxes = self._propose(sums, min_face_size)
        boxes = self._refine(sums, boxes)
        return self._output(sums, boxes)

    def _propose(self, sums: "Sums", min_face_size: float) -> FloatArray:
        """Run P-Net over the scales of the picture; return (N, 4) squares."""
        found = []
        for scale in scales(sums.height, sums.width, min_face_size, self.factor):
            small = sums.resized(int(sums.height * scale + 1), int(sums.width * scale + 1))
            maps = self._pnet.run(None, {"image": small[None]})[0][0]  # (6, h, w): 2 logits, 4 offsets
            candidates = _candidates(maps, scale, self.thresholds[0])  # (n, 9)
            found.append(candidates[nms(candidates[:, :4], candidates[:, 4], 0.5)])
        if not found:
            return np.zeros((0, 4), np.float32)
        boxes = np.concatenate(found)
        boxes = boxes[nms(boxes[:, :4], boxes[:, 4], 0.7)]
        size = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
        return _squared(boxes[:, :4] + boxes[:, 5:9] * size)

    def _refine(self, sums: "Sums", boxes: FloatArray) -> FloatArray:
        """Run R-Net on each square; return fewer and better squares."""
        boxes, faces = sums.cut(boxes, 24)
        logits, offsets = self._run(self._rnet, faces, (2, 4))
        scores = _probabilities(logits)
        passed = scores > self.thresholds[1]
        boxes, offsets, scores = boxes[passed], offsets[passed], scores[passed]
        kept = nms(boxes, scores, 0.7)
        return _squared(_moved(boxes[kept], offsets[kept]))

    def _output(self, sums: "Sums", boxes: FloatArray) -> Faces:
        """Run O-Net on each square; return the faces."""
        boxes, faces = sums.cut(boxes, 48)
        logits, offsets, points = self._run(self._onet, faces, (2, 4, 10))
        scores = _probabilities(logits)
        passed = scores > self.thresholds[2]
        boxes, offsets, points, scores = boxes[passed], offsets[passed], points[passed], scores[passed]
        size = boxes[:, 2:] - boxes[:, :2] + 1
        points = points.reshape(-1, 2, 5).transpose(0, 2, 1) * size[:, None] + boxes[:, None, :2] - 1
        boxes = _moved(boxes, offsets)
        kept = nms(boxes, scores, 0.7, "min")
        boxes, points, scores = boxes[kept], points[kept], scores[kept]
        order = np.argsort((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[::-1]
        return Faces(boxes[order], points[order], scores[order])

    @staticmethod
    def _run(net: ort.InferenceSession, faces: FloatArray, widths: Sequence[int]) -> list[FloatArray]:
        """Run a network on (N, 3, S, S) faces in bounded batches; split its (N, sum(widths)) outputs."""
        parts = [np.zeros((0, sum(widths)), np.float32)]
        for start in range(0, len(faces), _BATCH):
            parts += net.run(None, {"faces": faces[start : start + _BATCH]})
        return np.split(np.concatenate(parts), np.cumsum(widths)[:-1], axis=1)


class Sums:
    """A picture as an integral image, from which means over any rectangle are read.

    Args:
        image: (H, W, 3) RGB.
    """

    def __init__(self, image: Image) -> None:
        self.height, self.width = image.shape[:2]
        # Sums beyond 32 bits wrap around, and their differences wrap back.
        self._sums: IntArray = cv2.integral(np.ascontiguousarray(image), sdepth=cv2.CV_32S)  # type: ignore[assignment]

    def resized(self, height: int, width: int) -> FloatArray:
        """Resize the picture as torch's ``interpolate(mode="area")`` does, (3, height, width)."""
        y0, y1 = windows(self.height, height)
        x0, x1 = windows(self.width, width)
        rows = self._sums[y1] - self._sums[y0]
        means = (rows.take(x1, 1) - rows.take(x0, 1)) * (1 / np.outer(y1 - y0, x1 - x0))[..., None]
        return np.ascontiguousarray(means.transpose(2, 0, 1), dtype=np.float32)

    def cut(self, boxes: FloatArray, size: int) -> tuple[FloatArray, FloatArray]:
        """Cut squares out of the picture, clipped to it, each resized as by ``resized``.

        Returns:
            The boxes that overlap the picture, and their (N, 3, size, size) cuts.
        """
        corners = boxes.astype(np.int32)
        left, top = np.maximum(corners[:, 0], 1) - 1, np.maximum(corners[:, 1], 1) - 1
        right, bottom = np.minimum(corners[:, 2], self.width), np.minimum(corners[:, 3], self.height)
        inside = (right > left) & (bottom > top)
        cuts = np.empty((int(inside.sum()), 3, size, size), np.float32)
        for cut, x0, y0, x1, y1 in zip(
            cuts, left[inside], top[inside], right[inside], bottom[inside], strict=True
        ):
            (a, b), (c, d) = windows(int(y1 - y0), size), windows(int(x1 - x0), size)
            part = self._sums[y0 : y1 + 1, x0 : x1 + 1]
            rows = part[b] - part[a]
            means = (rows.take(d, 1) - rows.take(c, 1)) * (1 / np.outer(b - a, d - c))[..., None]
            cut[:] = means.transpose(2, 0, 1)
        return boxes[inside], cuts


def windows(length: int, parts: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the first and the last-but-one pixel each output of adaptive average pooling covers."""
    steps = np.arange(parts + 1) * length
    return steps[:-1] // parts, -(-steps[1:] // parts)


def scales(height: int, width: int, min_face_size: float, factor: float) -> list[float]:
    """List the scales at which faces from ``min_face_size`` to the whole picture fill P-Net's cell."""
    scale = _CELL / min_face_size
    shortest = min(height, width) * scale
    found = []
    while shortest >= _CELL:
        found.append(scale)
        scale, shortest = scale * factor, shortest * factor
    return found


def _candidates(maps: FloatArray, scale: float, threshold: float) -> FloatArray:
    """Read P-Net's maps, (6, h, w): (N, 9) box in the picture's pixels, probability, offsets."""
    margin = maps[1] - maps[0]
    y, x = np.nonzero(margin >= math.log(threshold / (1 - threshold)))
    values = maps[:, y, x].T  # (N, 6)
    corner = np.stack([x, y], axis=1).astype(np.float32) * _STRIDE
    first = np.floor((corner + 1) / np.float32(scale))
    last = np.floor((corner + _CELL) / np.float32(scale))
    return np.concatenate([first, last, _probabilities(values[:, :2])[:, None], values[:, 2:]], axis=1)


def _probabilities(logits: FloatArray) -> FloatArray:
    """Softmax (N, 2) logits; return the second column."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers[:, 1] / powers.sum(axis=1), dtype=np.float32)


def _squared(boxes: FloatArray) -> FloatArray:
    """Make boxes square, in the reference's order of operations."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True, initial=0)
    corner = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([corner, corner + side], axis=1)


def _moved(boxes: FloatArray, offsets: FloatArray) -> FloatArray:
    """Move the four sides by offsets relative to the box, whose last pixel counts."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(size, 2)
