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
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from deepfake_cli.errors import ModelError

from .model_config import ONNX as ONNX
from .model_config import AnyConfig, Common, GeneratorConfig, ModelConfig, RendererConfig, StackConfig, Task

SCHEMA_VERSION = 1
CONFIG = "config.json"
SAFETENSORS = "model.safetensors"
STACKED = "all"  # the method of a stack
PAINTING = ("mri", "fusion")  # methods that judge by maps, which they can show
CARD = "README.md"
EMBEDDED = Path(__file__).parent.parent / "weights"
DEFAULT = "plain"
_USES = {
    "classifier": "it judges faces, as in: dfdetect scan --model",
    "generator": "it paints maps, as in: dfdetect gan predict --model",
    "renderer": "it takes faces apart, as in: dfdetect data modalities --renderer",
}

# Far above any real one; what a Hub repository or a mistaken path calls config.json may be of any size.
CONFIG_LIMIT = 1 << 20


class DamagedModelError(ModelError):
    """A file of a model folder is not what it was: fetched or copied again it may be."""


_KINDS: dict[Task, type[AnyConfig]] = {
    "classifier": ModelConfig,
    "generator": GeneratorConfig,
    "renderer": RendererConfig,
}

C = TypeVar("C", bound=Common, covariant=True)


@dataclass(frozen=True)
class _Folder(Generic[C]):
    """A model folder; loading it checks that its files are what its `config.json` says.

    Attributes:
        path: The folder.
        config: Its `config.json`.
        revision: Commit for a model from the Hub, else the first 12 hex digits of `model.onnx`'s SHA-256, or
            of what a stack makes of its members.
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


@dataclass(frozen=True)
class StackFolder(ModelFolder):
    """The folder of a stack, a classifier that asks several others and has no network of its own.

    Attributes:
        members: The others, in the order of `config.json`; none until they have been found, which takes
            somebody who knows where models are.
    """

    config: StackConfig
    members: tuple[ModelFolder, ...] = ()

    @property
    def onnx(self) -> Path:
        """Refuse to name a network.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"model {self.config.name} has no network: it adds up what its members say", "name one of these"
        )


class GeneratorFolder(_Folder[GeneratorConfig]):
    """The folder of a generator of maps."""


class RendererFolder(_Folder[RendererConfig]):
    """The folder of a renderer, which takes faces apart."""


AnyFolder = ModelFolder | GeneratorFolder | RendererFolder


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
    return _classifier_folder(path, config, revision or _revision(config))


def load_generator_folder(path: Path, revision: str = "", name: str = "") -> GeneratorFolder:
    """Read the folder of a generator, as `load_model_folder` does that of a classifier."""
    config = _read({"generator": GeneratorConfig}, path, name)
    _check_files(path, config, name or str(path))
    return GeneratorFolder(path, config, revision or config.files[ONNX][:12])


def load_renderer_folder(path: Path, revision: str = "", name: str = "") -> RendererFolder:
    """Read the folder of a renderer, as `load_model_folder` does that of a classifier."""
    config = _read({"renderer": RendererConfig}, path, name)
    _check_files(path, config, name or str(path))
    return RendererFolder(path, config, revision or config.files[ONNX][:12])


def load_any_folder(path: Path, revision: str = "", name: str = "", task: Task | None = None) -> AnyFolder:
    """Read the folder of a model for a task, or for any, as `load_model_folder` does that of a classifier."""
    config = read_any_config(path, name, task)
    _check_files(path, config, name or str(path))
    return unchecked_folder(path, config, revision)


def unchecked_folder(path: Path, config: AnyConfig, revision: str = "") -> AnyFolder:
    """Make of a folder and its `config.json` what `load_any_folder` does, without looking at its files."""
    revision = revision or _revision(config)
    if isinstance(config, GeneratorConfig):
        return GeneratorFolder(path, config, revision)
    if isinstance(config, RendererConfig):
        return RendererFolder(path, config, revision)
    return _classifier_folder(path, config, revision)


def _classifier_folder(path: Path, config: ModelConfig, revision: str) -> ModelFolder:
    if isinstance(config, StackConfig):
        return StackFolder(path, config, revision)
    return ModelFolder(path, config, revision)


def _revision(config: AnyConfig) -> str:
    """Tell what a model computes, but for its calibration: 12 hex digits."""
    if not isinstance(config, StackConfig):
        return config.files[ONNX][:12]
    sums = [config.bias, *((member.revision, member.temperature, member.weight) for member in config.members)]
    return hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:12]


def _check_files(path: Path, config: Common, name: str) -> None:
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
            is_stack = kind is ModelConfig and found.get("method") == STACKED
            return cast(type[C], StackConfig) if is_stack else kind
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
