"""Check that a copy of a data set is whole: its tree, its counts, its own lists, and no empty file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from deepfake_cli.progress import Track, untracked

from .datasets import Choices, Dataset, Tree, spelled_out

_NAMED = 3  # missing files that are named


def check_copy(
    dataset: Dataset, root: Path, chosen: Choices, seeds: Sequence[int], track: Track = untracked
) -> tuple[int, list[str]]:
    """Compare a folder with what the registry expects of a copy.

    Args:
        dataset: Of the registry.
        root: The folder.
        chosen: Which part of the data set it should be.
        seeds: Of generated faces.
        track: Shows the progress over the files.

    Returns:
        How many expected files are there, and what is wrong, a line each.
    """
    count = 0
    wrong: list[str] = []
    for tree in dataset.tree:
        for (pattern,) in spelled_out((tree.files,), tree.when, chosen):
            files = 0
            empty: list[str] = []
            for path in track(root.glob(pattern), f"checking {pattern}"):
                hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
                if hidden or not path.is_file():
                    continue
                files += 1
                if path.stat().st_size == 0:
                    empty.append(str(path.relative_to(root)))
                elif tree.lists in ("keys", "lines"):
                    wrong.extend(_listed(path, tree, root))
            count += files
            if files < tree.least:
                wrong.append(f"{pattern}: {files} files, {tree.least} expected")
            if empty:
                wrong.append(f"{len(empty)} files are empty: {_some(empty)}")
            if tree.lists == "seeds":
                missing = [name for name in map("seed{:04}.png".format, seeds) if not (root / name).exists()]
                if missing:
                    wrong.append(f"{len(missing)} of {len(seeds)} seeds are missing: {_some(missing)}")
    return count, wrong


def _listed(path: Path, tree: Tree, root: Path) -> Iterator[str]:
    """Tell which files that a data set lists are not there."""
    name = path.relative_to(root)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if tree.lists == "keys" else text.splitlines()
    except (OSError, ValueError):
        yield f"{name} cannot be read"
        return
    listed = list(content) if tree.lists == "keys" else [line.split()[-1] for line in content if line.strip()]
    missing = [entry for entry in listed if not (path.parent / entry).is_file()]
    if missing:
        yield f"{len(missing)} of {len(listed)} files that {name} lists are missing: {_some(missing)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
