"""Judging files from Python: what a result says, and that nothing but the file and the settings moves it."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from statistics import fmean

import cv2
import jsonschema
import numpy as np
import pytest
from hub_models import heating_onnx, model_files, painter_files, painting_onnx, write_model

import deepfake_cli
from deepfake_cli import scan
from deepfake_cli.core.faces import cut_points
from deepfake_cli.core.regions import REGIONS
from deepfake_cli.core.verdict import Verdict
from deepfake_cli.errors import ModelError, OutputError, ProfileError, UsageError
from deepfake_cli.inference.face_detector import FaceDetector
from deepfake_cli.io.model_folder import EMBEDDED, embedded_models, load_model_folder
from deepfake_cli.pipeline.result import ScanResult

SCHEMA = json.loads((files("deepfake_cli") / "scan-result.schema.json").read_text())


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that takes bright faces for fake ones."""
    return str(write_model(tmp_path_factory.mktemp("models") / "lamp", model_files(gain=8.0)))


@pytest.fixture(scope="module")
def media(
    tmp_path_factory: pytest.TempPathFactory,
    make_video: Callable[..., Path],
    pan: Callable[..., list[np.ndarray]],
    portrait: np.ndarray,
) -> Path:
    """Videos of the portrait, bright and dark, of nobody, and a picture."""
    folder = tmp_path_factory.mktemp("media")
    bright, dark = pan(12), [(frame * 0.4).astype(np.uint8) for frame in pan(12)]
    make_video(folder / "bright.mp4", bright)
    make_video(folder / "dark.mp4", dark)
    make_video(folder / "nobody.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 5)
    make_video(folder / "two.mp4", [np.hstack(pair) for pair in zip(bright, dark, strict=True)])
    cv2.imwrite(str(folder / "portrait.png"), portrait[:, :, ::-1])
    return folder


@pytest.fixture(scope="module")
def mouth(portrait: np.ndarray) -> np.ndarray:
    """(32, 32) of the cut that a model takes: 10 at the mouth of the portrait, -10 elsewhere."""
    faces = FaceDetector().detect(portrait)
    points = cut_points(faces.points[0], faces.boxes[0], 32, margin=1.25)
    spot = np.full((32, 32), -10, np.float32)
    cv2.circle(spot, [round(side) for side in points[3:].mean(axis=0)], 3, 10, -1)
    return spot


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory, mouth: np.ndarray) -> str:
    """A model that takes bright faces for fake ones, and paints every mouth."""
    files = painter_files(gain=8.0, spot=mouth)
    return str(write_model(tmp_path_factory.mktemp("models") / "painter", files))


def one(path: Path, model: str, **options: object) -> ScanResult:
    (result,) = scan(path, model=model, **options)  # type: ignore[arg-type]
    jsonschema.validate(json.loads(json.dumps(result.to_json())), SCHEMA)
    return result


def test_a_result_says_what_was_scanned_and_how(media: Path, lamp: str) -> None:
    path = media / "bright.mp4"
    result = one(path, lamp)
    assert (result.verdict, result.reason, result.frames) == (Verdict.FAKE, "", 12)
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (result.bytes, result.modified) == (path.stat().st_size, path.stat().st_mtime)
    assert (result.model.name, len(result.model.revision)) == ("brightness", 12)
    assert (result.rule.threshold, result.rule.source) == (0.5, "balanced accuracy on choose")
    assert result.media is not None
    assert (result.media.kind, result.media.codec, result.media.width, result.media.frames) == (
        *("video", "h264", 320, 12),
    )
    assert set(result.timings) == {"decode", "detect", "track", "classify", "total"}
    (track,) = result.tracks
    assert (track.id, track.faces, track.start, track.end) == (1, 12, 0.0, 0.44)
    assert [face.index for face in track.frames] == list(range(12))
    assert track.score == result.score == round(fmean(face.score for face in track.frames), 4)
    clearest = sorted(track.frames, key=lambda face: (0.5 - face.score) * face.quality)[:3]
    assert track.evidence == tuple(face.index for face in clearest)


def test_the_most_suspicious_person_decides_and_comes_first(media: Path, lamp: str) -> None:
    result = one(media / "two.mp4", lamp)
    assert result.verdict is Verdict.FAKE
    first, second = result.tracks
    assert first.score == result.score
    assert first.score > 0.5 > second.score
    assert first.frames[0].box[2] < 320 < second.frames[0].box[0]  # the bright one stands on the left


@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("dark.mp4", Verdict.REAL, ""),
        ("nobody.mp4", Verdict.NO_FACE, "no face found in 5 frames"),
        ("portrait.png", Verdict.FAKE, ""),
        ("missing.mp4", Verdict.UNREADABLE, "cannot be read: no such file or directory"),
    ],
)
def test_verdicts(media: Path, lamp: str, name: str, verdict: Verdict, reason: str) -> None:
    result = one(media / name, lamp)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_a_picture_is_one_frame(media: Path, lamp: str) -> None:
    result = one(media / "portrait.png", lamp)
    assert result.frames == 1
    assert result.media is not None
    assert (result.media.kind, result.media.format, result.media.width) == ("image", "png", 512)


