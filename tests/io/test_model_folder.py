import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from hub_models import brightness_onnx, model_config, model_files, write_model
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from deepfake_cli.errors import ModelError
from deepfake_cli.io.model_config import GeneratorConfig, ModelConfig, RendererConfig
from deepfake_cli.io.model_folder import (
    DEFAULT,
    EMBEDDED,
    DamagedModelError,
    StackFolder,
    embedded_models,
    load_generator_folder,
    load_model_folder,
    load_renderer_folder,
    read_config,
)


def with_config(folder: Path, text: str | bytes) -> Path:
    write_model(folder)
    (folder / "config.json").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def changed(path: str, value: Any) -> dict[str, Any]:
    """A valid config with the key at a dotted path set to a value, or removed where that is `...`."""
    config = model_config(brightness_onnx())
    *parents, last = path.split("/")
    place: Any = config
    for parent in parents:
        place = place[int(parent) if parent.isdigit() else parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return config


def test_a_valid_folder_is_read_whole(tmp_path: Path) -> None:
    folder = load_model_folder(write_model(tmp_path / "m"))
    assert folder.config.input.size == 32
    assert folder.config.decision.uncertain == (0.45, 0.55)
    assert folder.config.metrics[0].interval == (0.85, 0.94)
    assert folder.onnx.read_bytes() == brightness_onnx()
    assert folder.revision == folder.config.files["model.onnx"][:12]
    assert folder.size == sum(len(content) for content in model_files().values())


def test_the_embedded_model_is_in_order_and_comes_first() -> None:
    assert embedded_models()[0] == DEFAULT
    for name in embedded_models():
        folder = load_model_folder(EMBEDDED / name)
        assert (folder.path / "README.md").is_file()
        if isinstance(folder, StackFolder):
            continue  # it asks others, and has no network of its own
        assert folder.onnx.stat().st_size <= 20 << 20
        assert b"site-packages" not in folder.onnx.read_bytes()  # nor any other path of who made it


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    config = model_config(brightness_onnx())
    del config["licence"]
    config["colour"] = "blue"
    config["input"]["size"] = "large"
    config["calibration"]["temperature"] = 0
    folder = with_config(tmp_path / "m", json.dumps(config))
    with pytest.raises(ModelError) as caught:
        load_model_folder(folder)
    lines = caught.value.message.splitlines()
    assert lines[0] == f"config.json of model {folder} has 4 mistakes"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "input.size",
        "licence",
        "calibration.temperature",
        "colour",
    ]
    assert "docs/model-folder.md" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../../etc"),
        ("name", ""),
        ("task", "judge"),
        ("method", "guess"),
        ("generator", ""),
        ("input/size", 16.5),
        ("input/size", True),
        ("input/size", 8),
        ("input/mean", [0.5, 0.5]),
        ("input/std", [0.5, 0, 0.5]),
        ("input/margin", "1.0"),
        ("calibration/temperature", float("nan")),
        ("calibration/temperature", float("inf")),
        ("decision/threshold", 1.5),
        ("decision/threshold", 0.6),  # outside its band
        ("decision/uncertain", [0.55, 0.45]),
        ("decision/aggregation", "maximum"),
        ("decision/minimum_faces", 0),
        ("metrics/0/interval", [0.9, 0.8]),
        ("metrics/0/real", ...),
        ("metrics/0/note", "extra"),
        ("trained_on", "lamps"),
        ("licence", None),
        ("files", {}),
        ("files", {"model.onnx": "abc"}),
        ("files", {"model.onnx": "0" * 64, "../model.onnx": "0" * 64}),
        ("files", {"model.onnx": "0" * 64, "model.pkl": "0" * 64}),
        ("files", {"model.onnx": "0" * 64, "model.bin": "0" * 64}),
        ("files", {"model.onnx": "0" * 64, "sub/model.onnx": "0" * 64}),
    ],
)
def test_one_wrong_value_is_one_mistake_that_names_its_key(tmp_path: Path, key: str, value: Any) -> None:
    folder = with_config(tmp_path / "m", json.dumps(changed(key, value)))
    with pytest.raises(ModelError, match="has a mistake") as caught:
        load_model_folder(folder)
    (line,) = caught.value.message.splitlines()[1:]
    assert key.split("/")[0] in line


@pytest.mark.parametrize("schema", [2, 17])
def test_a_later_schema_asks_for_a_later_program(tmp_path: Path, schema: int) -> None:
    folder = with_config(tmp_path / "m", json.dumps({"schema": schema, "all": "different"}))
    with pytest.raises(ModelError, match=f"has schema {schema}, this dfdetect reads schema 1") as caught:
        load_model_folder(folder)
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "text", ['{"architectures": ["BertModel"]}', "[]", "3", "null", '{"schema_version": 1}']
)
def test_somebody_elses_config_is_told_as_such(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="is not a dfdetect model"):
        load_model_folder(with_config(tmp_path / "m", text))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe\x00", b"[" * 200_000, b'{"schema": ' + b"9" * 5000 + b"}"]
)
def test_a_config_that_is_no_json_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(ModelError, match=r"config\.json of model .* is not JSON"):
        load_model_folder(with_config(tmp_path / "m", text))


