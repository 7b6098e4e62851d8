"""A renderer in training: resumable to the bit, whole files or none, and better than doing nothing."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from deepfake_cli.errors import DataError, ModelError
from deepfake_cli.inference.face_renderer import Renderer
from deepfake_cli.io.model_folder import load_renderer_folder
from deepfake_cli.models.face_renderer import OUTPUTS, FaceRenderer
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import RendererSettings
from deepfake_cli.training.checkpoints import save_tensors
from deepfake_cli.training.renderer.geometry import encode_normals, write_normals
from deepfake_cli.training.renderer.report import best_row
from deepfake_cli.training.renderer.run import run_renderer
from deepfake_cli.training.renderer.train import RendererEpoch
from deepfake_cli.training.tables import Source, read_faces

SMALL = {
    "architecture": "test_efficientnet",
    "start": "scratch",
    "width": "4",
    "depth": "3",
    "size": "32",
    "faces": "8",
    "epochs": "2",
    "batch": "4",
    "judged": "0",
    "heads": "4",
    "samples": "3",
    "workers": "0",
}
ENVIRONMENT = {f"DFDETECT_RENDERER__{key.upper()}": value for key, value in SMALL.items()}
Run = Callable[..., subprocess.CompletedProcess[str]]


def recipe(**changes: object) -> RendererSettings:
    options = {f"renderer.{key}": value for key, value in {**SMALL, **changes}.items()}
    return load_profile(options=options).renderer


@pytest.fixture(scope="module")
def run(faces_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two epochs."""
    folder = tmp_path_factory.mktemp("renderer") / "run"
    epochs = list(run_renderer([Source(faces_table)], recipe(keep=2), folder))
    assert [epoch.number for epoch in epochs] == [1, 2]
    return folder


def with_normals(table: Path, folder: Path) -> Path:
    """Copy a table and lay maps of normals beside it, as if every real face were a ball."""
    copied = shutil.copytree(table.parent, folder / table.parent.name) / table.name
    x, y = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(1, -1, 64))
    known = x**2 + y**2 < 0.8**2
    coded = encode_normals(np.dstack((x, y, np.sqrt(np.maximum(1 - x**2 - y**2, 0)))), known)
    rows = [row for row in read_faces(copied, ("train", "choose")) if not row.fake]
    images = [row.path.relative_to(copied.parent).as_posix() for row in rows]
    write_normals(copied, images, [coded] * len(rows), size=64, margin=1.0)
    return copied


def losses_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_its_documentation_says(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        *("last.safetensors", "best.safetensors", "epoch-0002.safetensors"),
        *("losses.csv", "report", "tensorboard", "model"),
    }
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 7
    assert "epoch-0001.png" in page
    sheet = cv2.imread(str(run / "report" / "epoch-0002.png"))
    assert sheet.shape == (4 * (128 + 22 + 12), 6 * (128 + 12), 3)  # three faces and a head
    assert list((run / "tensorboard").glob("events.*"))
    weights = load_profile().renderer
    for row in losses_of(run):
        parts = [name for name in row if name in RendererSettings.model_fields]
        total = sum(getattr(weights, name) * float(row[name]) for name in parts)
        assert float(row["total"]) == pytest.approx(total, abs=2e-4)
        assert row["judged_face_normals"] == ""  # no map of normals is beside the table
        assert 0 < float(row["judged_head_normals"]) < 90


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    run: Path, faces_table: Path, tmp_path: Path
) -> None:
    for _ in run_renderer([Source(faces_table)], recipe(), tmp_path):
        break  # after the first epoch
    list(run_renderer([Source(faces_table)], recipe(), tmp_path, resume=True))
    assert losses_of(tmp_path) == losses_of(run)
    assert (tmp_path / "last.safetensors").read_bytes() == (run / "last.safetensors").read_bytes()


