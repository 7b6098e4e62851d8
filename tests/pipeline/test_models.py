import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from generators import write_generator
from hub_models import write_model

from deepfake_cli.errors import ModelError, UsageError
from deepfake_cli.pipeline.models import Source, find_model, pull_model, resolve, resolve_generator


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_embedded_model_is_found_by_its_name() -> None:
    model = find_model("plain")
    assert (model.reference, model.source) == ("plain", Source.EMBEDDED)
    assert model.folder.path.parent.name == "weights"


def test_an_embedded_name_wins_over_a_folder_which_a_path_still_finds() -> None:
    write_model(Path("plain"))
    assert find_model("plain").source is Source.EMBEDDED
    assert find_model("./plain").source is Source.LOCAL
    assert find_model("./plain").folder.config.name == "brightness"


def test_a_folder_wins_over_the_hub() -> None:
    write_model(Path("owner/name"))
    model = find_model("owner/name")
    assert (model.reference, model.source) == ("owner/name", Source.LOCAL)
    write_model(Path("owner/name@v1"))
    assert find_model("owner/name@v1").source is Source.LOCAL


def test_a_folder_is_found_by_any_way_to_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "m")
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("m", "m/", "./m", "../" + tmp_path.name + "/m", str(tmp_path / "m"), "~/m"):
        assert resolve(path).config.name == "brightness"


def test_a_model_is_found_for_its_task_only() -> None:
    write_model(Path("judge"))
    write_generator(Path("painter"))
    assert find_model("painter").folder.config.task == "generator"
    assert find_model("judge").folder.config.task == "classifier"
    assert resolve_generator("painter").config.shape.depth == 4
    with pytest.raises(ModelError, match="model painter is a generator, which cannot do this") as caught:
        resolve("painter")
    assert "dfdetect gan predict" in caught.value.hint
    for name in ("judge", "plain"):
        with pytest.raises(ModelError, match=f"model {name} is a classifier, which cannot do this"):
            resolve_generator(name)


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("", "there is no model ''", "owner/name@revision"),
        ("nothing", "there is no model 'nothing'", "plain"),
        ("plian", "there is no model 'plian'", "did you mean plain?"),
        ("./nowhere", "there is no model folder ./nowhere", "check the path"),
        ("/no/where/at/all", "there is no model folder", "check the path"),
        ("x" * 5000, "there is no model", "owner/name"),
        ("nul\0", "there is no model", "owner/name"),
    ],
)
def test_what_is_nowhere_is_told_with_what_would_be_right(reference: str, message: str, hint: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve(reference)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_only_models_on_the_hub_can_be_pulled() -> None:
    write_model(Path("m"))
    for reference in ("plain", "m", "./m", ""):
        with pytest.raises(UsageError, match="is no model on the Hub"):
            pull_model(reference)


def test_what_is_known_of_a_model_is_plain_json() -> None:
    known = json.loads(json.dumps(find_model(str(write_model(Path("m")))).to_json()))
    assert known["config"] == json.loads((Path("m") / "config.json").read_text())
    assert known["bytes"] == sum(file.stat().st_size for file in Path("m").iterdir())


def test_the_client_of_the_hub_is_not_loaded_for_models_that_are_here() -> None:
    write_model(Path("owner/name"))
    script = """
import sys
from deepfake_cli.pipeline.models import resolve
resolve("plain"), resolve("owner/name")
print([name for name in ("huggingface_hub", "httpx2", "onnxruntime", "cv2") if name in sys.modules])
"""
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert run.stdout.strip() == "[]"