@pytest.mark.parametrize(
    ("options", "frames"),
    [({"frames": 5}, 5), ({"frames": 0}, 12), ({"every": 5}, 3), ({"frames": 100}, 12), ({"every": 1}, 12)],
)
def test_sampling(media: Path, lamp: str, options: dict[str, int], frames: int) -> None:
    assert one(media / "bright.mp4", lamp, **options).frames == frames


def test_what_is_given_wins_over_the_other_way_of_sampling(media: Path, lamp: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("[scan]\nevery = 2\n")
    assert one(media / "nobody.mp4", lamp, profile=mine).frames == 3
    assert one(media / "nobody.mp4", lamp, profile=mine, frames=1).frames == 1


def test_a_threshold_of_ones_own_knows_no_uncertainty(media: Path, lamp: str, tmp_path: Path) -> None:
    unsure = str(write_model(tmp_path / "unsure", model_files(gain=0.0)))
    result = one(media / "bright.mp4", unsure)
    assert (result.verdict, result.score) == (Verdict.UNCERTAIN, 0.5)
    assert result.reason == "score 0.50 lies within 0.45-0.55 of the threshold 0.50"
    assert one(media / "bright.mp4", unsure, threshold=0.5).verdict is Verdict.FAKE
    strict = one(media / "bright.mp4", unsure, threshold=0.51)
    assert (strict.verdict, strict.rule.source, strict.rule.uncertain) == (Verdict.REAL, "user", None)


def test_results_are_the_same_whatever_jobs_and_threads(media: Path, lamp: str) -> None:
    paths = [media / name for name in ("two.mp4", "bright.mp4", "portrait.png", "missing.mp4", "nobody.mp4")]
    alone = [one(path, lamp) for path in paths]
    for jobs in (1, 3):
        together = list(scan(paths, model=lamp, jobs=jobs))
        assert [result.file for result in together] == [str(path) for path in paths]
        assert together == alone


def test_settings_that_matter_change_the_fingerprint(media: Path, lamp: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("[detector]\nmin_face = 40\n")
    seen = {
        one(media / "nobody.mp4", lamp, **options).settings
        for options in (
            {},
            {"jobs": 1},
            {"timeout": 99.0},
            {"frames": 8},
            {"threshold": 0.6},
            {"profile": mine},
        )
    }
    assert len(seen) == 4


def test_faces_are_saved_as_they_were_scored(media: Path, lamp: str, tmp_path: Path) -> None:
    result = one(media / "two.mp4", lamp, frames=3, save_faces=tmp_path / "faces")
    (folder,) = (tmp_path / "faces").iterdir()
    assert folder.name.startswith("two.mp4-")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"person-{track.id:03}_frame-{face.index:05}_score-{face.score:.4f}.png"
        for track in result.tracks
        for face in track.frames
    )
    face = cv2.imread(str(next(folder.iterdir())))
    assert face is not None
    assert face.shape == (32, 32, 3)


@pytest.mark.parametrize("count", [1, 2])
def test_where_faces_cannot_be_saved_nothing_is_scanned(
    media: Path, lamp: str, tmp_path: Path, count: int
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        list(
            scan([media / "bright.mp4", media / "dark.mp4"][:count], model=lamp, save_faces=tmp_path / "file")
        )


@pytest.mark.parametrize("name", ["two.mp4", "portrait.png"])
def test_every_face_tells_where_its_map_glows(media: Path, painter: str, lamp: str, name: str) -> None:
    tracks = one(media / name, painter).tracks
    assert {face.region for track in tracks for face in track.frames} == {"mouth"}
    plain = one(media / name, lamp).tracks
    assert {face.region for track in plain for face in track.frames} == {None}


def test_a_black_map_glows_nowhere(media: Path, tmp_path: Path) -> None:
    black = str(write_model(tmp_path / "black", painter_files(spot=-10)))
    (track,) = one(media / "portrait.png", black).tracks
    assert track.frames[0].region is None


def test_maps_are_saved_beside_their_faces(
    media: Path, painter: str, mouth: np.ndarray, tmp_path: Path
) -> None:
    names = ["two.mp4", "bright.mp4"]
    saved = list(scan([media / name for name in names], model=painter, frames=3, save_mri=tmp_path))
    list(scan([media / name for name in names], model=painter, frames=3, save_faces=tmp_path))
    assert len(list(tmp_path.iterdir())) == 2
    for result in saved:
        (folder,) = tmp_path.glob(f"{Path(result.file).name}-*")
        maps = {path.name for path in folder.glob("*_mri.png")}
        faces = {path.name for path in folder.iterdir()} - maps
        assert len(faces) == sum(track.faces for track in result.tracks) > 0
        assert maps == {name.replace(".png", "_mri.png") for name in faces}
        for name in maps:
            painted = cv2.imread(str(folder / name))
            assert painted is not None
            np.testing.assert_array_equal(painted, np.dstack([(mouth > 0) * 255] * 3))
    assert saved == [one(media / name, painter, frames=3) for name in names]  # saving changes no result


def test_maps_that_no_model_paints_cannot_be_saved(media: Path, lamp: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="paints no map") as caught:
        list(scan(media / "bright.mp4", model=lamp, save_mri=tmp_path / "maps"))
    assert "--method mri" in caught.value.hint
    assert not (tmp_path / "maps").exists()


@pytest.fixture
def heater(tmp_path: Path) -> str:
    """A model that tells where it looks."""
    size = {"size": 64, "margin": 1.25, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    return str(write_model(tmp_path / "heater", model_files(network=heating_onnx(64, 3.0), input=size)))


def test_heat_is_saved_beside_the_faces_and_names_a_region(media: Path, heater: str, tmp_path: Path) -> None:
    result = one(media / "two.mp4", heater, frames=3, save_heatmaps=tmp_path / "heat")
    (folder,) = (tmp_path / "heat").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"person-{track.id:03}_frame-{face.index:05}_score-{face.score:.4f}_heat.png"
        for track in result.tracks
        for face in track.frames
    )
    regions = {face.region for track in result.tracks for face in track.frames}
    assert regions <= {*REGIONS, None}
    assert regions != {None}  # somewhere it is brighter than mid-grey
    assert result == one(media / "two.mp4", heater, frames=3)


def test_heat_that_no_model_tells_cannot_be_saved(media: Path, lamp: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not tell where it looks"):
        list(scan(media / "bright.mp4", model=lamp, save_heatmaps=tmp_path / "heat"))


@pytest.mark.parametrize("count", [1, 2])
def test_where_maps_cannot_be_saved_nothing_is_scanned(
    media: Path, painter: str, tmp_path: Path, count: int
) -> None:
    (tmp_path / "file").write_text("")
    paths = [media / "bright.mp4", media / "dark.mp4"][:count]
    with pytest.raises(OutputError, match="cannot make the folder"):
        list(scan(paths, model=painter, save_mri=tmp_path / "file"))


@pytest.mark.parametrize(
    "files", [model_files(method="mri"), model_files(network=painting_onnx(32), method="plain")]
)
def test_a_network_that_does_not_do_what_its_method_says_is_refused(
    media: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    model = str(write_model(tmp_path / "model", files))
    with pytest.raises(ModelError, match="its method is"):
        list(scan(media / "portrait.png", model=model))


@pytest.mark.parametrize("name", embedded_models())
def test_a_method_is_the_name_of_an_embedded_model(media: Path, name: str) -> None:
    (result,) = scan(media / "nobody.mp4", method=name, frames=1)
    assert result.model.revision == load_model_folder(EMBEDDED / name).revision


def test_a_model_that_breaks_in_a_worker_is_told_as_such(media: Path, lamp: str, tmp_path: Path) -> None:
    broken = write_model(tmp_path / "broken", {**model_files(), "model.onnx": b"no network"})
    config = json.loads((broken / "config.json").read_text())
    config["files"]["model.onnx"] = hashlib.sha256(b"no network").hexdigest()
    (broken / "config.json").write_text(json.dumps(config))
    for paths in ([media / "bright.mp4"], [media / "bright.mp4", media / "dark.mp4"]):
        with pytest.raises(ModelError, match="cannot be loaded"):
            list(scan(paths, model=str(broken)))


def test_time_is_limited(media: Path, lamp: str) -> None:
    assert one(media / "bright.mp4", lamp, timeout=1e-6).reason == "took longer than 1e-06 s"
    both = list(scan([media / "bright.mp4", media / "dark.mp4"], model=lamp, timeout=1e-6))
    assert [result.reason for result in both] == ["took longer than 1e-06 s"] * 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"threshold": 1.5}, UsageError),
        ({"frames": -1}, ProfileError),
        ({"frames": 8, "every": 2}, UsageError),
        ({"jobs": -1}, ProfileError),
        ({"model": "no/such/folder"}, ModelError),
        ({"method": "plain", "model": "plain"}, UsageError),
        ({"method": "guess"}, UsageError),
    ],
)
def test_wrong_options_are_refused(media: Path, options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        list(scan(media / "bright.mp4", **options))  # type: ignore[arg-type]


def test_a_script_without_a_main_guard_can_scan_many_files(media: Path, lamp: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from deepfake_cli import scan\n"
        "for result in scan(sys.argv[2:], model=sys.argv[1]): print(result.verdict)\n"
    )
    run = subprocess.run(
        [sys.executable, script, lamp, media / "bright.mp4", media / "dark.mp4"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(deepfake_cli.__file__).parents[1])},
    )
    assert (run.stdout, run.stderr) == ("FAKE\nREAL\n", "")


def test_a_copy_gives_the_same_result_but_for_its_name(media: Path, lamp: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes((media / "bright.mp4").read_bytes())
    same = {"file": "", "modified": 0.0}
    first, second = one(media / "bright.mp4", lamp), one(copy, lamp)
    assert dataclasses.replace(first, **same) == dataclasses.replace(second, **same)


def test_the_package_offers_scan_and_nothing_unknown() -> None:
    assert deepfake_cli.scan is scan
    with pytest.raises(AttributeError, match="no attribute 'scam'"):
        _ = deepfake_cli.scam
