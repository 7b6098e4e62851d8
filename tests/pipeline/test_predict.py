"""Painting maps of videos and pictures: real files, a real network, real processes."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from generators import contrast, write_generator
from workspaces import tree

from deepfake_cli.core.faces import cut_face
from deepfake_cli.errors import ModelError, UsageError
from deepfake_cli.inference.face_detector import FaceDetector
from deepfake_cli.io.images import read_image
from deepfake_cli.io.model_folder import GeneratorFolder, load_generator_folder
from deepfake_cli.pipeline.painter import Painted
from deepfake_cli.pipeline.predict import predict_maps
from deepfake_cli.profile import load_profile

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GeneratorFolder:
    return load_generator_folder(write_generator(tmp_path_factory.mktemp("models") / "contrast"))


@pytest.fixture
def media(tmp_path: Path, portrait: np.ndarray, portrait_video: Path) -> Path:
    """A video and a photograph of the portrait, a wall, and a file that is none of these."""
    folder = tmp_path / "media"
    folder.mkdir()
    shutil.copy(portrait_video, folder / "clip.mp4")
    cv2.imwrite(str(folder / "photo.png"), portrait[..., ::-1])
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 90, np.uint8))
    (folder / "broken.mp4").write_bytes(b"no video at all" * 100)
    return folder


def paint(
    model: GeneratorFolder,
    output: Path,
    *files: Path,
    cut: bool = False,
    sheets: bool = False,
    **options: object,
) -> list[Painted]:
    profile = load_profile(options={"scan.jobs": 1, **options})
    return list(predict_maps([str(file) for file in files], output, model, profile, cut=cut, sheets=sheets))


def test_a_photograph_is_searched_as_scanning_does(
    model: GeneratorFolder, media: Path, portrait: np.ndarray, tmp_path: Path
) -> None:
    (result,) = paint(model, tmp_path / "maps", media / "photo.png")
    how = load_profile().detector
    faces = FaceDetector(min_face_size=how.min_face, thresholds=how.thresholds).detect(portrait)
    (face,) = result.maps
    assert (face.file, face.frame, face.face) == ("00000_0.png", 0, 0)
    assert np.allclose(face.box, faces.boxes[0], atol=0.06)
    painted = read_image(tmp_path / "maps" / "photo.png" / face.file)
    expected = contrast(cut_face(portrait, faces.boxes[0], 64, 1.25)[None])[0]
    assert np.abs(painted - expected * 255).max() < 1
    assert face.mean == result.mean == pytest.approx(expected.mean(), abs=1e-3)


def test_a_video_gets_a_map_a_frame_and_says_of_which(
    model: GeneratorFolder, media: Path, tmp_path: Path
) -> None:
    (result,) = paint(model, tmp_path / "maps", media / "clip.mp4", **{"predict.frames": 5})
    folder = tmp_path / "maps" / "clip.mp4"
    assert (result.frames, [face.frame for face in result.maps]) == (5, [0, 1, 2, 3, 4])
    assert [face.time for face in result.maps] == sorted({face.time for face in result.maps})
    assert sorted(path.name for path in folder.iterdir()) == [f"0000{i}_0.png" for i in range(5)] + [
        "maps.json"
    ]
    assert json.loads((folder / "maps.json").read_text()) == json.loads(json.dumps(result.to_json()))
    (every,) = paint(model, tmp_path / "all", media / "clip.mp4", **{"predict.frames": 0})
    assert every.frames == 25


def test_cut_faces_are_taken_as_a_whole(model: GeneratorFolder, media: Path, tmp_path: Path) -> None:
    face = np.random.default_rng(0).integers(0, 256, (90, 60, 3), dtype=np.uint8)
    cv2.imwrite(str(media / "face.png"), face[..., ::-1])
    (result,) = paint(model, tmp_path / "maps", media / "face.png", cut=True)
    painted = read_image(tmp_path / "maps" / "face.png" / "00000_0.png")
    expected = contrast(cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA)[None])[0]
    assert np.abs(painted - expected * 255).max() < 1
    assert result.maps[0].box == (0, 0, 60, 90)


def test_a_sheet_shows_faces_beside_their_maps(
    model: GeneratorFolder, media: Path, portrait: np.ndarray, tmp_path: Path
) -> None:
    options = {"predict.frames": 0, "inspect.pictures": 8, "inspect.columns": 4, "inspect.side": 64}
    (result,) = paint(model, tmp_path / "maps", media / "clip.mp4", sheets=True, **options)
    sheet = read_image(tmp_path / "maps" / "clip.mp4" / result.sheet)
    across, down = sheet.shape[1] // (64 + 12), sheet.shape[0] // (64 + 22 + 12)
    assert across == 4
    assert 2 <= across * down <= 8  # of 25 faces as many as may be, evenly spread
    shown = sheet[6:70, 82:146]
    assert np.array_equal(shown, read_image(tmp_path / "maps" / "clip.mp4" / "00000_0.png"))
    (bare,) = paint(model, tmp_path / "bare", media / "wall.png", sheets=True)
    assert (bare.sheet, bare.maps, bare.mean) == ("", (), None)
    assert [path.name for path in (tmp_path / "bare" / "wall.png").iterdir()] == ["maps.json"]


def test_an_unreadable_file_costs_only_itself_and_leaves_nothing(
    model: GeneratorFolder, media: Path, tmp_path: Path
) -> None:
    files = [media / name for name in ("broken.mp4", "photo.png", "missing.mp4")]
    broken, photo, missing = paint(model, tmp_path / "maps", *files, **{"scan.jobs": 2})
    assert broken.problem
    assert missing.problem
    assert (photo.problem, len(photo.maps)) == ("", 1)
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["photo.png"]


def test_files_of_one_name_stay_apart(model: GeneratorFolder, media: Path, tmp_path: Path) -> None:
    (media / "other").mkdir()
    shutil.copy(media / "wall.png", media / "other" / "photo.png")
    first, second = paint(model, tmp_path / "maps", media / "photo.png", media / "other" / "photo.png")
    assert len({first.folder, second.folder}) == 2
    assert (len(first.maps), len(second.maps)) == (1, 0)


def test_nothing_but_our_own_maps_is_replaced(model: GeneratorFolder, media: Path, tmp_path: Path) -> None:
    before = tree(media)
    with pytest.raises(UsageError, match="would replace"):
        paint(model, media, media / "photo.png")
    mine = tmp_path / "maps" / "photo.png"
    mine.mkdir(parents=True)
    (mine / "diary.txt").write_text("dear")
    with pytest.raises(UsageError, match="would replace"):
        paint(model, tmp_path / "maps", media / "photo.png")
    assert (mine / "diary.txt").read_text() == "dear"
    (mine / "diary.txt").unlink()
    mine.rmdir()
    paint(model, tmp_path / "maps", media / "photo.png", sheets=True)
    paint(model, tmp_path / "maps", media / "photo.png")
    assert sorted(path.name for path in mine.iterdir()) == ["00000_0.png", "maps.json"]
    assert tree(media) == before


def test_a_network_that_paints_no_maps_ends_the_work(media: Path, tmp_path: Path) -> None:
    model = load_generator_folder(write_generator(tmp_path / "nan", gain=float("nan"), clip=False))
    with pytest.raises(ModelError, match="no map"):
        paint(model, tmp_path / "maps", media / "photo.png")
    assert list((tmp_path / "maps").iterdir()) == []


def test_interrupted_at_any_moment_it_ends_the_same(
    model: GeneratorFolder, media: Path, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "deepfake_cli",
        "gan",
        "predict",
        media / "clip.mp4",
        media / "photo.png",
    ]
    command += [
        "--model",
        model.path,
        "--frames",
        "0",
        "--sheets",
        "--quiet",
        "--jobs",
        "2",
        "--output",
        "maps",
    ]
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
    rng = np.random.default_rng(0)
    for _ in range(3):
        with subprocess.Popen(command, cwd=places[0], stdout=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(0.5, 2.0))  # any moment will do
            process.kill()
    for place in places:
        subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)
    assert tree(places[0]) == tree(places[1])
    assert len(tree(places[0])) == 25 + 1 + 2 * 2


def test_the_command_says_what_it_made(
    model: GeneratorFolder, media: Path, tmp_path: Path, dfdetect: Run
) -> None:
    run = dfdetect("gan", "predict", "media", "--model", model.path, "--output", "maps", "--jobs", "2")
    assert run.returncode == 2
    head, *lines = run.stdout.splitlines()
    assert head.split() == ["file", "frames", "faces", "mean", "maps"]
    assert [line.split()[:3] for line in lines] == [
        ["media/broken.mp4", "0", "0"],
        ["media/clip.mp4", "8", "8"],
        ["media/photo.png", "1", "1"],
        ["media/wall.png", "1", "0"],
    ]
    assert run.stderr.startswith("warning: media/broken.mp4: ")
    run = dfdetect(
        "gan", "predict", "media/photo.png", "--model", model.path, "--output", "maps", "--json", "--sheets"
    )
    assert (run.returncode, run.stderr) == (0, "")
    (known,) = json.loads(run.stdout)
    assert known["model"] == {"name": "contrast", "revision": model.revision}
    assert (tmp_path / known["folder"] / known["sheet"]).is_file()
    assert (tmp_path / known["folder"] / known["maps"][0]["file"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["media/photo.png", "--model", "plain"], "model plain is a classifier, which cannot do this"),
        (["empty", "--model", "contrast"], "nothing to paint maps of"),
        (["media/photo.png", "--model", "nothing"], "there is no model 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is(
    media: Path, tmp_path: Path, dfdetect: Run, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    run = dfdetect("gan", "predict", *arguments, "--output", "maps")
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert not (tmp_path / "maps").exists()
