"""Painting the maps of a whole data set: what is painted, what a kill leaves, and the table of it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cut_faces import BOX, faces_of, small_dataset, tree, write_faces
from generators import contrast, write_generator

from deepfake_cli.core.faces import cut_face
from deepfake_cli.io.face_table import read_entries, read_faces
from deepfake_cli.io.images import read_image
from deepfake_cli.io.maps import read_maps
from deepfake_cli.io.model_folder import GeneratorFolder, load_generator_folder
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.mri_predict import predict_dataset
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

FACES = 2 * (5 + 4 + 3)


def profile(**options: object) -> Profile:
    return load_profile(options={"data.jobs": 1, **options})


@pytest.fixture
def dataset(tmp_path: Path, portrait: np.ndarray) -> DatasetFolder:
    folder = small_dataset(tmp_path / "workspace", portrait)
    write_faces(folder, "real0", faces_of(portrait, 5))  # without the gap that other tests need
    return folder


@pytest.fixture
def model(tmp_path: Path) -> GeneratorFolder:
    return load_generator_folder(write_generator(tmp_path / "contrast"))


def test_every_face_gets_the_map_that_the_network_paints(
    dataset: DatasetFolder, model: GeneratorFolder
) -> None:
    report = predict_dataset(dataset, model, profile())
    assert (dict(report.counts), report.bad) == ({"maps": FACES}, [])
    assert json.loads(dataset.report("predict").read_text())["counts"] == {"maps": FACES}
    for video, name in (("fake1", "00002_0.png"), ("real2", "00000_0.png")):
        painted = read_image(dataset.predicted / video / name)
        face = cut_face(read_image(dataset.crops / video / name), BOX, 64, 1.25)
        assert np.abs(painted - contrast(face[None])[0] * 255).max() < 1
        (stored,) = (one for one in read_maps(dataset.predicted / video).maps if one.file == name)
        assert (stored.face, stored.mean) == (name, pytest.approx(painted.mean() / 255, abs=1e-4))


def test_the_table_is_one_to_train_on(dataset: DatasetFolder, model: GeneratorFolder) -> None:
    predict_dataset(dataset, model, profile())
    table = dataset.predicted / "predicted.csv"
    rows = read_faces(table, ("train", "choose", "report"))
    assert len(rows) == FACES
    for row in rows:
        assert row.path.is_file()
        assert row.mri is not None
        assert row.mri.resolve() == (dataset.predicted / row.video / row.path.name).resolve()
        assert row.mri.is_file()
        assert row.pair is None  # these fakes were cut by boxes of their own
    assert sum(row.weight for row in rows) == pytest.approx(6)  # one a video
    predict_dataset(dataset, model, profile(**{"table.weigh": "face"}))
    assert {entry.weight for entry in read_entries(table)} == {1.0}


def test_finished_maps_stay_and_another_model_paints_anew(
    dataset: DatasetFolder, model: GeneratorFolder, tmp_path: Path
) -> None:
    first = predict_dataset(dataset, model, profile())
    before = {path: path.stat().st_mtime_ns for path in dataset.predicted.rglob("*_0.png")}
    assert predict_dataset(dataset, model, profile()) == first
    assert {path: path.stat().st_mtime_ns for path in before} == before
    other = load_generator_folder(write_generator(tmp_path / "stronger", gain=0.8))
    predict_dataset(dataset, other, profile())
    assert all(path.stat().st_mtime_ns != stamp for path, stamp in before.items())


def test_a_bad_video_costs_only_itself(dataset: DatasetFolder, model: GeneratorFolder) -> None:
    (dataset.crops / "fake1" / "00002_0.png").write_bytes(b"no picture")
    report = predict_dataset(dataset, model, profile())
    assert [bad.id for bad in report.bad] == ["fake1"]
    assert report.counts["maps"] == FACES - 4
    assert not (dataset.predicted / "fake1").exists()
    assert "fake1" not in {entry.video for entry in read_entries(dataset.predicted / "predicted.csv")}


def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path, portrait: np.ndarray) -> None:
    model = write_generator(tmp_path / "contrast", size=256)
    undisturbed = small_dataset(tmp_path / "one", portrait)
    predict_dataset(undisturbed, load_generator_folder(model), profile())
    disturbed = small_dataset(tmp_path / "two", portrait)
    command = [sys.executable, "-m", "deepfake_cli", "data", "mri", "small", "-w", disturbed.path.parent]
    command += ["--predict", model, "--jobs", "2", "--quiet"]
    rng = np.random.default_rng(0)
    killed = 0
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(0.3, 1.5))  # any moment will do
            killed += process.poll() is None
            process.kill()
    assert killed
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert tree(disturbed.path) == tree(undisturbed.path)


def test_the_command_says_what_it_made(
    dataset: DatasetFolder,
    model: GeneratorFolder,
    dfdetect: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    where = ["-w", dataset.path.parent]
    run = dfdetect("data", "mri", "small", *where, "--predict", model.path)
    assert (run.returncode, run.stdout) == (0, f"predict: {FACES} maps from 6 files\n")
    assert not dataset.mri.exists()
    run = dfdetect("data", "mri", "small", *where, "--predict", model.path, "--json")
    assert json.loads(run.stdout)["counts"] == {"maps": FACES}
    both = dfdetect("data", "mri", "small", *where, "--predict", model.path, "--metric", "gms")
    assert both.returncode == 2
    assert "--metric" in both.stderr
    wrong = dfdetect("data", "mri", "small", *where, "--predict", "plain")
    assert wrong.returncode == 2
    assert "model plain is a classifier, which cannot do this" in wrong.stderr