def test_the_folder_holds_the_averaged_renderer_and_says_where_it_comes_from(run: Path) -> None:
    folder = load_renderer_folder(run / "model")
    renderer = FaceRenderer("test_efficientnet", folder.config.shape.width, folder.config.shape.depth)
    renderer.load_state_dict(load_file(run / "best.safetensors"))
    faces = torch.rand(3, 3, 32, 32) * 2 - 1
    found = ort.InferenceSession(folder.onnx).run(list(OUTPUTS), {"faces": faces.numpy()})
    with torch.inference_mode():
        for mine, theirs in zip(renderer.eval()(faces), found, strict=True):
            assert np.abs(mine.numpy() - theirs).max() < 1e-3
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    parts = Renderer.of(folder).take_apart(pixels)
    with torch.inference_mode():
        mine = renderer(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1)
    for i, part in enumerate(parts):
        assert np.abs(mine.albedo[i].permute(1, 2, 0).numpy() - part.albedo).max() < 1e-3
        assert np.abs(mine.shadow[i, 0].numpy() - part.shadow).max() < 1e-3
    assert b".py" not in folder.onnx.read_bytes()  # no stack trace of the machine's
    card = (run / "model" / "README.md").read_text()
    assert "real faces alone, of the split `train` of tinted" in card
    assert "from shading alone" in card
    assert "picked by these same numbers" in card


