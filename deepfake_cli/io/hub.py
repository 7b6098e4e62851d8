"""Fetch model folders from the Hugging Face Hub into the cache that huggingface-hub keeps.

Only `config.json`, the files it lists and the card are fetched, in this order: a repository of another
kind costs one small file. What is in the cache at a known commit is used without asking anybody.

huggingface-hub is imported by these functions only: scanning with a local model must not pay for it.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.errors import ModelError
from deepfake_cli.progress import Track, untracked

from .hub_files import HubFiles, in_our_words
from .model_config import AnyConfig, Task
from .model_folder import (
    CARD,
    CONFIG,
    AnyFolder,
    DamagedModelError,
    load_any_folder,
    read_any_config,
    unchecked_folder,
)


@dataclass(frozen=True, slots=True)
class HubReference:
    """A model on the Hub, as ``owner/name`` or ``owner/name@revision``.

    Attributes:
        repo: ``owner/name``.
        revision: Branch, tag or commit; empty for the branch ``main``.
    """

    repo: str
    revision: str = ""

    @classmethod
    def parse(cls, text: str) -> "HubReference | None":
        """Read ``owner/name[@revision]``; None where the text is nothing of the kind."""
        match = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@(\S+))?", text, re.ASCII)
        return cls(match[1], match[2] or "") if match and not text.startswith((".", "/")) else None

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}" if self.revision else self.repo


@dataclass(frozen=True, slots=True)
class Fetched:
    """A checked model folder from the Hub.

    Attributes:
        folder: The folder in the cache; its revision is the commit.
        trouble: Why the Hub could not be asked, so that the cache had to do; mostly empty.
    """

    folder: AnyFolder
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model of our layout in the cache.

    Attributes:
        repo: ``owner/name``.
        refs: Branches and tags that named its commit when they were last asked for.
        folder: The folder, its files not checked yet.
    """

    repo: str
    refs: tuple[str, ...]
    folder: AnyFolder


def fetch(
    reference: HubReference,
    *,
    task: Task | None = None,
    mend: bool = False,
    endpoint: str | None = None,
    cache: Path | None = None,
    track: Track = untracked,
) -> Fetched:
    """Bring a model into the cache, if it is not there, and check it.

    Args:
        reference: What to fetch.
        task: What the model is for; another one is refused by its `config.json`. None for any.
        mend: Fetch a damaged file once more before giving up.
        endpoint: Address of the Hub; by default what ``HF_ENDPOINT`` says.
        cache: Where huggingface-hub keeps its cache; by default what ``HF_HUB_CACHE`` or ``HF_HOME`` says.
        track: Shows the progress over the files.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks the repository or revision.
        ModelError: The repository is no model of our layout, or a file is damaged.
    """
    files = HubFiles(reference.repo, reference.revision, endpoint, cache)
    with in_our_words(files):
        return _Fetch(reference, task, files).run(track, mend)


def cached_models(cache: Path | None = None) -> list[CachedModel]:
    """List the models of our layout in the cache, by repository and commit, without asking or hashing."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir(cache).repos
    except CacheNotFound:
        return []
    revisions = [
        (repo.repo_id, found) for repo in repos if repo.repo_type == "model" for found in repo.revisions
    ]
    models = []
    for repo, found in sorted(revisions, key=lambda pair: (pair[0], pair[1].commit_hash)):
        try:
            config = read_any_config(found.snapshot_path)
        except ModelError:
            continue  # somebody else's model, like most in this cache
        if all((found.snapshot_path / name).exists() for name in _needed(config)):
            folder = unchecked_folder(found.snapshot_path, config, found.commit_hash)
            models.append(CachedModel(repo, tuple(sorted(found.refs)), folder))
    return models


class _Fetch:
    """One way through the Hub: which commit, what is in it, its files."""

    def __init__(self, reference: HubReference, task: Task | None, files: HubFiles) -> None:
        self.reference, self.task, self.files = reference, task, files

    def run(self, track: Track, mend: bool) -> Fetched:
        if self.files.fixed and self._has_all(self.files.revision):
            self.files.offline = True
        else:
            self.files.ask()
        try:
            folder = self._collect(track, again=False)
        except DamagedModelError as error:
            if not mend:
                hint = f"fetch it again with: dfdetect models pull {self.reference}"
                raise ModelError(error.message, hint) from error
            folder = self._collect_again(track, error)
        return Fetched(folder, self.files.trouble)

    def _collect(self, track: Track, again: bool) -> AnyFolder:
        snapshot = self.files.get(CONFIG, self.files.revision, again).parent
        commit = snapshot.name  # the layout of the cache: snapshots/<commit>/<file>
        name = f"{self.reference.repo}@{commit[:12]}"
        for file in track(_needed(read_any_config(snapshot, name, self.task)), f"fetching {name}"):
            self.files.get(file, commit, again)
        if not self.files.known(CARD, commit):
            self._card(commit)
        return load_any_folder(snapshot, commit, name, self.task)

    def _collect_again(self, track: Track, damage: ModelError) -> AnyFolder:
        if self.files.offline and not self.files.trouble:  # all was there, so nobody was asked so far
            self.files.ask()
        if self.files.trouble:
            raise ModelError(damage.message, f"to fetch it again the Hub is needed: {self.files.trouble}")
        try:
            return self._collect(track, again=True)
        except DamagedModelError as error:
            clear = f"tell its owner; clear it with: hf cache rm model/{self.reference.repo}"
            raise ModelError(f"{error.message}, also when fetched again", clear) from error

    def _card(self, commit: str) -> None:
        from huggingface_hub.errors import EntryNotFoundError

        with suppress(EntryNotFoundError):  # models without a card work as well
            self.files.get(CARD, commit)

    def _has_all(self, commit: str) -> bool:
        """Whether all that is needed of a commit is in the cache."""
        config = self.files.known(CONFIG, commit)
        if not isinstance(config, str):
            return False
        with suppress(ModelError):
            names = _needed(read_any_config(Path(config).parent))
            return all(isinstance(self.files.known(name, commit), str) for name in names)
        return False


def _needed(config: AnyConfig) -> list[str]:
    """Names of the listed files that scanning needs: all but the weights for training."""
    return sorted(name for name in config.files if not name.endswith(".safetensors"))
