"""The forging stage: pictures, masks and pairs that fit, the table trainers read, and what a kill leaves."""

import json
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cut_faces import faces_of, small_dataset, tree, write_faces

from deepfake_cli.io.face_table import FaceRow, read_faces
from deepfake_cli.io.forged import read_fakes
from deepfake_cli.io.images import read_image
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.forge import forge_faces
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile


def profile(**options: object) -> Profile:
    return load_profile(
        options={"data.jobs": 1} | {key.replace("_", "."): value for key, value in options.items()}
    )


def table(folder: DatasetFolder) -> list[FaceRow]:
    return read_faces(folder.forged / "forged.csv", ["train", "choose", "report"])


@pytest.fixture
def dataset(tmp_path: Path, portrait: np.ndarray) -> DatasetFolder:
    folder = small_dataset(tmp_path / "workspace", portrait)
    write_faces(folder, "real0", faces_of(portrait, 5))
    return folder


def test_outside_the_mask_a_fake_is_its_real_view(dataset: DatasetFolder) -> None:
    report = forge_faces(dataset, profile())
    assert dict(report.counts) == {"fakes": 36, "not forged": 0}
    views = 0
    for video in ("real0", "real1", "real2"):
        folder = dataset.forged / video
        for fake in read_fakes(folder).fakes:
            face = read_image(dataset.crops / video / fake.face)
            real = read_image(folder / fake.real) if fake.real else face
            forged, mask = read_image(folder / fake.file), read_image(folder / fake.mask)[..., 0]
            assert forged.shape == real.shape == face.shape
            assert mask.shape == face.shape[:2]
            assert mask.any()
            far = mask == 0
            # A mask of less than half a level is stored as 0, and may still change a value by one.
            assert np.abs(forged.astype(int) - real)[far].max() <= 1
            assert np.abs(forged.astype(int) - real)[~far].max() > 3
            assert not fake.real or not np.array_equal(real, face)
            views += bool(fake.real)
            assert not fake.real or fake.kind == "self-blend"
    assert 0 < views < 12  # self-blending changes the real view about half of the time


def test_the_table_is_one_that_trainers_read(dataset: DatasetFolder) -> None:
    forge_faces(dataset, profile())
    rows = table(dataset)
    fakes = [row for row in rows if row.fake]
    assert Counter(row.method for row in fakes) == dict.fromkeys(
        ("self-blend", "warp-rectangle", "warp-hull"), 12
    )
    reals = {row.path: row for row in rows if not row.fake}
    assert len(reals) == len(rows) - len(fakes)
    for row in rows:
        assert row.path.is_file()
        assert row.points is not None
    for row in fakes:
        assert row.pair is not None
        real = reals[row.pair]
        assert (row.original, row.split) == (real.original, real.split)
        assert row.video == f"{real.video}__{row.method}"
        assert np.array_equal(row.box, real.box)
    assert {row.original: row.split for row in rows} == {
        "real0": "train",
        "real1": "choose",
        "real2": "report",
    }


def test_trainers_draw_pairs_from_it(dataset: DatasetFolder) -> None:
    from recipes import make_pairs

    forge_faces(dataset, profile())
    drawn = make_pairs(dataset.forged / "forged.csv", **{"fakes.labelled": 1, "fakes.self_blend": 0})
    for i in range(8):
        faces, labels = drawn[i]
        assert faces.shape == (2, 64, 64, 3)
        assert labels.tolist() == [0, 1]


def test_the_same_seed_gives_the_same_bytes(dataset: DatasetFolder) -> None:
    forge_faces(dataset, profile())
    first = tree(dataset.forged)
    forge_faces(dataset, profile(data_seed=1))
    assert tree(dataset.forged)["real0/00000_0_warp-hull.png"] != first["real0/00000_0_warp-hull.png"]
    forge_faces(dataset, profile(data_jobs=2))
    assert tree(dataset.forged) == first