def test_known_normals_teach_and_the_card_says_so(
    faces_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(with_normals(faces_table, tmp_path).parent)
    tables = [Source(Path("faces.csv"))]  # its folder names the data set though it is not part of the path
    (epoch,) = run_renderer(tables, recipe(epochs=1), tmp_path / "run")
    assert epoch.taught == 10
    assert epoch.losses.normals > 0.05
    # On a ball, whose normals are r off the axis at r, a nearly flat face is arcsin r astray at each place.
    radii = 0.8 * np.sqrt(np.linspace(0, 1, 1000))
    assert epoch.judged.face_normals == pytest.approx(np.rad2deg(np.arcsin(radii)).mean(), abs=8)
    (row,) = losses_of(tmp_path / "run")
    assert float(row["judged_face_normals"]) == pytest.approx(epoch.judged.face_normals, abs=1e-4)
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "of the split `train` of tinted" in card
    assert "supervised by maps" in card
    assert "degrees between normals of real faces and the face model's" in card
    ignored = next(run_renderer(tables, recipe(epochs=1, normals=0), tmp_path / "ignored"))
    assert ignored.taught == 0


def test_a_run_can_start_from_another(run: Path, faces_table: Path, tmp_path: Path) -> None:
    start = run / "model" / "model.safetensors"
    tables = [Source(faces_table)]
    (epoch,) = run_renderer(tables, recipe(learning_rate=1e-12, average=0, epochs=1), tmp_path, start=start)
    for name, tensor in load_file(start).items():
        if "running" not in name and "num_batches" not in name:
            assert torch.allclose(epoch.weights[name], tensor, atol=1e-6), name
    with pytest.raises(ModelError, match="do not fit"):
        next(run_renderer(tables, recipe(width=8), tmp_path / "other", start=start))


def test_a_run_goes_on_by_its_own_recipe_alone(run: Path, faces_table: Path, tmp_path: Path) -> None:
    for name in ("last.safetensors", "best.safetensors", "losses.csv"):
        shutil.copy(run / name, tmp_path)

    def go_on(**changes: object) -> RendererEpoch:
        return next(run_renderer([Source(faces_table)], recipe(**changes), tmp_path, resume=True))

    with pytest.raises(DataError, match="renderer.width was 4, is 8; renderer.size was 32, is 64$"):
        go_on(width=8, size=64)
    assert go_on(epochs=3, samples=1, keep=1).number == 3
    last = tmp_path / "last.safetensors"
    with safe_open(last, "pt") as file:
        numbers = file.metadata()["numbers"]
    for kept in (numbers, '{"epoch": 1, "best": 1.0}', '{"recipe": {"classifier.size": 32}}'):
        save_tensors(last, {"renderer.final.bias": torch.zeros(6)}, {"numbers": kept})
        with pytest.raises(DataError, match="is not a checkpoint of a renderer"):
            go_on(epochs=4)


def test_the_epoch_that_is_kept_tells_the_row() -> None:
    rows = [{"epoch": number, "judged_error": "0.50000"} for number in ("1", "2")]
    assert best_row(rows, "2") is rows[1]
    with pytest.raises(DataError, match="no row of epoch 3"):
        best_row(rows, "3")


def test_a_loss_that_is_no_number_ends_the_run(run: Path, faces_table: Path, tmp_path: Path) -> None:
    weights, start = load_file(run / "best.safetensors"), tmp_path / "start.safetensors"
    save_tensors(start, weights | {"final.bias": torch.full((6,), torch.nan)})
    with pytest.raises(DataError, match="loss of epoch 1 is not a number") as caught:
        next(run_renderer([Source(faces_table)], recipe(), tmp_path / "run", start=start))
    assert "lower renderer.learning_rate" in caught.value.hint
    assert not list((tmp_path / "run").glob("*.safetensors"))


def test_an_encoder_that_does_not_fit_is_told(faces_table: Path, tmp_path: Path) -> None:
    for changes, words in (
        ({"architecture": "test_convnext", "depth": 2}, r"by \[4, 8\]"),
        ({"depth": 6, "size": 64}, "has no 6 levels"),
    ):
        with pytest.raises(ModelError, match=f"cannot be built: .*{words}") as caught:
            next(run_renderer([Source(faces_table)], recipe(**changes), tmp_path))
        assert "lower renderer.depth" in caught.value.hint


def test_a_run_is_not_overwritten(run: Path, faces_table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="already holds a run"):
        next(run_renderer([Source(faces_table)], recipe(), run))
    with pytest.raises(DataError, match="no run to resume"):
        next(run_renderer([Source(faces_table)], recipe(), tmp_path, resume=True))


def test_the_command_trains(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    trained = dfdetect("renderer", "train", faces_table, "--output", tmp_path / "run", env=ENVIRONMENT)
    assert trained.returncode == 0, trained.stderr
    *rows, model = trained.stdout.splitlines()
    assert model == str(tmp_path / "run" / "model")
    assert [row.split()[0] for row in rows] == ["epoch", "1/2", "2/2"]
    assert "index.html" in trained.stderr
    assert "from shading alone" in trained.stderr


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("SIZE", "36", "renderer.size must be a multiple"), ("FACES", "2", "renderer.faces must be")],
)
def test_a_recipe_that_cannot_be_is_told(
    faces_table: Path, tmp_path: Path, dfdetect: Run, key: str, value: str, words: str
) -> None:
    odd = ENVIRONMENT | {f"DFDETECT_RENDERER__{key}": value}
    done = dfdetect("renderer", "train", faces_table, "-o", tmp_path / "run", env=odd)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_renderer_learns_to_rebuild_faces(faces_table: Path, tmp_path: Path) -> None:
    settings = recipe(faces=80, epochs=4, learning_rate=5e-3, warmup=0, average=0.9)
    first, *_, last = run_renderer([Source(faces_table)], settings, tmp_path)
    assert last.losses.reconstruction < 0.7 * first.losses.reconstruction
    assert last.judged.reconstruction < first.judged.reconstruction


@pytest.mark.slow
def test_a_killed_run_loses_at_most_an_epoch(faces_table: Path, tmp_path: Path, dfdetect: Run) -> None:
    args = ["renderer", "train", str(faces_table), "--output", str(tmp_path / "run")]
    many = {**os.environ, **ENVIRONMENT, "DFDETECT_RENDERER__EPOCHS": "1000"}
    process = subprocess.Popen([sys.executable, "-m", "deepfake_cli", *args], env=many)
    log = tmp_path / "run" / "losses.csv"
    deadline = time.monotonic() + 120
    while not log.exists() or len(log.read_text().splitlines()) < 4:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = losses_of(tmp_path / "run")
    more = ENVIRONMENT | {"DFDETECT_RENDERER__EPOCHS": str(len(before) + 2)}
    resumed = dfdetect(*args, "--resume", env=more)
    assert resumed.returncode == 0, resumed.stderr
    after = losses_of(tmp_path / "run")
    assert [int(row["epoch"]) for row in after] == list(range(1, len(before) + 3))
    assert (tmp_path / "run" / "model" / "model.onnx").exists()
