"""The profile: every setting, checked once, each with where it came from.

`default.toml` is the only home of defaults; the models in `settings.py` say what is allowed, and know none.
Later sources win, key by key: `default.toml`, the user's file, the preset, the file of `--profile`, the
environment, the options of a command.

A new key is one line in `default.toml` and one field in `settings.py`.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from deepfake_cli.errors import ProfileError
from deepfake_cli.settings import Profile

ENVIRONMENT = "DFDETECT_"
_PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Effective:
    """A checked profile and, for each dotted key, where its value came from."""

    profile: Profile
    origins: Mapping[str, str]


@dataclass(frozen=True)
class _Layer:
    """One source: its name for people, and its values by dotted key."""

    origin: str
    values: Mapping[str, Any]

    def origin_of(self, key: str) -> str:
        return variable_of(key) if self.origin == _ENVIRONMENT_LAYER else self.origin


_ENVIRONMENT_LAYER = "the environment"


def load_profile(
    path: Path | None = None, options: Mapping[str, object] | None = None, preset: str | None = None
) -> Profile:
    """Read and check the profile.

    Args:
        path: The file given with `--profile`.
        options: Values given on the command line by dotted key, such as ``{"scan.frames": 16}``;
            None stands for not given.
        preset: Name of a published recipe in `presets/`.

    Raises:
        ProfileError: With every mistake of every source, the key and the fix.
    """
    return read_profile(path, options, preset).profile


def read_profile(
    path: Path | None = None, options: Mapping[str, object] | None = None, preset: str | None = None
) -> Effective:
    """Read and check the profile and keep where each value came from; see `load_profile`."""
    mistakes: list[str] = []
    layers = [_file_layer(default_path(), "default", mistakes)]
    user = user_path()
    if user.exists():
        layers.append(_file_layer(user, str(user), mistakes))
    if preset is not None:
        layers.append(_file_layer(_preset_path(preset), f"preset {preset}", mistakes))
    if path is not None:
        if not path.exists():
            raise ProfileError(f"no such profile: {path}", "write one with: dfdetect config init")
        layers.append(_file_layer(path, str(path), mistakes))
    layers.append(_environment_layer(mistakes))
    given = {key: value for key, value in (options or {}).items() if value is not None}
    layers.append(_Layer("command line", given))

    values = {key: value for layer in layers for key, value in layer.values.items()}
    origins = {key: layer.origin_of(key) for layer in layers for key in layer.values}
    try:
        profile = Profile.model_validate(_nested(values))
    except ValidationError as error:
        mistakes.extend(_explain(error, origins))
    if mistakes:
        count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ProfileError(
            "\n  ".join([f"the profile has {count}", *mistakes]),
            "every key is explained in the file that this writes: dfdetect config init",
        )
    return Effective(profile, {key: origins[key] for key in meanings()})


def default_path() -> Path:
    """Where `default.toml` is: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "default.toml"
    return inside if inside.exists() else package.parent / "default.toml"


def user_path() -> Path:
    """Where the user's own profile is looked for."""
    return platformdirs.user_config_path("dfdetect", appauthor=False) / "profile.toml"


def presets() -> tuple[str, ...]:
    """Name the published recipes."""
    return tuple(sorted(file.stem for file in _PRESETS.glob("*.toml")))


def variable_of(key: str) -> str:
    """Name the environment variable of a dotted key."""
    return ENVIRONMENT + key.replace(".", "__").upper()


def meanings() -> dict[str, str]:
    """Read the meaning, unit and range of every dotted key from the comments of `default.toml`."""
    found, section = {}, ""
    for line in default_path().read_text(encoding="utf-8").splitlines():
        if header := re.fullmatch(r"\[(\w+)\].*", line):
            section = header[1]
        elif entry := re.fullmatch(r"(\w+) = .*?# (.+)", line):
            found[f"{section}.{entry[1]}"] = entry[2].strip()
    return found


def values_of(profile: Profile) -> dict[str, Any]:
    """Flatten a profile to plain values by dotted key, in the order of `default.toml`."""
    flat = dict(_flat(profile.model_dump(mode="json")))
    return {key: flat[key] for key in meanings()}


def _preset_path(name: str) -> Path:
    if name not in presets():
        raise ProfileError(f"no such preset: {name}", f"there are: {', '.join(presets())}")
    return _PRESETS / f"{name}.toml"


def _file_layer(path: Path, origin: str, mistakes: list[str]) -> _Layer:
    tree: dict[str, Any] = {}
    try:
        tree = tomllib.loads(path.read_bytes().decode())
    except tomllib.TOMLDecodeError as error:
        mistakes.append(f"{path}: not TOML: {error}")
    except UnicodeDecodeError as error:
        mistakes.append(f"{path}: not UTF-8: {error.reason} at byte {error.start}")
    except OSError as error:
        mistakes.append(f"{path}: cannot be read: {error.strerror}")
    for name in [name for name, content in tree.items() if not isinstance(content, Mapping)]:
        mistakes.append(f"{name} ({path}): not within a section such as [scan]")
        del tree[name]
    return _Layer(origin, dict(_flat(tree)))


def _environment_layer(mistakes: list[str]) -> _Layer:
    known = {variable_of(key): key for key in meanings()}
    for name in sorted(os.environ):
        if name.upper().startswith(ENVIRONMENT) and name.upper() not in known:
            mistakes.append(f"{name}: no such variable{_guess(name, known)}")
    values = {
        known[name.upper()]: _list_or_text(text) for name, text in os.environ.items() if name.upper() in known
    }
    return _Layer(_ENVIRONMENT_LAYER, values)


def _list_or_text(text: str) -> Any:
    """Read a variable: lists are written as in TOML, all else is text that the models make sense of."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if text.startswith("[") else text
    except tomllib.TOMLDecodeError:
        return text  # left to the models, so that this mistake is told along with all others


def _explain(error: ValidationError, origins: Mapping[str, str]) -> Iterator[str]:
    """Tell each mistake once: key, value, origin, and what the key takes."""
    told, known = set(), meanings()
    for detail in error.errors(include_url=False):
        section, *rest = [str(part) for part in detail["loc"]]
        key = ".".join([section, *rest[:1]])
        if key in told:
            continue
        told.add(key)
        origin = next((origins[name] for name in origins if f"{name}.".startswith(f"{key}.")), "default")
        if detail["type"] == "extra_forbidden":
            everything = known if rest else {name.split(".")[0]: "" for name in known}
            yield f"{key} ({origin}): no such {'key' if rest else 'section'}{_guess(key, everything)}"
        else:
            problem = detail["msg"][0].lower() + detail["msg"][1:]
            yield f"{key} ({origin}): {problem}, not {detail['input']!r}. It takes: {known.get(key, '')}"


def _guess(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"; did you mean {near[0]}?" if near else ""


def _flat(tree: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Turn ``{"scan": {"frames": 32}}`` into ``("scan.frames", 32)``."""
    for section, content in tree.items():
        yield from ((f"{section}.{key}", value) for key, value in content.items())


def _nested(flat: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Undo `_flat`; every section is there, even without a key."""
    tree: dict[str, dict[str, Any]] = {section: {} for section in Profile.model_fields}
    for key, value in flat.items():
        section, _, name = key.partition(".")
        tree.setdefault(section, {})[name] = value
    return tree
