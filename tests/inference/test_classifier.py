from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from hub_models import (
    brightness_onnx,
    heating_onnx,
    modalities_files,
    modalities_onnx,
    model_files,
    painting_onnx,
    write_model,
)

from deepfake_cli.core.face_parts import MODALITIES
from deepfake_cli.errors import ModelError
from deepfake_cli.inference.classifier import BATCH, Classifier
from deepfake_cli.io.model_folder import load_model_folder

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


@pytest.fixture
def onnx_path(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(brightness_onnx(32))
    return path


@pytest.fixture
def classifier(onnx_path: Path) -> Classifier:
    return Classifier(onnx_path, size=32, mean=MEAN, std=STD)


def random_faces(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def expected_logits(faces: np.ndarray) -> np.ndarray:
    return ((faces / 255 - MEAN) / STD).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("count", [1, BATCH, 2 * BATCH + 3])
def test_logits_follow_from_the_stated_preprocessing(classifier: Classifier, count: int) -> None:
    faces = random_faces(count)
    logits = classifier.logits(faces)
    assert logits.shape == (count,)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected_logits(faces), atol=1e-5)


def test_channels_keep_their_order_and_their_own_mean(classifier: Classifier) -> None:
    faces = np.zeros((2, 32, 32, 3), np.uint8)
    faces[0, ..., 0] = 255  # a red one, and one lit at the top left only
    faces[1, :8, :4] = 255
    planes = classifier.preprocess(faces)
    np.testing.assert_allclose(planes[0, :, 0, 0], [(1 - 0.4) / 0.2, -0.5 / 0.25, -0.6 / 0.3], rtol=1e-6)
    assert (planes[1, 0] > 0).sum() == 8 * 4
    assert planes[1, 0, 7, 3] > 0 > planes[1, 0, 3, 7]


def test_no_faces_give_no_scores(classifier: Classifier) -> None:
    scores = classifier.score(np.empty((0, 32, 32, 3), np.uint8))
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_scores_are_calibrated_probabilities(onnx_path: Path, temperature: float) -> None:
    classifier = Classifier(onnx_path, size=32, mean=MEAN, std=STD, temperature=temperature)
    faces = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (0, 90, 128, 255)])
    expected = 1 / (1 + np.exp(-expected_logits(faces) / temperature))
    np.testing.assert_allclose(classifier.score(faces), expected, atol=1e-6)


def test_extreme_logits_saturate_quietly(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(brightness_onnx(32, gain=1e6))
    classifier = Classifier(tmp_path / "model.onnx", size=32, mean=MEAN, std=STD, temperature=0.1)
    faces = np.stack([np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)])
    with np.errstate(all="raise", under="ignore"):
        assert classifier.score(faces).tolist() == [0.0, 1.0]


def test_a_face_scores_the_same_in_any_company(classifier: Classifier) -> None:
    faces = random_faces(BATCH + 5)
    together = classifier.score(faces)
    alone = np.concatenate([classifier.score(faces[i : i + 1]) for i in range(len(faces))])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_array_equal(together, classifier.score(faces))


@pytest.mark.parametrize(
    "faces",
    [
        np.zeros((1, 16, 16, 3), np.uint8),
        np.zeros((1, 3, 32, 32), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
    ],
)
def test_faces_of_another_shape_or_type_are_refused(classifier: Classifier, faces: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        classifier.score(faces)


@pytest.mark.parametrize("shape", [["N", 3, 64, 64], [1, 3, 32, 32], ["N", 3, "H", "W"]])
def test_a_network_that_does_not_fit_its_config_is_refused(tmp_path: Path, shape: list[object]) -> None:
    (tmp_path / "model.onnx").write_bytes(brightness_onnx(shape=shape))
    with pytest.raises(ModelError, match=r"does not fit its config\.json"):
        Classifier(tmp_path / "model.onnx", size=32, mean=MEAN, std=STD)


def test_a_network_that_answers_nan_is_an_error_and_not_a_score(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(brightness_onnx(gain=float("nan")))
    classifier = Classifier(tmp_path / "model.onnx", size=32, mean=MEAN, std=STD)
    with pytest.raises(ModelError, match="not a number"):
        classifier.score(random_faces(1))


@pytest.fixture
def painter(tmp_path: Path) -> Classifier:
    (tmp_path / "painter.onnx").write_bytes(painting_onnx(32))
    return Classifier(tmp_path / "painter.onnx", size=32, mean=MEAN, std=STD)


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 3])
def test_maps_come_with_the_scores_as_pictures(painter: Classifier, count: int) -> None:
    faces = random_faces(count)
    scores, maps = painter.score_and_paint(faces)
    np.testing.assert_array_equal(scores, painter.score(faces))
    halved = ((faces / 255 - MEAN) / STD).reshape(count, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert painter.map_size == 16
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, halved.clip(0, 1), atol=1e-5)


def test_a_network_without_maps_is_asked_for_none(classifier: Classifier) -> None:
    assert classifier.map_size == 0
    with pytest.raises(ValueError, match="paints no maps"):
        classifier.score_and_paint(random_faces(1))


@pytest.mark.parametrize(
    "network", [painting_onnx(spot=float("nan"), most=float("nan")), painting_onnx(spot=99, most=255)]
)
def test_what_is_no_map_is_an_error(tmp_path: Path, network: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(network)
    classifier = Classifier(tmp_path / "model.onnx", size=32, mean=MEAN, std=STD)
    with pytest.raises(ModelError, match=r"not a number|no map"):
        classifier.score_and_paint(random_faces(1))


def renamed(network: onnx.ModelProto) -> None:
    network.graph.output[1].name = "half"


def turned_around(network: onnx.ModelProto) -> None:
    network.graph.output.reverse()


def oblong(network: onnx.ModelProto) -> None:
    (pool,) = (node for node in network.graph.node if node.op_type == "AveragePool")
    (strides,) = (attribute for attribute in pool.attribute if attribute.name == "strides")
    strides.ints[:] = [2, 4]
    network.graph.output[1].type.tensor_type.shape.dim[3].dim_value = 8


def heated(network: onnx.ModelProto) -> None:
    heat = onnx.helper.make_tensor_value_info("heat", onnx.TensorProto.FLOAT, ["N", 16, 16])
    network.graph.node.append(onnx.helper.make_node("ReduceMean", ["maps", "first"], ["heat"], keepdims=0))
    network.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "first"))
    network.graph.output.append(heat)


