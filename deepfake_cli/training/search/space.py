"""What a search draws recipes from: a TOML file, checked key by key before the first trial."""

import difflib
import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optuna.trial import Trial

from deepfake_cli.errors import ProfileError
from deepfake_cli.io.files import reason
from deepfake_cli.profile import load_profile, presets, values_of
from deepfake_cli.settings import Profile

from ..progress import SECTIONS

Entry = Mapping[str, Any]  # {"choices": [...]} or {"low": ..., "high": ...}, with "step" or "log"

_SPACES = Path(__file__).parents[2] / "presets" / "spaces"
_SAMPLERS, _PRUNERS = ("random", "tpe"), ("none", "median")
_DIGITS = 12  # of drawn numbers: steps of 0.1 lead to 0.3, not to 0.30000000000000004


@dataclass(frozen=True)
class Space:
    """What is drawn, and how.

    Attributes:
        name: What the file is called.
        entries: What each dotted key of the profile may be.
        preset: Published recipe that the other keys are taken from, or None.
        trials: How many recipes are tried, or None where the file does not say.
        sampler: ``random`` draws evenly; ``tpe`` draws more where earlier trials did well.
        pruner: ``median`` ends trials that are worse than half of the earlier ones at the same epoch;
            ``none`` lets all end.
    """

    name: str
    entries: Mapping[str, Entry]
    preset: str | None
    trials: int | None
    sampler: str
    pruner: str


def spaces() -> tuple[str, ...]:
    """Name the published spaces."""
    return tuple(sorted(file.stem for file in _SPACES.glob("*.toml")))


