"""Taking a data set and loose files apart: real processes, killed ones too."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cut_faces import BOX, faces_of, small_dataset, tree, write_faces
from renderers import EVEN, write_renderer

from deepfake_cli.core.face_parts import MODALITIES, to_display
from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import read_index, write_index
from deepfake_cli.io.modalities import modalities_folder, modalities_sheet, read_modalities
from deepfake_cli.io.model_folder import RendererFolder, load_renderer_folder
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.modalities import take_dataset_apart
from deepfake_cli.pipeline.modalities_files import find_files, take_files_apart
from deepfake_cli.pipeline.modalities_sheet import draw_modalities
from deepfake_cli.pipeline.status import StageStatus, status_of
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

FACES = 2 * (5 + 4 + 3)
Run = Callable[..., subprocess.CompletedProcess[str]]


def profile(**options: object) -> Profile:
    return load_profile(options={"data.jobs": 1, **options})


@pytest.fixture
def dataset(tmp_path: Path, portrait: np.ndarray) -> DatasetFolder:
    return whole_dataset(tmp_path / "workspace", portrait)


def whole_dataset(workspace: Path, portrait: np.ndarray) -> DatasetFolder:
    folder = small_dataset(workspace, portrait)
    write_faces(folder, "real0", faces_of(portrait, 5))  # without the gap that other tests need
    return folder


@pytest.fixture
def model(tmp_path: Path) -> RendererFolder:
    return load_renderer_folder(write_renderer(tmp_path / "flat"))


def test_every_face_gets_a_picture_of_each_part(dataset: DatasetFolder, model: RendererFolder) -> None:
    report = take_dataset_apart(dataset, model, profile())
    assert (dict(report.counts), report.bad) == ({"faces": FACES, "faceless": 0}, [])
    assert json.loads(dataset.report("modalities").read_text())["counts"]["faces"] == FACES
    place = modalities_folder(dataset) / "fake1"
    apart = read_modalities(place)
    assert apart.renderer == f"flat@{model.revision}"
    assert [one.face for one in apart.faces] == [f"{i:05}_0.png" for i in range(4)]
    expected = {f"{i:05}_0_{name}.png" for i in range(4) for name in MODALITIES}
    assert {path.name for path in place.iterdir()} == expected | {"modalities.json"}
    face = cut_face(read_image(dataset.crops / "fake1" / "00002_0.png"), BOX, 64, 1.0)
    pictures = {name: read_image(place / f"00002_0_{name}.png").astype(int) for name in MODALITIES}
    light = face.astype(np.float32) / 255  # this renderer takes pixels for linear light
    assert np.abs(pictures["albedo"] - to_display(light) * 255).max() < 1
    assert np.abs(pictures["shadow"] - light.mean(2, keepdims=True) * 255).max() < 1
    assert np.all(pictures["normals"] == [128, 128, 255])
    assert pictures["lighting"].shape == (64, 64, 3)
    coefficients = np.reshape(apart.faces[2].coefficients, (9, 3))
    np.testing.assert_allclose(coefficients[0], light.mean((0, 1)) * EVEN, atol=2e-4)
    assert np.all(coefficients[1:] == 0)


def test_what_is_done_stays_and_another_renderer_or_other_faces_are_done_anew(
    dataset: DatasetFolder, model: RendererFolder, portrait: np.ndarray, tmp_path: Path
) -> None:
    first = take_dataset_apart(dataset, model, profile())
    place = modalities_folder(dataset)

    def stamps() -> dict[str, int]:
        return {str(path.relative_to(place)): path.stat().st_mtime_ns for path in place.rglob("*.png")}

    before = stamps()
    assert take_dataset_apart(dataset, model, profile()) == first
    assert stamps() == before
    other = load_renderer_folder(write_renderer(tmp_path / "other", shading=0.5))
    take_dataset_apart(dataset, other, profile())
    after = stamps()
    assert all(after[name] != before[name] for name in before)
    write_faces(dataset, "fake2", faces_of(portrait, 1))
    table = dataset.crops / "fake2" / "crops.json"
    table.write_text(table.read_text().replace('"cut"', '"cut otherwise"'))
    take_dataset_apart(dataset, other, profile())
    changed = {name for name in before if name not in stamps() or stamps()[name] != after[name]}
    assert {Path(name).parts[0] for name in changed} == {"fake2"}
    assert len(list((place / "fake2").glob("*.png"))) == len(MODALITIES)


def test_a_bad_video_costs_only_itself_and_status_tells(
    dataset: DatasetFolder, model: RendererFolder
) -> None:
    settings = profile(**{"workspace.path": dataset.path.parent})
    assert "modalities" not in [stage.stage for stage in status_of(settings, [])[0].stages]
    take_dataset_apart(dataset, model, settings)
    (dataset.crops / "fake1" / "00002_0.png").write_bytes(b"no picture")
    table = dataset.crops / "fake1" / "crops.json"
    table.write_text(table.read_text().replace('"cut"', '"cut otherwise"'))
    shutil.rmtree(dataset.crops / "real2")
    report = take_dataset_apart(dataset, model, settings)
    assert {bad.id for bad in report.bad} == {"fake1", "real2"}
    assert report.counts["faces"] == FACES - 4 - 3
    assert not (modalities_folder(dataset) / "fake1").exists()
    stages = status_of(settings, [])[0].stages
    assert StageStatus("modalities", 4, 6, 2) in stages


def test_what_is_missing_is_said(dataset: DatasetFolder, model: RendererFolder) -> None:
    shutil.rmtree(dataset.crops)
    with pytest.raises(DataError, match="crops is missing"):
        take_dataset_apart(dataset, model, profile())


def test_contact_sheet(dataset: DatasetFolder, model: RendererFolder, portrait: np.ndarray) -> None:
    settings = profile(**{"inspect.side": 40, "inspect.pictures": 12 * 6 + 1})
    modalities_folder(dataset).mkdir()
    assert draw_modalities(dataset, model, settings) is None
    take_dataset_apart(dataset, model, settings)
    assert draw_modalities(dataset, model, settings) == modalities_sheet(dataset)
    image = read_image(modalities_sheet(dataset))
    wide, high = 40 + 12, 40 + 22 + 12
    assert image.shape == (12 * high, 6 * wide, 3)  # two faces of each video
    first = modalities_sheet(dataset).read_bytes()
    draw_modalities(dataset, model, settings)
    assert modalities_sheet(dataset).read_bytes() == first
    draw_modalities(dataset, model, profile(**{"inspect.side": 40, "inspect.pictures": 3}))
    assert read_image(modalities_sheet(dataset)).shape == (high, 6 * wide, 3)


def test_the_sheet_shows_faces_as_the_renderer_saw_them_and_only_those_of_the_index(
    dataset: DatasetFolder, model: RendererFolder, portrait: np.ndarray
) -> None:
    settings = profile(**{"inspect.side": 64, "inspect.pictures": 6 * FACES})
    take_dataset_apart(dataset, model, settings)
    draw_modalities(dataset, model, settings, ["fake1"])
    whole = modalities_sheet(dataset).read_bytes()
    sheet = read_image(modalities_sheet(dataset))
    assert sheet.shape[0] == 4 * (64 + 22 + 12)
    face = cut_face(read_image(dataset.crops / "fake1" / "00000_0.png"), BOX, 64, 1.0)
    np.testing.assert_array_equal(sheet[6 : 6 + 64, 6 : 6 + 64], face)
    write_index(dataset.index, [row for row in read_index(dataset.index) if row.id == "fake1"])
    draw_modalities(dataset, model, settings)
    assert modalities_sheet(dataset).read_bytes() == whole


def test_the_command(dataset: DatasetFolder, model: RendererFolder, dfdetect: Run) -> None:
    command = ["data", "modalities", "small", "-w", dataset.path.parent, "--renderer", model.path, "-j", "1"]
    run = dfdetect(*command)
    assert (run.returncode, run.stdout) == (0, f"modalities: {FACES} faces from 6 files\n"), run.stderr
    assert f"contact sheet: {modalities_sheet(dataset)}" in run.stderr
    quiet = dfdetect(*command, "--json", "--quiet")
    assert json.loads(quiet.stdout) == json.loads(dataset.report("modalities").read_text())
    assert quiet.stderr == ""
    wrong = dfdetect(*command, "--renderer", "plain")
    assert wrong.returncode == 2
    assert "model plain is a classifier, which cannot do this" in wrong.stderr
    several = dfdetect(*command, "other")
    assert several.returncode == 2
    assert "--output" in several.stderr


def test_loose_files(
    portrait_video: Path, portrait: np.ndarray, model: RendererFolder, dfdetect: Run, tmp_path: Path
) -> None:
    clips = tmp_path / "clips"
    (clips / "more").mkdir(parents=True)
    shutil.copy(portrait_video, clips / "one.mp4")
    cv2.imwrite(str(clips / "more" / "one.png"), portrait[..., ::-1])
    (clips / "broken.mp4").write_bytes(b"no video at all" * 100)
    into = tmp_path / "apart"
    command = ["data", "modalities", clips, "-r", "-o", into, "--renderer", model.path, "-j", "1"]
    run = dfdetect(*command)
    assert run.returncode == 2
    assert "broken.mp4: " in run.stderr
    found = {path.parent.name: read_modalities(path.parent) for path in into.glob("modalities/*/*.json")}
    assert sorted(len(apart.faces) for apart in found.values()) == [1, 3]
    assert all(name.startswith("one-") for name in found)
    assert len(list(into.glob("modalities/*/*_albedo.png"))) == 4
    assert read_image(into / "modalities.png").ndim == 3
    before = {path: path.stat().st_mtime_ns for path in into.rglob("*_0*")}
    assert dfdetect(*command).stdout == run.stdout == "modalities: 4 faces from 2 files\n"
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_loose_files_into_a_folder_among_them_go_on(
    portrait: np.ndarray, model: RendererFolder, dfdetect: Run, tmp_path: Path
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("one.png", "two.png"):
        cv2.imwrite(str(clips / name), portrait[..., ::-1])
    (clips / "empty").mkdir()
    command = ["data", "modalities", clips, clips / "empty", "-r", "-o", clips / "apart"]
    command += ["--renderer", model.path, "-j", "1"]
    assert dfdetect(*command, "--quiet").stderr == ""
    (clips / "apart" / "reports" / "modalities.json").unlink()  # as if the first run had been killed
    again = dfdetect(*command)
    assert again.stdout == "modalities: 2 faces from 2 files\n"
    assert "no video or picture in this folder" in again.stderr
    assert len(list((clips / "apart").glob("modalities/*"))) == 2

    (clips / "two.png").write_bytes(b"no picture any more")
    assert dfdetect(*command).returncode == 2
    for stage in ("crops", "modalities"):
        assert [place.name[:4] for place in (clips / "apart" / stage).iterdir()] == ["one-"]
    (clips / "one.png").rename(clips / "three.png")
    (clips / "two.png").unlink()
    dfdetect(*command)
    assert len(list((clips / "apart").glob("modalities/*"))) == 2  # what an earlier run did stays
    height = read_image(clips / "apart" / "modalities.png").shape[0]
    assert height == load_profile().inspect.side + 22 + 12  # but is not drawn


def test_a_folder_of_somebody_elses_is_refused(tmp_path: Path, portrait: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), portrait[..., ::-1])
    into = tmp_path / "into"
    into.mkdir()
    assert find_files([str(tmp_path / "one.png")], into).files == (str(tmp_path / "one.png"),)
    (into / "modalities.png").write_bytes(b"somebody's")
    with pytest.raises(UsageError, match="is not empty, and no earlier run wrote it"):
        find_files([str(tmp_path / "one.png")], into)
    (into / ".lock").touch()
    found = find_files([str(tmp_path / "one.png"), str(into / "modalities.png")], into)
    assert found.files == (str(tmp_path / "one.png"),)
    assert "left out" in found.warnings[0]


def test_links_in_a_circle_are_no_crash(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert find_files([str(tmp_path / "loop.png")], tmp_path / "out").files == (str(tmp_path / "loop.png"),)


@pytest.mark.parametrize("change", [{"face": "../x.png"}, {"face": ".."}, {"coefficients": [0.5] * 26}])
def test_a_table_that_leads_astray_is_damaged(
    dataset: DatasetFolder, model: RendererFolder, change: dict[str, Any]
) -> None:
    take_dataset_apart(dataset, model, profile())
    place = modalities_folder(dataset) / "real2"
    table = json.loads((place / "modalities.json").read_text())
    table["faces"][0] |= change
    (place / "modalities.json").write_text(json.dumps(table))
    with pytest.raises(DataError, match="is damaged"):
        read_modalities(place)


def test_loose_files_that_cannot_be(model: RendererFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no video or picture in this folder"):
        find_files([str(tmp_path)], tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one.png").write_bytes(b"")
    with pytest.raises(UsageError, match="which is to be written"):
        find_files([str(tmp_path)], tmp_path / "out", recursive=True)
    report = take_files_apart([str(tmp_path / "gone.mp4")], tmp_path / "into", model, profile())
    assert [bad.path for bad in report.bad] == [str(tmp_path / "gone.mp4")]


@pytest.mark.slow
def test_killed_at_any_moment_and_begun_again_the_tree_is_the_same(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    model = write_renderer(tmp_path / "flat", size=256)
    calm, rough = (whole_dataset(tmp_path / name, portrait) for name in ("calm", "rough"))

    def start(folder: DatasetFolder) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "deepfake_cli", "data", "modalities", "small", "-j", "2"]
        command += ["-w", str(folder.path.parent), "--renderer", str(model)]
        pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, start_new_session=True, **pipes)

    process = start(calm)
    _, complaint = process.communicate()
    assert process.returncode == 0, complaint
    rng, killed = random.Random(0), 0
    for most in (3, 40, 80):
        process, count = start(rough), rng.randint(1, most)
        deadline = time.monotonic() + 60
        while process.poll() is None and len(list(modalities_folder(rough).rglob("*"))) < count:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        killed += process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert killed
    process = start(rough)
    _, complaint = process.communicate()
    assert process.returncode == 0, complaint
    assert tree(rough.path) == tree(calm.path)
