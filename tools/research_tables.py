"""Make training tables out of the research data: tars of faces with an index.csv each.

    python tools/research_tables.py DATA WORKSPACE

writes ``WORKSPACE/{dfdc,ffpp,photographs}/faces.csv`` with the pictures beside it, ready for
``dfdetect classifier train``. Boxes come from each index where it has them; points, and the boxes of whole
photographs, from the detector that scan uses.
"""

import csv
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.inference.face_detector import FaceDetector, Faces
from deepfake_cli.io.files import write_atomically
from deepfake_cli.training.tables import COLUMNS, read_picture

Row = dict[str, str]
_DETECTOR = FaceDetector(min_face_size=40)


def main(data: Path, workspace: Path) -> None:
    """Unpack the pictures and write the three tables."""
    for name, folder, rows in (
        ("dfdc", "dfdc_faces", dfdc_rows),
        ("ffpp", "ffpp_faces", ffpp_rows),
        ("photographs", "real_faces", photograph_rows),
    ):
        for tar in sorted((data / folder).glob("*.tar")):
            with tarfile.open(tar) as archive:
                archive.extractall(workspace / name / "faces", filter="data")
        with (data / folder / "index.csv").open(newline="") as index:
            save_table(workspace / name / "faces.csv", rows(list(csv.DictReader(index)), workspace / name))


def save_table(path: Path, rows: Iterator[Row]) -> None:
    """Write rows as a table of faces; what a row leaves out is empty."""
    with write_atomically(path) as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def dfdc_rows(index: list[Row], folder: Path) -> Iterator[Row]:
    """Describe DFDC crops: cut at the box, so that the box is the whole picture."""
    for row in index:
        name, fake = row["name"], row["label"] == "fake"
        picture = f"faces/{name}.jpg"
        yield {
            "image": picture,
            "box": "0 0 224 224",
            "points": "" if fake else _join(detect(folder / picture, pad=0.25)[1]),
            "label": row["label"],
            "video": name,
            "original": row["original"],
            "method": "dfdc" if fake else "",
            "split": row["split"],
            "pair": f"faces/{row['aligned_with']}.jpg" if row["aligned_with"] else "",
        }


def ffpp_rows(index: list[Row], folder: Path) -> Iterator[Row]:
    """Describe FaceForensics++ crops: squares of 1.3 times the longer side of the box, shrunk to 320 px."""
    for row in index:
        picture = f"faces/{row['name']}"
        box = np.array([float(v) for v in row["box"].split()])
        side = 1.3 * max(box[2] - box[0], box[3] - box[1])
        corner = np.maximum((box[:2] + box[2:] - side) / 2, 0)
        end = np.minimum((box[:2] + box[2:] + side) / 2, [int(row["frame_width"]), int(row["frame_height"])])
        scale = read_picture(folder / picture).shape[1] / (end[0] - corner[0])
        yield {
            "image": picture,
            "box": _join((box - np.tile(corner, 2)) * scale),
            "points": "" if row["label"] == "fake" else _join(detect(folder / picture, pad=0.1)[1]),
            "label": row["label"],
            "video": row["video"],
            "original": row["group"],
            "method": row["method"] if row["label"] == "fake" else "",
            "compression": row["compression"],
            "split": row["split"],
        }


def photograph_rows(index: list[Row], folder: Path) -> Iterator[Row]:
    """Describe whole photographs of one person each; those in which no face is found are left out."""
    for row in index:
        picture = f"faces/{row['name']}"
        box, points = detect(folder / picture, pad=0)
        if box.size:
            yield {
                "image": picture,
                "box": _join(box),
                "points": _join(points),
                "label": "real",
                "video": row["name"],
                "original": row["identity"],
                "split": row["split"],
            }


def detect(picture: Path, pad: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the face that the picture is of: large and near the middle.

    Args:
        picture: The file.
        pad: Border to repeat on each side before detection, relative to the height: tight crops need it.

    Returns:
        (4,) box and (10,) points in pixels of the picture, both empty where there is no face.
    """
    image = read_picture(picture)
    border = int(image.shape[0] * pad)
    around = (border, border, border, border)
    image = np.asarray(cv2.copyMakeBorder(image, *around, borderType=cv2.BORDER_REPLICATE), np.uint8)
    faces = _DETECTOR.detect(image)
    if not len(faces):
        return np.empty(0), np.empty(0)
    best = int(np.argmax(_prominence(faces, image.shape[:2])))
    return faces.boxes[best].astype(np.float64) - border, faces.points[best].ravel().astype(
        np.float64
    ) - border


def _prominence(faces: Faces, shape: tuple[int, ...]) -> NDArray[np.float32]:
    sizes = (faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(axis=1)
    offsets = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 - np.array(shape[::-1]) / 2
    return np.asarray(sizes / (1 + (offsets**2).sum(axis=1) / (0.2 * shape[0]) ** 2), np.float32)


def _join(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.1f}" for value in values)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