def read_space(name: str) -> Space:
    """Read a space; what it says of keys is left to ``check_space``.

    Args:
        name: Of a published space, or a TOML file.

    Raises:
        ProfileError: There is no such file, or it is not TOML.
    """
    path = _SPACES / f"{name}.toml" if name in spaces() else Path(name)
    try:
        tree = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ProfileError(
            f"cannot read the space {name}: {reason(error)}",
            f"name a TOML file, or one of: {', '.join(spaces())}",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(
            f"the space {name} is not TOML: {error}", "see the file named by --space"
        ) from error
    mistakes = list(_head_mistakes(tree))
    if mistakes:
        raise _refused(name, mistakes)
    return Space(
        name=name,
        entries=tree["space"],
        preset=tree.get("preset"),
        trials=tree.get("trials"),
        sampler=tree.get("sampler", _SAMPLERS[0]),
        pruner=tree.get("pruner", _PRUNERS[0]),
    )


def check_space(space: Space, recipe: Profile, given: Collection[str] = ()) -> Space:
    """Refuse a space that holds what the profile refuses, or that says nothing.

    Args:
        space: As it was read.
        recipe: What the other keys are.
        given: Keys that the command line sets: they cannot be drawn too.

    Returns:
        The space, its numbers of the kind that the keys take.

    Raises:
        ProfileError: With every mistake, its key and the fix.
    """
    values = values_of(recipe)
    mistakes = [
        f"{key}: {mistake}"
        for key, entry in space.entries.items()
        for mistake in _entry_mistakes(key, entry, values, key in given)
    ]
    if mistakes:
        raise _refused(space.name, mistakes)
    return replace(space, entries={key: _fitted(entry, values[key]) for key, entry in space.entries.items()})


def suggest(trial: Trial, entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Draw a value for every key, or take what was drawn before for this trial."""
    return {key: _suggest(trial, key, entry) for key, entry in entries.items()}


def _suggest(trial: Trial, key: str, entry: Entry) -> Any:
    if "choices" in entry:
        names = {_name(choice): choice for choice in entry["choices"]}
        return names[trial.suggest_categorical(key, list(names))]
    low, high, step, log = entry["low"], entry["high"], entry.get("step"), entry.get("log", False)
    if _is_whole(entry):
        return trial.suggest_int(key, low, high, step=step or 1, log=log)
    return float(f"{trial.suggest_float(key, low, high, step=step, log=log):.{_DIGITS}g}")


def _name(choice: Any) -> Any:
    """Name a choice as Optuna stores it: lists as text."""
    return json.dumps(choice) if isinstance(choice, list) else choice


def _is_whole(entry: Entry) -> bool:
    return all(isinstance(entry[name], int) for name in ("low", "high", "step") if name in entry)


def _head_mistakes(tree: Mapping[str, Any]) -> Iterator[str]:
    takes = {"preset": presets(), "sampler": _SAMPLERS, "pruner": _PRUNERS}
    for name, value in tree.items():
        if name in takes and value not in takes[name]:
            yield f"{name}: there is no {value!r}; it takes: {', '.join(takes[name])}"
        elif name == "trials" and (type(value) is not int or value < 1):
            yield f"trials: {value!r} is no number of trials; it takes 1 or more"
        elif name not in (*takes, "trials", "space"):
            yield f"{name}: no such entry; there are: {', '.join((*takes, 'trials'))} and the table [space]"
    if not isinstance(tree.get("space"), dict) or not tree["space"]:
        yield '[space]: nothing is searched; write keys into it: "classifier.batch" = { choices = [32, 64] }'


def _entry_mistakes(key: str, entry: Any, values: Mapping[str, Any], is_given: bool) -> Iterator[str]:
    if key not in values:
        near = difflib.get_close_matches(key, values, n=1, cutoff=0.8)
        hint = f"; did you mean {near[0]}?" if near else ""
        if "." not in key:  # TOML takes dots without quotes for tables within tables
            hint = '; write keys in quotes: "classifier.batch"'
        yield f"no such key of the profile{hint}"
        return
    if key.split(".")[0] not in SECTIONS:
        yield f"has no part in training a classifier; search the sections {', '.join(SECTIONS)}"
    if is_given:
        yield "is searched, and set on the command line; leave one of both"
    if not isinstance(entry, dict) or not ({"choices"} == set(entry) or {"low", "high"} <= set(entry)):
        yield f"{entry!r} is no space; write {{ choices = [...] }}, or {{ low = ..., high = ... }}"
        return
    mistakes = list(_choice_mistakes(entry) if "choices" in entry else _range_mistakes(entry, values[key]))
    yield from mistakes or _refusals(key, entry, values)


def _choice_mistakes(entry: Entry) -> Iterator[str]:
    choices = entry["choices"]
    if not isinstance(choices, list) or not choices:
        yield "choices are a list of one value or more"
    elif len({json.dumps(choice) for choice in choices}) < len(choices):
        yield f"a choice is named twice in {choices}"


def _range_mistakes(entry: Entry, default: Any) -> Iterator[str]:
    low, high, step = entry["low"], entry["high"], entry.get("step")
    if unknown := set(entry) - {"low", "high", "step", "log"}:
        yield f"no such part of a space: {', '.join(sorted(unknown))}; there are: low, high, step, log"
    if not isinstance(entry.get("log", False), bool):
        yield f"log is true or false, not {entry['log']!r}"
    if any(type(value) not in (int, float) for value in (low, high, step or 1)):
        yield "low, high and step are numbers"
        return
    if type(default) not in (int, float):
        yield f"takes no numbers to draw between, as its default is {default!r}; name choices"
        return
    if type(default) is int and not _is_whole(entry):
        yield "takes whole numbers; write low, high and step without a point"
    if not low < high:
        yield f"low is {low}, which is not below high, {high}"
    if entry.get("log"):
        yield from _log_mistakes(low, step)
    if step is not None and (step <= 0 or abs((high - low) / step - round((high - low) / step)) > 1e-6):
        yield f"steps of {step} do not lead from {low} to {high}"


def _log_mistakes(low: float, step: float | None) -> Iterator[str]:
    if low <= 0:
        yield f"with log = true low must be above 0, not {low}"
    if step is not None:
        yield "log = true and a step exclude each other"


def _refusals(key: str, entry: Entry, values: Mapping[str, Any]) -> Iterator[str]:
    """Ask the profile about all choices, or about both ends and the value after the first."""
    tried = entry["choices"] if "choices" in entry else [entry["low"], entry["high"]]
    if "choices" not in entry and _is_whole(entry):
        tried.insert(1, min(entry["low"] + entry.get("step", 1), entry["high"]))
    for value in tried:
        try:
            load_profile(options={**values, key: value})
        except ProfileError as error:
            # What contradicts other keys may go with what is drawn for these.
            own = f"{key} (command line): "
            lines = map(str.strip, error.message.splitlines())
            yield from (line.removeprefix(own) for line in lines if line.startswith(own))


def _fitted(entry: Entry, default: Any) -> Entry:
    """Make whole numbers others where the key takes these: 0 to 1 has more in between."""
    if not isinstance(default, float) or "choices" in entry:
        return entry
    return {name: value if name == "log" else float(value) for name, value in entry.items()}


def _refused(name: str, mistakes: list[str]) -> ProfileError:
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return ProfileError(
        "\n  ".join([f"the space {name} has {count}", *mistakes]),
        "every key is explained in the file that this writes: dfdetect config init",
    )