def test_an_endless_config_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="larger than 1 MB"):
        load_model_folder(with_config(tmp_path / "m", b" " * (1 << 20) + b"{}"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(sorted(model_config(b""))),
)
def test_no_value_of_any_key_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, value: Any, key: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "config.json").write_text(json.dumps(model_config(b"") | {key: value}))
    with suppress(ModelError):
        assert json.loads(read_config(folder).model_dump_json(by_alias=True))[key] == value


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "empty"])
def test_a_damaged_network_is_refused(tmp_path: Path, damage: str) -> None:
    folder = write_model(tmp_path / "m")
    content = (folder / "model.onnx").read_bytes()
    damaged = {
        "flip": content[:-1] + bytes([content[-1] ^ 1]),
        "cut": content[:-1],
        "grow": content + b"\0",
        "empty": b"",
    }[damage]
    (folder / "model.onnx").write_bytes(damaged)
    with pytest.raises(DamagedModelError, match=r"model\.onnx of model .* is damaged: SHA-256"):
        load_model_folder(folder)


def test_every_listed_file_is_checked_but_training_weights_may_be_absent(tmp_path: Path) -> None:
    files = model_files()["model.onnx"]
    listed = model_config(files)["files"] | {"model.safetensors": "0" * 64}
    folder = write_model(tmp_path / "m", model_files(files=listed))
    assert load_model_folder(folder).revision == listed["model.onnx"][:12]
    (folder / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(DamagedModelError, match="safetensors"):
        load_model_folder(folder)
    (folder / "model.safetensors").unlink()
    folder = write_model(tmp_path / "m", model_files(files=listed | {"second.onnx": "0" * 64}))
    with pytest.raises(ModelError, match=r"has no second\.onnx"):
        load_model_folder(folder)


def test_a_pickle_beside_the_model_is_never_opened(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    os.mkfifo(folder / "pytorch_model.bin")  # opening it would wait for ever
    assert load_model_folder(folder).config.name == "brightness"


@pytest.mark.parametrize("name", ["config.json", "model.onnx"])
@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "dangling"])
def test_files_that_are_none_are_missing(tmp_path: Path, name: str, kind: str) -> None:
    folder = write_model(tmp_path / "m")
    (folder / name).unlink()
    match kind:
        case "folder":
            (folder / name).mkdir()
        case "pipe":
            os.mkfifo(folder / name)
        case "dangling":
            (folder / name).symlink_to("nowhere")
    with pytest.raises(ModelError, match=f"has no {name}"):
        load_model_folder(folder)


def test_folders_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        load_model_folder(tmp_path / "nowhere")
    folder = write_model(tmp_path / "m")
    with pytest.raises(ModelError, match="is a file, not a folder") as caught:
        load_model_folder(folder / "model.onnx")
    assert "config.json" in caught.value.hint


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("/proc/self/mem")  # a file whose start nobody can read, not even root
    with pytest.raises(ModelError, match=r"cannot read model\.onnx of model .*: Input/output error"):
        load_model_folder(folder)


def test_a_generator_is_not_taken_for_a_classifier(tmp_path: Path) -> None:
    config = {
        key: value for key, value in model_config(b"").items() if key not in ("calibration", "decision")
    }
    config |= {"task": "generator", "shape": {"width": 16, "depth": 4}}
    folder = with_config(tmp_path / "m", json.dumps(config))
    with pytest.raises(ModelError, match="is a generator") as caught:
        load_model_folder(folder)
    assert "gan predict" in caught.value.hint
    with pytest.raises(ModelError, match="is a classifier"):
        load_generator_folder(write_model(tmp_path / "c"))


def test_a_renderer_is_neither_classifier_nor_generator(tmp_path: Path) -> None:
    config = {
        key: value for key, value in model_config(b"").items() if key not in ("calibration", "decision")
    }
    config |= {"task": "renderer", "shape": {"width": 32, "depth": 4}}
    folder = with_config(tmp_path / "m", json.dumps(config))
    for load in (load_model_folder, load_generator_folder):
        with pytest.raises(ModelError, match="is a renderer"):
            load(folder)
    with pytest.raises(ModelError, match="is a classifier"):
        load_renderer_folder(write_model(tmp_path / "c"))


def documented() -> str:
    return (Path(__file__).parents[2] / "docs" / "model-folder.md").read_text(encoding="utf-8")


def test_the_example_in_the_documentation_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", documented(), re.DOTALL)
    assert read_config(with_config(tmp_path / "m", example)).name == "example"


def test_every_key_is_documented_and_no_other() -> None:
    def keys(part: type[BaseModel], prefix: str = "") -> Iterator[str]:
        for name, field in part.model_fields.items():
            key = prefix + (field.alias or name)
            inner = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)]
            parts = [t for t in inner if issubclass(t, BaseModel)]
            if key == "metrics" or not parts:
                yield key
            for one in parts:
                yield from keys(one, key + ("[]." if key == "metrics" else "."))

    section = documented().partition("## `config.json`")[2].partition("```json")[0]
    shared, classifier, generator, renderer = (
        re.findall(r"^\| `([^|]*?)` \|", table, re.MULTILINE) for table in section.split("\n| key |")[1:]
    )
    assert shared + classifier == list(keys(ModelConfig))
    assert shared + generator == list(keys(GeneratorConfig))
    assert shared + renderer == list(keys(RendererConfig))
