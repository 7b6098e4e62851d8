"""Sheets of the clearest faces, of which one of each person is saved in the end."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from deepfake_cli.core.face_parts import FaceParts
from deepfake_cli.core.tracks import Observation
from deepfake_cli.errors import OutputError
from deepfake_cli.io.images import read_image
from deepfake_cli.pipeline.evidence import Evidence
from deepfake_cli.pipeline.result import PersonTrack

SIDE = 64


def face(index: int, score: float) -> Observation:
    box, points = np.zeros(4, np.float32), np.zeros((5, 2), np.float32)
    return Observation(index, float(index), box, points, 0.99, 1.0, score)


def show(evidence: Evidence, person: int, seen: Observation) -> np.ndarray:
    """Show a face of noise, whose sheet is the larger the lower its score; return its picture."""
    rng = np.random.default_rng([person, seen.index])
    assert seen.score is not None
    picture = rng.integers(0, 255 if seen.score < 0.5 else 3, (SIDE, SIDE, 3)).astype(np.uint8)
    plane = rng.random((SIDE, SIDE, 3)).astype(np.float32)
    light = np.zeros((9, 3), np.float32)
    evidence.see(person, seen, picture, FaceParts(plane, plane, plane, plane[..., 0], light))
    return picture


def track(person: int, score: float) -> PersonTrack:
    return PersonTrack(person, 0.0, 1.0, score, 1, (), ())


def open_files(folder: Path) -> list[str]:
    found = []
    for number in os.listdir("/proc/self/fd"):
        path = Path("/proc/self/fd", number)
        if path.is_symlink() and os.readlink(path).startswith(str(folder)):
            found.append(os.readlink(path))
    return found


def test_the_best_of_each_person_is_saved_and_nothing_else_stays(tmp_path: Path) -> None:
    evidence = Evidence(0.5, tmp_path / "sheets" / "clip.mp4")
    scores = (0.5, 0.3, 0.7, 0.6, 0.2, 0.9, 0.1)
    shown = {
        (person, index): show(evidence, person, face(index, score))
        for index, score in enumerate(scores)
        for person in (1, 2, 3)
    }
    assert not list((tmp_path / "sheets").iterdir())
    assert len(open_files(tmp_path)) == 1
    evidence.save([track(1, 0.8), track(2, 0.2), track(3, 0.5)])
    evidence.close()
    assert not open_files(tmp_path)
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["clip.mp4"]
    for person, index in ((1, 5), (2, 6), (3, 5)):
        (path,) = (tmp_path / "sheets" / "clip.mp4").glob(f"person-{person:03}_frame-{index:05}_*.png")
        np.testing.assert_array_equal(read_image(path)[6 : 6 + SIDE, 6 : 6 + SIDE], shown[person, index])


def test_memory_does_not_grow_with_the_sheets(tmp_path: Path) -> None:
    evidence = Evidence(0.5, tmp_path / "clip.mp4")
    show(evidence, 0, face(0, 0.4))
    tracemalloc.start()
    for person in range(1, 51):
        show(evidence, person, face(0, 0.4))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    evidence.close()
    assert grown < 50 * SIDE * SIDE  # a single part of a sheet has three times as many bytes


def test_a_place_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        show(Evidence(0.5, tmp_path / "file" / "clip.mp4"), 1, face(0, 0.4))
