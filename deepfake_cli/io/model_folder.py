"""Model folders: `config.json`, `model.onnx` and a card, checked before anything in them is used.

The layout is the same inside the package, on disk and on the Hub: ``docs/model-folder.md`` describes it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deepfake_cli.core.verdict import Aggregation
from deepfake_cli.errors import ModelError

SCHEMA_VERSION = 1
CONFIG = "config.json"
ONNX = "model.onnx"
SAFETENSORS = "model.safetensors"
CARD = "README.md"
EMBEDDED = Path(__file__).parent.parent / "weights"
DEFAULT = "plain"
Method = Literal["plain", "mri", "fusion"]
Task = Literal["classifier", "generator"]
_USES = {
    "classifier": "it judges faces, as in: dfdetect scan --model",
    "generator": "it paints maps, as in: dfdetect gan predict --model",
}

# What may be listed in `files`: nothing that runs code when it is read, and no way out of the folder.
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\.(onnx|safetensors|json|md)$"
# Far above any real one; what a Hub repository or a mistaken path calls config.json may be of any size.
CONFIG_LIMIT = 1 << 20


class DamagedModelError(ModelError):
    """A file of a model folder is not what it was: fetched or copied again it may be."""


Text = Annotated[str, Field(min_length=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Triple = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Input(_Part):
    """How a face becomes the network's input: ``(x / 255 - mean) / std``, RGB.

    Attributes:
        size: Side of the square face in pixels.
        margin: Side of the cut relative to the longer side of the detector's box.
        mean: Red, green, blue; on a scale of 0 to 1.
        std: Red, green, blue; on a scale of 0 to 1.
    """

    size: Annotated[int, Field(ge=32, le=1024)]
    margin: Annotated[float, Field(gt=0, le=4)]
    mean: Triple
    std: tuple[Positive, Positive, Positive]


class Calibration(_Part):
    """How a logit becomes a probability: ``sigmoid(logit / temperature)``.

    Attributes:
        temperature: Above 1 softens the scores, below 1 sharpens them.
        source: What the temperature was fitted on.
    """

    temperature: Positive
    source: Text


class Decision(_Part):
    """How scores become a verdict.

    Attributes:
        threshold: Scores from here on mean FAKE.
        source: How and on what the threshold was chosen.
        uncertain: Scores between these two are too near the threshold to call.
        aggregation: How the faces of one person make one score.
        minimum_faces: Faces that a person needs before the verdict may rest on them.
    """

    threshold: Probability
    source: Text
    uncertain: tuple[Probability, Probability]
    aggregation: Aggregation
    minimum_faces: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _band_holds_threshold(self) -> Self:
        low, high = self.uncertain
        if not low <= self.threshold <= high:
            raise ValueError("the uncertain band does not hold the threshold")
        return self


class Metric(_Part):
    """One number measured on one part of one data set.

    Attributes:
        dataset: Name of the data set.
        split: Which part of it.
        metric: What was measured, such as ``auc``.
        value: The measurement.
        interval: Lower and upper end of its 95 % bootstrap interval.
        real: How many real examples it rests on.
        fake: How many fake examples it rests on.
    """

    dataset: Text
    split: Text
    metric: Text
    value: float
    interval: tuple[float, float]
    real: Annotated[int, Field(ge=0)]
    fake: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> Self:
        if self.interval[0] > self.interval[1]:
            raise ValueError("the lower end of the interval lies above the upper one")
        return self


class _Config(_Part):
    """What `config.json` says about any model, schema 1.

    Attributes:
        schema_version: Version of this layout; ``schema`` in the file.
        name: What the model is called where it is shown.
        architecture: Name of the network, as timm calls it, or ``unet``.
        input: How faces enter.
        metrics: How well it does, where that was measured.
        trained_on: Names of the data sets that it learned from.
        licence: Terms of the weights, an SPDX identifier where there is one.
        files: Names in the folder, each with the SHA-256 of its content in hex.
    """

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
    architecture: Text
    input: Input
    metrics: tuple[Metric, ...]
    trained_on: tuple[Text, ...]
    licence: Text
    files: dict[Annotated[str, Field(pattern=FILE_NAME)], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]

    @model_validator(mode="after")
    def _lists_the_network(self) -> Self:
        if ONNX not in self.files:
            raise ValueError(f"files does not list {ONNX}")
        return self


class ModelConfig(_Config):
    """What `config.json` says about a classifier.

    Attributes:
        task: What it does.
        method: What the classifier looks at: the face, the map that a generator paints of it, or both.
        generator: Name and revision of the generator that is part of the network, if there is one.
        calibration: How logits become probabilities.
        decision: How probabilities become verdicts.
    """

    task: Literal["classifier"]
    method: Method = "plain"
    generator: Text | None = None
    calibration: Calibration
    decision: Decision


class Shape(_Part):
    """How large a generator is.

    Attributes:
        width: Channels at half resolution.
        depth: How often the resolution is halved.
    """

    width: Annotated[int, Field(ge=1)]
    depth: Annotated[int, Field(ge=2, le=10)]


class GeneratorConfig(_Config):
    """What `config.json` says about a generator of maps.

    Attributes:
        task: What it does.
        shape: How large it is.
    """

    task: Literal["generator"]
    shape: Shape


AnyConfig = ModelConfig | GeneratorConfig
_KINDS: dict[Task, type[AnyConfig]] = {"classifier": ModelConfig, "generator": GeneratorConfig}

C = TypeVar("C", bound=_Config, covariant=True)


@dataclass(frozen=True)
class _Folder(Generic[C]):
    """A model folder; loading it checks that its files are what its `config.json` says.

    Attributes:
        path: The folder.
        config: Its `config.json`.
        revision: Commit for a model from the Hub, else the first 12 hex digits of `model.onnx`'s SHA-256.
    """

    path: Path
    config: C
    revision: str

    @property
    def onnx(self) -> Path:
        """The network, for ONNX Runtime."""
        return self.path / ONNX

    @property
    def safetensors(self) -> Path:
        """The weights to train on; may be missing."""
        return self.path / SAFETENSORS

    @property
    def size(self) -> int:
        """Bytes of all that the folder needs: the listed files that are there, `config.json` and the card."""
        names = {*self.config.files, CONFIG, CARD}
        return sum((self.path / name).stat().st_size for name in names if (self.path / name).is_file())


class ModelFolder(_Folder[ModelConfig]):
    """The folder of a classifier."""


class GeneratorFolder(_Folder[GeneratorConfig]):
    """The folder of a generator of maps."""


AnyFolder = ModelFolder | GeneratorFolder


def load_model_folder(path: Path, revision: str = "", name: str = "") -> ModelFolder:
    """Read the folder of a classifier and check its files against their SHA-256.

    Weights for training (`.safetensors`) may be listed and absent: scanning does not need them.

    Args:
        path: The folder.
        revision: Commit that the folder holds, for a model from the Hub.
        name: What to call the folder in errors; its path by default.

    Raises:
        DamagedModelError: The content of a file is not what `config.json` says.
        ModelError: The folder or a file is missing, unreadable, or of another layout or task.
    """
    config = read_config(path, name)
    _check_files(path, config, name or str(path))
    return ModelFolder(path, config, revision or config.files[ONNX][:12])


def load_generator_folder(path: Path, revision: str = "", name: str = "") -> GeneratorFolder:
    """Read the folder of a generator, as `load_model_folder` does that of a classifier."""
    config = _read({"generator": GeneratorConfig}, path, name)
    _check_files(path, config, name or str(path))
    return GeneratorFolder(path, config, revision or config.files[ONNX][:12])


def load_any_folder(path: Path, revision: str = "", name: str = "", task: Task | None = None) -> AnyFolder:
    """Read the folder of a model for a task, or for any, as `load_model_folder` does that of a classifier."""
    config = read_any_config(path, name, task)
    _check_files(path, config, name or str(path))
    return unchecked_folder(path, config, revision)


def unchecked_folder(path: Path, config: AnyConfig, revision: str = "") -> AnyFolder:
    """Make of a folder and its `config.json` what `load_any_folder` does, without looking at its files."""
    revision = revision or config.files[ONNX][:12]
    if isinstance(config, GeneratorConfig):
        return GeneratorFolder(path, config, revision)
    return ModelFolder(path, config, revision)


def _check_files(path: Path, config: _Config, name: str) -> None:
    for file, digest in config.files.items():
        if file.endswith(".safetensors") and not (path / file).exists():
            continue
        found = _sha256(path / file, name)
        if found != digest:
            raise DamagedModelError(
                f"{file} of model {name} is damaged: SHA-256 {found[:12]}…, {CONFIG} says {digest[:12]}…",
                "copy or download the model again",
            )


def read_config(path: Path, name: str = "") -> ModelConfig:
    """Read the `config.json` of a classifier's folder, and nothing else of it.

    Args:
        path: The folder.
        name: What to call the folder in errors; its path by default.

    Raises:
        ModelError: It is missing, unreadable or not of our layout or of this task; the message lists every
            mistake.
    """
    return _read({"classifier": ModelConfig}, path, name)


def read_any_config(path: Path, name: str = "", task: Task | None = None) -> AnyConfig:
    """Read the `config.json` of a model for a task, or for any, as `read_config` does of a classifier."""
    return _read(_KINDS if task is None else {task: _KINDS[task]}, path, name)


def _read(kinds: Mapping[Task, type[C]], path: Path, name: str) -> C:
    name = name or str(path)
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise ModelError(f"model {name} {what}", f"name a folder that holds {CONFIG} and {ONNX}")
    text = _read_text(path / CONFIG, name)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for what is not UTF-8
        raise DamagedModelError(f"{CONFIG} of model {name} is not JSON: {error}") from None
    kind = _kind(found, name, kinds)
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        mistakes = [_mistake(detail) for detail in error.errors(include_url=False)]
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ModelError(
            "\n  ".join([f"{CONFIG} of model {name} has {count}", *mistakes]),
            "docs/model-folder.md describes every key",
        ) from None


def embedded_models(task: Task = "classifier") -> tuple[str, ...]:
    """Names of the models inside the package that do a task, the default one first."""
    configs = EMBEDDED.glob(f"*/{CONFIG}")
    names = [file.parent.name for file in configs if json.loads(file.read_bytes())["task"] == task]
    return tuple(sorted(names, key=lambda name: (name != DEFAULT, name)))


def _kind(found: Any, name: str, kinds: Mapping[Task, type[C]]) -> type[C]:
    """Tell another kind of model, or a later version of ours, from one of these with mistakes in it."""
    if not isinstance(found, dict) or "schema" not in found:
        raise ModelError(
            f"model {name} is not a dfdetect model: its {CONFIG} has no 'schema'",
            "other detectors must be exported to this layout first; docs/model-folder.md describes it",
        )
    schema = found["schema"]
    if type(schema) is int and schema > SCHEMA_VERSION:
        raise ModelError(
            f"model {name} has schema {schema}, this dfdetect reads schema {SCHEMA_VERSION}",
            "a newer dfdetect reads it: pip install --upgrade dfdetect",
        )
    task = found.get("task")
    for wanted, kind in kinds.items():
        if task == wanted:
            return kind
    if isinstance(task, str) and task in _USES:
        raise ModelError(f"model {name} is a {task}, which cannot do this", _USES[task])
    return next(iter(kinds.values()))  # which says what a task may be


def _read_text(path: Path, name: str) -> bytes:
    with _opened(path, name) as file:
        text = file.read(CONFIG_LIMIT + 1)
    if len(text) > CONFIG_LIMIT:
        raise ModelError(f"{CONFIG} of model {name} is larger than 1 MB: not a dfdetect model")
    return text


def _sha256(path: Path, name: str) -> str:
    with _opened(path, name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, name: str) -> Iterator[BufferedReader]:
    if not path.is_file():  # opening a pipe would wait for somebody to write into it
        raise ModelError(f"model {name} has no {path.name}", f"name a folder that holds {CONFIG} and {ONNX}")
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ModelError(f"cannot read {path.name} of model {name}: {error.strerror}") from None


def _mistake(detail: Any) -> str:
    """Put one of pydantic's findings into a few words that begin with the key."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    kind, words = detail["type"], detail["msg"]
    if kind == "extra_forbidden":
        words = "unknown key"
    elif kind == "missing":
        words = "missing"
    words = words.removeprefix("Value error, ").replace("Input should", "should")
    return f"{key}: {words}" if key else words
