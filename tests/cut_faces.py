"""Write the faces of small data sets as the stages before would, for the tests of the stages after."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from deepfake_cli.core.warping import warp_hull
from deepfake_cli.io.crops import Crop, Crops, write_crops
from deepfake_cli.io.index import IndexRow, Source, write_index, write_source
from deepfake_cli.io.png import encode_png
from deepfake_cli.io.workspace import DatasetFolder, dataset_folder

Image = np.ndarray  # (H, W, 3) uint8 RGB

BOX = (21.0, 14.0, 108.0, 124.0)  # of the face in the pictures of `faces_of`, pixels
POINTS = ((45.0, 54.0), (87.0, 56.0), (65.0, 81.0), (42.0, 91.0), (85.0, 94.0))


def faces_of(portrait: Image, count: int) -> list[Image]:
    """Cut the face out of the portrait, each a little further on, (138, 131, 3)."""
    return [np.ascontiguousarray(portrait[48 : 48 + 138, 160 + i : 160 + i + 131]) for i in range(count)]


def forged(faces: Sequence[Image], seed: int) -> list[Image]:
    """Change every face within its hull."""
    rng = np.random.default_rng(seed)
    return [warp_hull(face, np.array(POINTS), (0.3, 0.5), 0.2, rng)[0] for face in faces]


def write_faces(folder: DatasetFolder, video: str, faces: Sequence[Image], *, points: bool = True) -> None:
    """Write the pictures of one video and their crops.json."""
    target = folder.crops / video
    target.mkdir(parents=True, exist_ok=True)
    flat = tuple(np.ravel(POINTS).tolist()) if points else ()
    crops = []
    for number, face in enumerate(faces):
        name = f"{number:05}_0.png"
        (target / name).write_bytes(encode_png(face))
        crops.append(Crop(name, number, 0, number / 25, BOX, flat, 0.99))
    write_crops(target, Crops("cut", video, tuple(crops)))


def small_dataset(workspace: Path, portrait: Image, name: str = "small") -> DatasetFolder:
    """Make a data set of three originals, one in each split, and a fake of each; no raw files are there.

    Of the first fake's five pairs one is misaligned, one unchanged, and one lacks its original.
    """
    folder = dataset_folder(workspace, name)
    folder.path.mkdir(parents=True)
    write_source(folder, Source("folder", Path("raw"), {}))
    rows = []
    for number, split in enumerate(("train", "choose", "report")):
        real, fake = f"real{number}", f"fake{number}"
        faces = faces_of(portrait, 5 - number)
        changed = forged(faces, number)
        if number == 0:
            changed[1] = np.roll(changed[1], (7, 5), axis=(0, 1))
            changed[2] = faces[2]
        write_faces(folder, real, faces)
        write_faces(folder, fake, changed)
        if number == 0:
            (folder.crops / real / "00003_0.png").unlink()
        rows.append(IndexRow(real, f"{real}.mp4", "real", real, "", "", "c23", split))
        rows.append(IndexRow(fake, f"{fake}.mp4", "fake", real, "swap", "", "c23", split))
    write_index(folder.index, rows)
    return folder


def tree(path: Path, keep: Callable[[Path], bool] = lambda path: True) -> dict[str, str]:
    """Hash every file below a folder, by relative path; the lock is not one."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".lock" and keep(file)
    }