@pytest.mark.parametrize("change", [renamed, turned_around, oblong, heated])
def test_other_outputs_beside_the_logits_are_refused(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None]
) -> None:
    network = onnx.load_model_from_string(painting_onnx(32))
    change(network)
    (tmp_path / "model.onnx").write_bytes(network.SerializeToString())
    with pytest.raises(ModelError, match=r"does not fit its config\.json"):
        Classifier(tmp_path / "model.onnx", size=32, mean=MEAN, std=STD)


@pytest.mark.parametrize("content", [b"", b"not a network", random_faces(2).tobytes()])
def test_bytes_that_are_no_network_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError):
        Classifier(tmp_path / "model.onnx", size=32, mean=MEAN, std=STD)


def test_a_network_cannot_pull_in_files_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"\0\0\x80\x3f")
    network = onnx.load_model_from_string(brightness_onnx(32))
    gain = next(t for t in network.graph.initializer if t.name == "gain")
    gain.ClearField("raw_data")
    gain.data_location = onnx.TensorProto.EXTERNAL
    gain.external_data.add(key="location", value="../secret.bin")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(network.SerializeToString())
    with pytest.raises(ModelError, match="escapes model directory"):
        Classifier(folder / "model.onnx", size=32, mean=MEAN, std=STD)


def test_heat_says_where_the_score_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(heating_onnx(32, 3.0))
    classifier = Classifier(path, size=32, mean=MEAN, std=STD, temperature=2.0)
    faces = random_faces(BATCH + 1)
    scores, maps, heat, *_ = classifier.explain(faces)
    assert classifier.heat_shape == (16, 16)
    assert maps is None
    assert heat is not None
    assert heat.shape == (BATCH + 1, 16, 16)
    assert 1 / (1 + np.exp(-heat.mean((1, 2)))) == pytest.approx(scores, abs=1e-5)
    assert scores == pytest.approx(classifier.score(faces))


def test_who_does_not_tell_where_is_asked_in_vain(classifier: Classifier) -> None:
    faces = random_faces(2)
    scores, *others = classifier.explain(faces)
    assert others == [None] * 4
    assert np.array_equal(scores, classifier.score(faces))


@pytest.mark.parametrize("count", [0, 1, BATCH + 1])
def test_what_branches_add_and_what_faces_are_made_of_come_with_the_scores(
    tmp_path: Path, count: int
) -> None:
    calm = {"temperature": 2.0, "source": "lamps"}
    folder = write_model(tmp_path, modalities_files((3.0, -1.0, 0.5, 0.0, 0.2), calibration=calm))
    classifier = Classifier.of(load_model_folder(folder))
    faces = random_faces(count)
    scores, maps, heat, parts, rendered = classifier.explain(faces)
    assert classifier.branches == MODALITIES
    assert (maps, heat) == (None, None)
    assert parts is not None
    assert rendered is not None
    assert parts.shape == (count, 5)
    assert scores == pytest.approx(1 / (1 + np.exp(-0.125 - parts.sum(axis=1))), abs=1e-5)
    assert scores == pytest.approx(classifier.score(faces))
    assert len(rendered) == count
    for one in rendered:
        assert one.albedo.shape == one.normals.shape == one.shading.shape == (16, 16, 3)
        assert (one.shadow.shape, one.lighting.shape) == ((16, 16), (9, 3))
        np.testing.assert_array_equal(one.normals[3, 4], [0, 0, 1])


@pytest.mark.parametrize("files", [modalities_files, partial(model_files, network=heating_onnx())])
def test_a_temperature_that_leads_beyond_all_numbers_is_told(
    tmp_path: Path, files: Callable[..., dict[str, bytes]]
) -> None:
    wild = {"temperature": 1e-46, "source": "lamps"}
    classifier = Classifier.of(load_model_folder(write_model(tmp_path, files(calibration=wild))))
    with pytest.raises(ModelError, match="beyond all numbers"):
        classifier.explain(random_faces(2))


@pytest.mark.parametrize("files", [modalities_files((1.0, 2.0)), model_files(network=modalities_onnx())])
def test_branches_must_be_those_of_the_method(tmp_path: Path, files: dict[str, bytes]) -> None:
    model = load_model_folder(write_model(tmp_path, files))
    with pytest.raises(ModelError, match=r"does not fit its config\.json: it has \d parts"):
        Classifier.of(model)