def test_each_face_is_forged_alike_whatever_else_there_is(dataset: DatasetFolder) -> None:
    forge_faces(dataset, profile())
    first = tree(dataset.forged / "real0")
    forge_faces(dataset, profile(forge_kinds=["warp-hull"], forge_share=0.6))
    second = tree(dataset.forged / "real0", lambda file: file.suffix == ".png")
    assert 0 < len(second) < 10
    assert second.items() <= first.items()


def test_faces_without_points_are_warped_in_their_box_only(
    dataset: DatasetFolder, portrait: np.ndarray
) -> None:
    write_faces(dataset, "real1", faces_of(portrait, 4), points=False)
    report = forge_faces(dataset, profile())
    assert report.counts == {"fakes": 28, "not forged": 8}
    assert {fake.kind for fake in read_fakes(dataset.forged / "real1").fakes} == {"warp-rectangle"}


def test_plain_pictures_are_not_forged(dataset: DatasetFolder) -> None:
    write_faces(dataset, "real1", [np.full((138, 131, 3), 120, np.uint8)] * 4)
    report = forge_faces(dataset, profile(forge_kinds=["warp-rectangle"]))
    assert report.counts == {"fakes": 8, "not forged": 4}


def test_a_bad_video_costs_only_itself(dataset: DatasetFolder) -> None:
    forge_faces(dataset, profile())
    (dataset.crops / "real2" / "00001_0.png").write_bytes(b"no picture")
    report = forge_faces(dataset, profile(data_seed=1))
    assert not (dataset.forged / "real2").exists()
    assert [bad.id for bad in report.bad] == ["real2"]
    assert {row.original for row in table(dataset)} == {"real0", "real1"}


def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path, portrait: np.ndarray) -> None:
    undisturbed, disturbed = (small_dataset(tmp_path / name, portrait) for name in ("one", "two"))
    for folder in (undisturbed, disturbed):
        write_faces(folder, "real0", faces_of(portrait, 8))
    forge_faces(undisturbed, profile())
    command = [sys.executable, "-m", "deepfake_cli", "data", "forge", "small", "-w", disturbed.path.parent]
    rng, killed = np.random.default_rng(1), 0
    for _ in range(3):
        with subprocess.Popen([*command, "--quiet", "--jobs", "2"], stdout=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(0.3, 1.2))  # any moment will do
            killed += process.poll() is None
            process.kill()
    assert killed
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    assert tree(disturbed.path) == tree(undisturbed.path)


def test_a_full_disk_is_told_and_nothing_half_made_counts(
    dataset: DatasetFolder, dfdetect: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    command = ["data", "forge", "small", "-w", dataset.path.parent, "--jobs", "1"]
    limit = (8192, 8192)  # bytes of a file: masks fit, pictures do not
    run = dfdetect(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert run.returncode == 2
    assert "cannot write" in run.stderr
    assert not [path for path in dataset.forged.glob("*") if path.is_dir()]
    assert dfdetect(*command).returncode == 0
    disturbed = tree(dataset.path)
    shutil.rmtree(dataset.forged)
    forge_faces(dataset, profile())
    assert tree(dataset.path) == disturbed


def test_the_command_says_what_it_made(
    dataset: DatasetFolder, dfdetect: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    options = ["-w", dataset.path.parent, "--kind", "warp-hull", "--kind", "self-blend"]
    run = dfdetect("data", "forge", "small", *options)
    assert (run.returncode, run.stdout) == (0, "forge: 24 fakes from 3 files\n")
    run = dfdetect("data", "forge", "small", *options, "--json")
    assert json.loads(run.stdout)["counts"] == {"fakes": 24, "not forged": 0}
    wrong = dfdetect("data", "forge", "small", "-w", dataset.path.parent, "--kind", "puppet")
    assert wrong.returncode == 2
    assert "warp-hull" in wrong.stderr
