"""The plan of augmentations: drawn from a seed, written to be read and edited, checked when read back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.files import reason, write_atomically
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.workspace import DatasetFolder, require
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .augment_draw import draw_entries
from .augmentations import ENTRY, Entries, to_json

_TOLD = 10  # mistakes told at once
_APART = ("crf", "preset", "preview_seconds")  # settings that the plan does not depend on


@dataclass(frozen=True)
class Plan:
    """What is done to which videos.

    Attributes:
        settings: What it was drawn from, for people to see.
        seed: Likewise.
        videos: Entries by the id of an original, which hold for it and all its fakes, or by that of one fake,
            which then hold for it instead.
    """

    settings: Mapping[str, Any]
    seed: int
    videos: Mapping[str, Entries]

    def entries(self, row: IndexRow) -> Entries:
        """Tell what is to be done to a video; nothing for most."""
        own = self.videos.get(row.id)
        return self.videos.get(row.original, ()) if own is None else own

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``plan.json``."""
        videos = {name: [to_json(entry) for entry in entries] for name, entries in self.videos.items()}
        return {"settings": dict(self.settings), "seed": self.seed, "videos": videos}


@dataclass(frozen=True)
class Planned:
    """What a plan comes to: how many originals and videos it augments, and how often it uses each kind."""

    originals: int
    of_originals: int
    videos: int
    of_videos: int
    kinds: Mapping[str, int]


def plan_augmentation(
    folder: DatasetFolder, profile: Profile, *, force: bool, track: Track = untracked
) -> Planned:
    """Draw a plan for a data set and write it to ``plan.json``.

    Args:
        folder: Of the data set.
        profile: With the ranges.
        force: Replace another plan.
        track: Progress.

    Raises:
        UsageError: There is another plan, perhaps edited by hand.
        DataError: There is no index.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")
    settings, seed = profile.augment, profile.data.seed
    with folder.locked():
        originals = _originals(track(read_index(index), "planning"), settings.splits)
        drawn = {name: draw_entries(name, settings, seed) for name in sorted(originals)}
        chosen = {name: entries for name, entries in drawn.items() if entries}
        values = settings.model_dump(mode="json", exclude=set(_APART))
        plan = Plan(values, seed, chosen)
        text = json.dumps(plan.to_json(), indent=2, ensure_ascii=True) + "\n"
        if not force and folder.plan.exists() and _text(folder) != text:
            raise UsageError(
                f"there is another plan: {folder.plan}", "keep it, or replace it with --force; edits are lost"
            )
        with write_atomically(folder.plan) as file:
            file.write(text)
    used = [entry.kind for entries in chosen.values() for entry in entries]
    return Planned(
        originals=len(chosen),
        of_originals=len(originals),
        videos=sum(originals[name] for name in chosen),
        of_videos=sum(originals.values()),
        kinds={kind: used.count(kind) for kind in settings.kinds},
    )


def read_plan(folder: DatasetFolder) -> Plan:
    """Read ``plan.json`` and check every entry, since people edit it.

    Raises:
        DataError: It is missing, no JSON, or says what makes no sense; every mistake is told, with its place.
    """
    require(folder.plan, f"dfdetect data augment plan {folder.name}")
    try:
        stored = json.loads(_text(folder), object_pairs_hook=_once)
    except ValueError as error:
        raise DataError(f"{folder.plan} is not JSON: {error}", "mend it by hand, or make it anew") from error
    if not isinstance(stored, dict) or not isinstance(stored.get("videos"), dict):
        raise DataError(
            f"{folder.plan} lacks its videos",
            f"make it anew: dfdetect data augment plan {folder.name} --force",
        )
    mistakes: list[str] = []
    videos = {name: _entries(name, entries, mistakes) for name, entries in stored["videos"].items()}
    strangers = set(videos)
    for row in read_index(require(folder.index, f"dfdetect data index {folder.name}")):
        strangers -= {row.id, row.original}
    mistakes += [f"{name}: no such video in the index" for name in sorted(strangers)]
    if mistakes:
        told = mistakes[:_TOLD] + [f"and {len(mistakes) - _TOLD} more"] * (len(mistakes) > _TOLD)
        raise DataError(
            "\n  ".join([f"{folder.plan} has mistakes", *told]), "docs/augmentation.md explains every entry"
        )
    settings = stored.get("settings", {})
    seed = stored.get("seed", 0)
    return Plan(settings if isinstance(settings, dict) else {}, seed if isinstance(seed, int) else 0, videos)


def _originals(rows: Iterable[IndexRow], splits: tuple[str, ...]) -> dict[str, int]:
    """Count the videos of each original in some splits; a fake of unknown origin stands for itself."""
    found: dict[str, int] = {}
    for row in rows:
        if row.split in splits:
            name = row.original or row.id
            found[name] = found.get(name, 0) + 1
    return found


def _entries(name: str, entries: object, mistakes: list[str]) -> Entries:
    if not isinstance(entries, list):
        mistakes.append(f"{name}: not a list of augmentations")
        return ()
    read = []
    for number, entry in enumerate(entries, 1):
        try:
            read.append(ENTRY.validate_python(entry))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                place = ".".join(map(str, detail["loc"][1:]))  # the first part is the kind
                problem = detail["msg"].removeprefix("Value error, ")
                problem = problem[0].lower() + problem[1:]
                mistakes.append(f"{name}, entry {number}: {place}{': ' * bool(place)}{problem}")
    return tuple(read)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse keys that stand twice: JSON would silently take the last."""
    keys = [key for key, _ in pairs]
    if twice := sorted({key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else ()):
        raise ValueError(f"{twice[0]!r} stands twice")
    return dict(pairs)


def _text(folder: DatasetFolder) -> str:
    try:
        return folder.plan.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "not UTF-8"
        raise DataError(f"{folder.plan} cannot be read: {why}") from error
