"""Fetch model folders from the Hugging Face Hub into the cache that huggingface-hub keeps.

Only `config.json`, the files it lists and the card are fetched, in this order: a repository of another
kind costs one small file. What is in the cache at a known commit is used without asking anybody.

huggingface-hub is imported by these functions only: scanning with a local model must not pay for it.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from json import JSONDecodeError
from pathlib import Path
from typing import Any, cast

from deepfake_cli import __version__
from deepfake_cli.errors import HubError, ModelError
from deepfake_cli.progress import Track, untracked

from .hub_errors import answer_of, explain, first_line
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

_BUSY = (408, 429, 500, 502, 503, 504)  # answers of a Hub that is unwell: what the cache holds will do


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
    import httpx2

    with _quiet():
        way = _Fetch(reference, task, endpoint, cache)
        try:
            return way.run(track, mend)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            known = explain(
                error,
                repo=reference.repo,
                revision=way.revision,
                endpoint=way.endpoint,
                trouble=way.trouble,
            )
            if known is None:
                raise
            raise known from error


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

    def __init__(
        self, reference: HubReference, task: Task | None, endpoint: str | None, cache: Path | None
    ) -> None:
        from huggingface_hub import constants

        self.reference, self.task = reference, task
        self.revision = reference.revision or constants.DEFAULT_REVISION
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self.cache = cache
        self.timeout = constants.HF_HUB_ETAG_TIMEOUT
        self.offline = False
        self.trouble = ""

    def run(self, track: Track, mend: bool) -> Fetched:
        if self._has_all(self.revision):
            self.offline = True
        else:
            self._ask()
        try:
            folder = self._collect(track, again=False)
        except DamagedModelError as error:
            if not mend:
                hint = f"fetch it again with: dfdetect models pull {self.reference}"
                raise ModelError(error.message, hint) from error
            folder = self._collect_again(track, error)
        return Fetched(folder, self.trouble)

    def _collect(self, track: Track, again: bool) -> AnyFolder:
        snapshot = self._file(CONFIG, self.revision, again).parent
        commit = snapshot.name  # the layout of the cache: snapshots/<commit>/<file>
        name = f"{self.reference.repo}@{commit[:12]}"
        for file in track(_needed(read_any_config(snapshot, name, self.task)), f"fetching {name}"):
            self._file(file, commit, again)
        if not self._knows(CARD, commit):
            self._card(commit)
        return load_any_folder(snapshot, commit, name, self.task)

    def _collect_again(self, track: Track, damage: ModelError) -> AnyFolder:
        if self.offline and not self.trouble:  # all was there, so nobody was asked so far
            self._ask()
        if self.trouble:
            raise ModelError(damage.message, f"to fetch it again the Hub is needed: {self.trouble}")
        try:
            return self._collect(track, again=True)
        except DamagedModelError as error:
            clear = f"tell its owner; clear it with: hf cache rm model/{self.reference.repo}"
            raise ModelError(f"{error.message}, also when fetched again", clear) from error

    def _ask(self) -> None:
        """Ask whether the revision is there; where nobody answers note why, and make do with the cache.

        Asked by itself because downloading would try for half a minute before it says that nobody answers.
        """
        import httpx2
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        api = HfApi(self.endpoint, library_name="dfdetect", library_version=__version__)
        try:
            api.model_info(self.reference.repo, revision=self.revision, timeout=self.timeout)
        except HfHubHTTPError as error:
            if error.response.status_code not in _BUSY:
                raise
            self.trouble = answer_of(error)
        except OfflineModeIsEnabled:
            self.trouble = "HF_HUB_OFFLINE is set"
        except httpx2.TimeoutException:
            self.trouble = f"{self.endpoint} does not answer within {self.timeout} s"
        except httpx2.TransportError as error:
            self.trouble = f"{self.endpoint} cannot be reached: {first_line(error)}"
        except (JSONDecodeError, KeyError, TypeError):  # the page where a hotel's network asks to log in, say
            self.trouble = f"{self.endpoint} does not answer as the Hub does"
        self.offline = bool(self.trouble)

    def _file(self, name: str, revision: str, again: bool = False) -> Path:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils.tqdm import tqdm

        try:
            path = hf_hub_download(
                self.reference.repo,
                name,
                revision=revision,
                cache_dir=self.cache,
                endpoint=self.endpoint,
                etag_timeout=self.timeout,
                force_download=again,
                local_files_only=self.offline,
                library_name="dfdetect",
                library_version=__version__,
                tqdm_class=cast(Any, partial(tqdm, disable=True)),
            )
        except RuntimeError as error:  # so hf-xet reports that its store cannot be reached
            raise HubError(
                f"fetching {self.reference.repo}@{self.revision} broke off: {first_line(error)}",
                "try again, or by the older way to large files, with HF_HUB_DISABLE_XET=1 in the environment",
            ) from error
        return Path(path)

    def _card(self, commit: str) -> None:
        from huggingface_hub.errors import EntryNotFoundError

        with suppress(EntryNotFoundError):  # models without a card work as well
            self._file(CARD, commit)

    def _has_all(self, commit: str) -> bool:
        """Whether the revision is a commit of which all that is needed is in the cache."""
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            return False  # branches and tags move
        config = self._knows(CONFIG, commit)
        if not isinstance(config, str):
            return False
        with suppress(ModelError):
            names = _needed(read_any_config(Path(config).parent))
            return all(isinstance(self._knows(name, commit), str) for name in names)
        return False

    def _knows(self, name: str, commit: str) -> object:
        """Return the path of a file in the cache, something else if it is known not to exist, or None."""
        from huggingface_hub import try_to_load_from_cache

        return try_to_load_from_cache(self.reference.repo, name, self.cache, commit)


def _needed(config: AnyConfig) -> list[str]:
    """Names of the listed files that scanning needs: all but the weights for training."""
    return sorted(name for name in config.files if not name.endswith(".safetensors"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep huggingface-hub from telling of its retries: what comes of them is said in our words."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
