"""Get data sets: download open ones, say how to get the others, and adopt copies after checking them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.datasets import Dataset as Dataset
from deepfake_cli.io.datasets import datasets as datasets  # what `dfdetect data list` shows
from deepfake_cli.io.datasets import find_dataset as find_dataset
from deepfake_cli.io.index import Source, read_source, write_source
from deepfake_cli.io.wholeness import check_copy
from deepfake_cli.io.workspace import DatasetFolder, dataset_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .fetch_ways import Copy, adopt, fetch_archives, fetch_from_hub, fetch_pictures, list_pictures, run_script

_MOST_SEEDS = 1_000_000


@dataclass(frozen=True)
class Wish:
    """What is to be fetched, and how.

    Attributes:
        name: In the registry.
        alias: In the workspace; empty for the same.
        choices: What of it, such as compression and methods.
        copy: A copy to adopt: its folder, or a table of one's own files.
        mirror: Address to fetch from instead, empty for the registry's.
        script: The script that the authors of FaceForensics++ send.
        number: Videos that the script fetches of each set; 0 for all.
        server: Which of its servers the script uses; empty for its own default.
        search: Word to search Unsplash for.
        hub: ``owner/name@revision`` on the Hub.
        seeds: Range of generated faces, as ``0-4999``.
        partial: Whether a copy may lack files.
        force: Whether another data set of this name may be replaced.
    """

    name: str
    alias: str = ""
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    copy: Path | None = None
    mirror: str = ""
    script: Path | None = None
    number: int = 0
    server: str = ""
    search: str = ""
    hub: str = ""
    seeds: str = ""
    partial: bool = False
    force: bool = False


@dataclass(frozen=True)
class Fetched:
    """A data set that is in the workspace now.

    Attributes:
        name: In the workspace.
        source: What it is and where its files lie.
        files: How many of the files that the registry expects are there.
        lacking: What is missing of a copy that was adopted as it is.
    """

    name: str
    source: Source
    files: int
    lacking: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "name": self.name,
            "dataset": self.source.dataset,
            "root": str(self.source.root),
            "options": self.source.options,
            "files": self.files,
            "lacking": list(self.lacking),
        }


def fetch_dataset(wish: Wish, profile: Profile, *, track: Track = untracked) -> Fetched:
    """Get a data set, check it, and note in the workspace where it is.

    Raises:
        UsageError: The wish makes no sense, or the data set must be got by hand: the message tells the steps.
        FetchError: A download fails; what has arrived is kept.
        DataError: What is there is not whole.
        OutputError: It cannot be written, or the disk is too small.
    """
    dataset = find_dataset(wish.name)
    chosen = dataset.choose(wish.choices)
    _check_wish(dataset, wish)
    seeds = _seeds(wish.seeds or dataset.seeds)
    folder = dataset_folder(profile.workspace.path, _name(wish))
    with folder.locked():
        _check_place(folder, dataset, chosen, wish.force)
        copy = _get(dataset, wish, chosen, folder, profile, track)
        expected = _at_most(dataset, wish.number)
        count, wrong = check_copy(expected, copy.root, copy.options, seeds, track)
        if wrong and not (wish.partial and count):
            raise _not_whole(dataset, copy.root, wrong, wish)
        options = copy.options | ({"seeds": [wish.seeds or dataset.seeds]} if seeds else {})
        source = Source(dataset.name, copy.root, options)
        write_source(folder, source)
    return Fetched(folder.name, source, count, tuple(wrong))


def search_pictures(wish: Wish, profile: Profile, *, track: Track = untracked) -> tuple[Path, int]:
    """Write the list of what a word finds on Unsplash.

    Returns:
        The list to prune by hand, and how many pictures of the word are on it.

    Raises:
        UsageError: The word was searched before, or there is no access key.
        FetchError: Unsplash refuses or cannot be reached.
    """
    _check_wish(find_dataset(wish.name), wish)
    folder = dataset_folder(profile.workspace.path, _name(wish))
    with folder.locked():
        return list_pictures(wish.search, folder, profile.fetch, wish.mirror, wish.force, track)


def steps_to_get(dataset: Dataset, seeds: str = "") -> list[str]:
    """Return the numbered steps by which a person gets a data set, the last of which is ours."""
    steps = [step.replace("{seeds}", seeds or dataset.seeds) for step in dataset.steps]
    if dataset.access in ("gated", "tool"):
        steps.append(f"dfdetect data fetch {dataset.name} --from DIR")
    return [f"{number}. {step}" for number, step in enumerate(steps, start=1)]


def _get(
    dataset: Dataset,
    wish: Wish,
    chosen: dict[str, list[str]],
    folder: DatasetFolder,
    profile: Profile,
    track: Track,
) -> Copy:
    """Bring the files here, by the way that the wish and the data set leave."""
    settings = profile.fetch
    if wish.copy is not None:
        return adopt(dataset, wish.copy, chosen)
    if wish.script is not None:
        return run_script(dataset, wish.script, chosen, folder, wish.number, wish.server)
    if dataset.access == "search":
        return fetch_pictures(folder, settings, wish.mirror, track)
    if dataset.access == "hub":
        return fetch_from_hub(wish.hub, folder, settings, wish.mirror, track)
    return fetch_archives(dataset, chosen, folder, settings, wish.mirror, track)


def _check_wish(dataset: Dataset, wish: Wish) -> None:
    """Refuse what does not fit the data set, before anything is made."""
    fits = {
        "--script": wish.script is None or bool(dataset.script),
        "--number": not wish.number or wish.script is not None,
        "--server": not wish.server or wish.script is not None,
        "--search": not wish.search or dataset.access == "search",
        "--hub": not wish.hub or dataset.access == "hub",
        "--seeds": not wish.seeds or bool(dataset.seeds),
        "--mirror": not wish.mirror or dataset.access in ("open", "search", "hub"),
    }
    for option, fine in fits.items():
        if not fine:
            raise UsageError(f"{option} is not for {dataset.name}", f"see: dfdetect data list {dataset.name}")
    by_hand = dataset.access in ("gated", "tool", "own") or (dataset.access == "hub" and not wish.hub)
    if by_hand and wish.copy is None and wish.script is None:
        hint = {"hub": "--hub owner/name@revision", "own": "--from DIR --as NAME"}.get(
            dataset.access, "--from DIR"
        )
        lines = [f"{dataset.title} is not downloaded by itself", *steps_to_get(dataset, wish.seeds)]
        raise UsageError("\n  ".join(lines), f"dfdetect data fetch {dataset.name} {hint}")


def _name(wish: Wish) -> str:
    if wish.alias or not wish.hub:
        return wish.alias or wish.name
    return wish.hub.partition("@")[0].rpartition("/")[2]


def _seeds(text: str) -> range:
    if not text:
        return range(0)
    match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text)
    if match is None or not 0 <= int(match[2]) - int(match[1]) < _MOST_SEEDS:
        raise UsageError(f"{text!r} is no range of seeds", "write it as FIRST-LAST, such as 0-4999")
    return range(int(match[1]), int(match[2]) + 1)


def _check_place(folder: DatasetFolder, dataset: Dataset, chosen: dict[str, list[str]], force: bool) -> None:
    """Refuse to put another data set under what was made of the first."""
    if force or not folder.source.exists() or not folder.index.exists():
        return
    there = read_source(folder)
    ours = {name: values for name, values in there.options.items() if name in dataset.choices}
    if there.dataset != dataset.name or ours != chosen:
        what = " ".join([there.dataset, *(f"--{name} {','.join(values)}" for name, values in ours.items())])
        raise UsageError(
            f"{folder.name} in this workspace is {what}, and stages have worked on it",
            "take another name with --as NAME, or replace it with --force",
        )


def _at_most(dataset: Dataset, number: int) -> Dataset:
    """Expect no more files than were asked for."""
    if not number:
        return dataset
    tree = tuple(part.model_copy(update={"least": min(part.least, number)}) for part in dataset.tree)
    return dataset.model_copy(update={"tree": tree})


def _not_whole(dataset: Dataset, root: Path, wrong: list[str], wish: Wish) -> DataError:
    lines = [f"{root} is no whole copy of {dataset.name}", *wrong]
    inner = _fitting_child(dataset, root) if wish.copy is not None else None
    if inner is not None:
        hint = f"{inner} looks like it: --from {inner}"
    elif wish.copy is not None:
        hint = "complete it, or adopt what is there with --partial"
    else:
        hint = f"remove {root} to download it anew, or take what is there with --partial"
    return DataError("\n  ".join(lines), hint)


def _fitting_child(dataset: Dataset, root: Path) -> Path | None:
    """Find the folder just below that is probably meant."""
    patterns = [tree.files for tree in dataset.tree if "{" not in tree.files] or ["*_sequences"]
    children = sorted(child for child in root.iterdir() if child.is_dir())[:100]
    for child in children:
        if all(next(child.glob(pattern), None) is not None for pattern in patterns):
            return child
    return None
