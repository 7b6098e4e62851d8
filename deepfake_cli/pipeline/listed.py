"""Make a table of faces out of a list of labelled pictures: how ``classifier train`` reads ``path,label``."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.align import cut_box
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.inference.face_detector import FaceDetector
from deepfake_cli.io.face_table import Entry, write_entries
from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.images import read_image
from deepfake_cli.io.labelled import LabelledFile, read_labelled
from deepfake_cli.io.labelled import lists_files as lists_files  # tells a list from a table
from deepfake_cli.io.png import encode_png
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import IndexSettings, Profile

_AROUND = 0.5  # of a face's box on each side: more than any classifier looks at


@dataclass(frozen=True)
class ListedFaces:
    """What became of a list.

    Attributes:
        table: The ``faces.csv``.
        faces: How many pictures had one.
        faceless: Pictures without one.
        unreadable: Pictures that cannot be read, each with the reason.
    """

    table: Path
    faces: int
    faceless: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]


def cut_listed(listed: Path, folder: Path, profile: Profile, *, track: Track = untracked) -> ListedFaces:
    """Cut the largest face out of each picture of a list, and write a table of them.

    Args:
        listed: CSV with ``path`` and ``label``; see ``io/labelled.py``.
        folder: Where ``faces.csv`` and the faces go; made if missing.
        profile: How faces are sought, and which shares of the originals the splits get.
        track: Shows the progress.

    Raises:
        DataError: The list makes no sense, or no picture has a face.
        OutputError: A face cannot be written.
    """
    files = [_relative(file, listed.parent) for file in read_labelled(listed)]
    split_by_original = _divide((file.original for file in files), profile.index, profile.data.seed)
    detector = FaceDetector(min_face_size=profile.detector.min_face, thresholds=profile.detector.thresholds)
    make_folder(folder / "faces")
    entries, faceless, unreadable = [], [], []
    for number, file in enumerate(track(files, "cutting faces")):
        try:
            name, split = f"faces/{number:06}.png", split_by_original[file.original]
            frame = read_image(listed.parent / file.path)
            entry = _cut(frame, file, split, folder, name, detector, profile)
        except MediaError as error:
            unreadable.append((file.path, error.message))
            continue
        if entry is None:
            faceless.append(file.path)
        else:
            entries.append(entry)
    if not entries:
        raise DataError(
            f"no picture that {listed} names has a face in it",
            "videos are brought to a table by: dfdetect data run",
        )
    write_entries(folder / "faces.csv", entries)
    return ListedFaces(folder / "faces.csv", len(entries), tuple(faceless), tuple(unreadable))


def _relative(file: LabelledFile, folder: Path) -> LabelledFile:
    """Name a file as its list does: where the list lies must not change how it is divided."""
    path = os.path.relpath(file.path, folder)
    return replace(file, path=path, original=path if file.original == file.path else file.original)


def _cut(
    frame: NDArray[np.uint8],
    file: LabelledFile,
    split: str,
    folder: Path,
    name: str,
    detector: FaceDetector,
    profile: Profile,
) -> Entry | None:
    """Cut the largest face out of a picture; None where there is none."""
    short_side = profile.detector.short_side
    found = detector.detect_scaled(frame, short_side) if short_side else detector.detect(frame)
    if not len(found) or found.probabilities[0] < profile.detector.probability:
        return None
    cut = cut_box(frame, found.boxes[0], found.points[0], _AROUND, 0)
    if cut is None:
        return None
    with write_atomically(folder / name, "wb") as out:
        out.write(encode_png(cut.picture))
    return Entry(
        image=name,
        box=tuple(cut.box.tolist()),
        points=tuple(cut.points.ravel().tolist()),
        label="fake" if file.fake else "real",
        video=file.path,
        original=file.original,
        method=(file.method or "fake") if file.fake else "",
        compression=file.compression,
        split=split,
        pair="",
        mri="",
        weight=1.0,
    )


def _divide(originals: Iterable[str], shares: IndexSettings, seed: int) -> dict[str, str]:
    """Give every original a split, in an order that its name and the seed make.

    Other than in an index there are few: their numbers follow the shares, and two or more always leave one to
    choose by.
    """
    names = sorted(set(originals), key=lambda name: hashlib.sha256(f"{seed}\n{name}".encode()).digest())
    whole = shares.train + shares.choose + shares.report
    choose = max(round(len(names) * shares.choose / whole), int(len(names) > 1))
    report = round(len(names) * shares.report / whole)
    splits = ["choose"] * choose + ["report"] * report
    return {name: splits[place] if place < len(splits) else "train" for place, name in enumerate(names)}
