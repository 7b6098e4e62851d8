"""The registry of data sets: `datasets.toml`, checked, and what it says of one for certain choices."""

import difflib
import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from deepfake_cli.errors import UsageError

REGISTRY = Path(__file__).parents[1] / "datasets.toml"

Choices = Mapping[str, Sequence[str]]  # what was chosen: values by the name of the choice


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Entry):
    """What one may choose of a data set; nothing chosen takes the default, an empty one leaves it open."""

    values: tuple[str, ...]
    default: tuple[str, ...]
    help: str


class Conditional(_Entry):
    """Something that counts for certain choices only; a ``{choice}`` in its text stands for each value."""

    when: dict[str, tuple[str, ...]] = {}


class Tree(Conditional):
    """Files that a whole copy holds.

    Attributes:
        files: Their pattern, relative to the root.
        least: How many there are at least.
        lists: What a file of them lists: JSON ``keys`` or the last words of ``lines``, both paths relative to
            its own folder; or ``seeds``, if one file for each seed of the range is wanted.
    """

    files: str
    least: int
    lists: Literal["", "keys", "lines", "seeds"] = ""


class Download(Conditional):
    """An archive that is downloaded and unpacked.

    Attributes:
        name: File name, also on a mirror.
        url: Address.
        size: Bytes, where published.
        sha256: Hash, where published.
        gigabytes: Rough size, where only that is known.
    """

    name: str
    url: str
    size: int = 0
    sha256: str = ""
    gigabytes: float = 0


class Script(Conditional):
    """A set that the script of FaceForensics++ knows, as its ``-d``."""

    set: str


class Dataset(_Entry):
    """A data set of the registry; `docs/datasets.md` explains the fields."""

    name: str
    title: str
    what: Annotated[str, Field(max_length=28)]
    size: Annotated[str, Field(max_length=13)]
    licence: Annotated[str, Field(max_length=15)]
    access: Literal["open", "gated", "tool", "search", "hub", "own"]
    page: str
    about: str = ""
    steps: tuple[str, ...] = ()
    seeds: str = ""
    choices: dict[str, Choice] = {}
    tree: tuple[Tree, ...] = ()
    download: tuple[Download, ...] = ()
    script: tuple[Script, ...] = ()

    def choose(self, wanted: Choices) -> dict[str, list[str]]:
        """Check what is wanted and fill in the defaults.

        Args:
            wanted: By the name of the choice; an empty list takes the default.

        Raises:
            UsageError: There is no such choice here, or no such value.
        """
        for name, values in wanted.items():
            if values and name not in self.choices:
                takes = ", ".join(f"--{known}" for known in self.choices) or "no choices"
                raise UsageError(f"{self.name} has no choice of {name}", f"it takes {takes}")
            for value in values:
                if value not in self.choices[name].values:
                    raise UsageError(
                        f"{self.name} has no {name} {value!r}",
                        f"it has {', '.join(self.choices[name].values)}",
                    )
        chosen = {
            name: [value for value in choice.values if value in (wanted.get(name) or choice.default)]
            for name, choice in self.choices.items()
        }
        return {name: values for name, values in chosen.items() if values}


def datasets() -> tuple[Dataset, ...]:
    """Return all data sets, in the order of the registry."""
    return tuple(_registry().values())


def find_dataset(name: str) -> Dataset:
    """Return a data set.

    Raises:
        UsageError: There is none of this name.
    """
    known = _registry()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no data set {name!r}",
            f"{guess}see them all with: dfdetect data list; yours is 'folder'",
        )
    return known[name]


def spelled_out(texts: Sequence[str], when: Choices, chosen: Choices) -> Iterator[tuple[str, ...]]:
    """Fill the choices into texts, once for each combination that counts.

    Args:
        texts: With ``{choice}`` where a value belongs.
        when: Values for which they count, by choice; empty for all.
        chosen: Values that were chosen.

    Yields:
        The texts, filled in.
    """
    allowed = {
        name: [value for value in values if name not in when or value in when[name]]
        for name, values in chosen.items()
    }
    if not all(allowed.get(name) for name in when):
        return
    names = [name for name in allowed if any(name in _fields(text) for text in texts)]
    for values in itertools.product(*(allowed[name] for name in names)):
        filled = dict(zip(names, values, strict=True))
        yield tuple(text.format(**filled) for text in texts)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@cache
def _registry() -> dict[str, Dataset]:
    stored = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))["dataset"]
    return {entry["name"]: Dataset.model_validate(entry) for entry in stored}
