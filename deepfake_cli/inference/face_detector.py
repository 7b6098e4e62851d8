"""Find faces with the MTCNN cascade, as facenet-pytorch does but without torch.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016. The
weights and every convention (rounding, the extra pixel, the order of suppression) are those of
``facenet_pytorch.MTCNN`` 2.5.3, so that boxes, points and probabilities agree with it at the same input size.
"""

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
_STRIP = 2**21  # pixels that pass P-Net at once, to bound memory in huge pictures
_BATCH = 256  # candidates that pass R-Net or O-Net at once, to bound memory in crowds

# The reference counts pixels from 1 when it cuts a box: its left and top lie one pixel further out.
_FIRST = np.array([1, 1, 0, 0], dtype=np.float32)

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, largest first.

    Attributes:
        boxes: (N, 4) x0, y0, x1, y1 in pixels; may reach outside the frame.
        points: (N, 5, 2) x, y in pixels: eyes, nose, corners of the mouth; the left one in the picture first.
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
        min_face_size: Smallest face looked for, in pixels of the picture that is searched.
        thresholds: Least probability to pass P-, R- and O-Net, in [0, 1].
        factor: Step between the scales at which P-Net looks at the picture, in (0, 1).
        weights: Folder with ``pnet.onnx``, ``rnet.onnx`` and ``onet.onnx``.

    The defaults are those of ``facenet_pytorch.MTCNN``.

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
        sums = Sums(image)
        return self._output(sums, self._refine(sums, self._propose(sums)))

    def detect_scaled(self, image: Image, short_side: int) -> Faces:
        """Find the faces of a picture on a smaller copy of it, which is faster.

        Args:
            image: (H, W, 3) RGB.
            short_side: Shorter side of the copy in pixels, to which ``min_face_size`` refers; a picture
                that is no larger is searched as it is.

        Returns:
            Faces in pixels of the picture itself.
        """
        height, width = image.shape[:2]
        scale = short_side / min(height, width)
        if scale >= 1:
            return self.detect(image)
        size = (round(width * scale), round(height * scale))
        faces = self.detect(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8))
        ratio = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return Faces(faces.boxes * np.tile(ratio, 2), faces.points * ratio, faces.probabilities)

    def _propose(self, sums: "Sums") -> FloatArray:
        """Run P-Net over the scales of the picture; return (N, 4) squares."""
        found = [np.zeros((0, 9), np.float32)]
        for scale in scales(sums.height, sums.width, self.min_face_size, self.factor):
            small = sums.resized(int(sums.height * scale + 1), int(sums.width * scale + 1))
            candidates = _candidates(self._maps(small), scale, self.thresholds[0])  # (n, 9)
            found.append(candidates[nms(candidates[:, :4], candidates[:, 4], 0.5)])
        boxes = np.concatenate(found)
        boxes = boxes[nms(boxes[:, :4], boxes[:, 4], 0.7)]
        size = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
        return _squared(boxes[:, :4] + boxes[:, 5:9] * size)

    def _maps(self, image: FloatArray) -> FloatArray:
        """Run P-Net on (3, H, W); return (6, h, w): two logits and four offsets of each cell.

        Huge pictures go in strips, which changes nothing but the memory it takes.
        """
        _, height, width = image.shape
        rows = max(_STRIP // (width * _STRIDE), 1)  # of cells in a strip
        last = max((height - _CELL) // _STRIDE, 0)  # no strip starts beyond this cell
        parts = []
        for row in range(0, last + 1, rows):
            # The last strip takes what is left: P-Net's pooling rounds up at the border.
            end = height if row + rows > last else (row + rows - 1) * _STRIDE + _CELL
            parts.append(self._pnet.run(None, {"image": image[None, :, row * _STRIDE : end]})[0][0])
        return np.concatenate(parts, axis=1)

    def _refine(self, sums: "Sums", boxes: FloatArray) -> FloatArray:
        """Run R-Net on each square; return fewer and better squares."""
        boxes, (logits, offsets) = self._look(self._rnet, sums, boxes, 24, (2, 4))
        scores = _probabilities(logits)
        passed = scores > self.thresholds[1]
        boxes, offsets, scores = boxes[passed], offsets[passed], scores[passed]
        kept = nms(boxes, scores, 0.7)
        return _squared(_moved(boxes[kept], offsets[kept]))

    def _output(self, sums: "Sums", boxes: FloatArray) -> Faces:
        """Run O-Net on each square; return the faces."""
        boxes, (logits, offsets, places) = self._look(self._onet, sums, boxes, 48, (2, 4, 10))
        scores = _probabilities(logits)
        passed = scores > self.thresholds[2]
        boxes, offsets, places, scores = boxes[passed], offsets[passed], places[passed], scores[passed]
        size = boxes[:, 2:] - boxes[:, :2] + 1
        points = places.reshape(-1, 2, 5).transpose(0, 2, 1) * size[:, None] + boxes[:, None, :2] - 1
        boxes = _moved(boxes, offsets)
        kept = nms(boxes, scores, 0.7, "min")
        kept = kept[np.argsort((boxes[kept, 2] - boxes[kept, 0]) * (boxes[kept, 3] - boxes[kept, 1]))[::-1]]
        return Faces(boxes[kept], points[kept], scores[kept])

    @staticmethod
    def _look(
        net: ort.InferenceSession, sums: "Sums", boxes: FloatArray, size: int, widths: Sequence[int]
    ) -> tuple[FloatArray, list[FloatArray]]:
        """Run a network on what lies in the boxes.

        Returns:
            The boxes that overlap the picture, and their outputs, split into ``widths`` columns.
        """
        limits = np.array([sums.width, sums.height, sums.width, sums.height], dtype=np.float32)
        inner = np.clip(np.trunc(boxes) - _FIRST, 0, limits).astype(np.intp)
        inside = (inner[:, 2:] > inner[:, :2]).all(axis=1)
        boxes, inner = boxes[inside], inner[inside]
        outputs = [np.zeros((0, sum(widths)), np.float32)]
        for start in range(0, len(inner), _BATCH):
            outputs += net.run(None, {"faces": sums.cut(inner[start : start + _BATCH], size)})
        return boxes, np.split(np.concatenate(outputs), np.cumsum(widths)[:-1], axis=1)


class Sums:
    """A picture as an integral image, from which means over any rectangle are read.

    Args:
        image: (H, W, 3) RGB.
    """

    def __init__(self, image: Image) -> None:
        self.height, self.width = image.shape[:2]
        # (H + 1, W + 1, 3). Sums beyond 32 bits wrap around, and their differences wrap back.
        self._sums = np.asarray(cv2.integral(np.ascontiguousarray(image), sdepth=cv2.CV_32S), dtype=np.int32)

    def resized(self, height: int, width: int) -> FloatArray:
        """Resize the picture as torch's ``interpolate(mode="area")`` does, (3, height, width)."""
        y0, y1 = windows(self.height, height)
        x0, x1 = windows(self.width, width)
        rows = self._sums.take(y1, 0)
        rows -= self._sums.take(y0, 0)
        sums = rows.take(x1, 1)
        sums -= rows.take(x0, 1)
        return _means(sums, y1 - y0, x1 - x0)

    def cut(self, boxes: IntArray, size: int) -> FloatArray:
        """Cut (N, 4) boxes out of the picture, each resized as by ``resized``, (N, 3, size, size)."""
        x0, y0, x1, y1 = boxes.T[..., None]  # each (N, 1)
        left, right = windows(x1 - x0, size)  # each (N, size)
        top, bottom = windows(y1 - y0, size)
        flat = self._sums.reshape(-1, 3)
        upper, lower = ((y + y0)[:, :, None] * (self.width + 1) for y in (top, bottom))
        before, after = ((x + x0)[:, None, :] for x in (left, right))
        sums = flat.take(lower + after, 0)  # (N, size, size, 3)
        sums -= flat.take(lower + before, 0)
        sums -= flat.take(upper + after, 0)
        sums += flat.take(upper + before, 0)
        return _means(sums, bottom - top, right - left)


def windows(length: int | IntArray, parts: int) -> tuple[IntArray, IntArray]:
    """Give the pixels that each output of adaptive average pooling covers: the first, and one past the last.

    Args:
        length: Pixels to pool, a number or (N, 1).
        parts: Outputs.

    Returns:
        Two arrays, (parts,) or (N, parts).
    """
    steps = np.arange(parts + 1) * length
    return steps[..., :-1] // parts, -(-steps[..., 1:] // parts)


def _means(sums: NDArray[np.int32], heights: IntArray, widths: IntArray) -> FloatArray:
    """Divide sums by the size of their rectangles, (..., h, w, 3), (..., h), (..., w) -> (..., 3, h, w)."""
    down, across = (1 / heights).astype(np.float32), (1 / widths).astype(np.float32)
    planes = np.moveaxis(sums, -1, -3)
    means = np.empty(planes.shape, np.float32)
    np.multiply(planes, (down[..., :, None] * across[..., None, :])[..., None, :, :], out=means)
    return means


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
    with np.errstate(divide="ignore"):  # thresholds of 0 and 1 let everything and nothing pass
        least = np.log(np.float32(threshold)) - np.log1p(-np.float32(threshold))
    y, x = np.nonzero(maps[1] - maps[0] >= least)
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
