"""The files of a repository on the Hugging Face Hub at one revision, from there or from the cache.

huggingface-hub is imported by these functions only: scanning with a local model must not pay for it.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from json import JSONDecodeError
from pathlib import Path
from typing import Any, cast

from deepfake_cli import __version__
from deepfake_cli.errors import HubError

from .hub_errors import BUSY, answer_of, explain, first_line


class HubFiles:
    """One repository at one revision.

    Attributes:
        repo: ``owner/name``.
        revision: Branch, tag or commit.
        endpoint: Address of the Hub.
        offline: Whether files come from the cache alone.
        trouble: Why the Hub could not be asked; empty where it was, or was not needed.
    """

    def __init__(self, repo: str, revision: str, endpoint: str | None, cache: Path | None) -> None:
        """Name what is wanted, without asking for it yet.

        Args:
            repo: ``owner/name``.
            revision: Branch, tag or commit; empty for ``main``.
            endpoint: Address of the Hub; by default what ``HF_ENDPOINT`` says.
            cache: Where huggingface-hub keeps its cache; by default what ``HF_HOME`` and its like say.
        """
        from huggingface_hub import constants

        self.repo = repo
        self.revision = revision or constants.DEFAULT_REVISION
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self.offline = False
        self.trouble = ""
        self._cache = cache
        self._timeout = constants.HF_HUB_ETAG_TIMEOUT

    @property
    def fixed(self) -> bool:
        """Whether the revision is a commit: branches and tags move."""
        return re.fullmatch(r"[0-9a-f]{40}", self.revision) is not None

    def ask(self) -> None:
        """Ask whether the revision is there; where nobody answers note why, and make do with the cache.

        Asked by itself because downloading would try for half a minute before it says that nobody answers.
        """
        import httpx2
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        api = HfApi(self.endpoint, library_name="dfdetect", library_version=__version__)
        try:
            api.model_info(self.repo, revision=self.revision, timeout=self._timeout)
        except HfHubHTTPError as error:
            if error.response.status_code not in BUSY:  # else what the cache holds will do
                raise
            self.trouble = answer_of(error)
        except OfflineModeIsEnabled:
            self.trouble = "HF_HUB_OFFLINE is set"
        except httpx2.TimeoutException:
            self.trouble = f"{self.endpoint} does not answer within {self._timeout} s"
        except httpx2.TransportError as error:
            self.trouble = f"{self.endpoint} cannot be reached: {first_line(error)}"
        except (JSONDecodeError, KeyError, TypeError):  # the page where a hotel's network asks to log in, say
            self.trouble = f"{self.endpoint} does not answer as the Hub does"
        self.offline = bool(self.trouble)

    def get(self, name: str, revision: str, again: bool = False) -> Path:
        """Bring one file into the cache, if it is not there.

        Args:
            name: Path in the repository.
            revision: Of this revision or, once it is known, of its commit.
            again: Fetch it also where the cache has it.

        Returns:
            The file; its folder in the cache is called like the commit.

        Raises:
            HubError: The Xet store cannot be reached. All else is raised as huggingface-hub does, for
                ``in_our_words``.
        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils.tqdm import tqdm

        try:
            path = hf_hub_download(
                self.repo,
                name,
                revision=revision,
                cache_dir=self._cache,
                endpoint=self.endpoint,
                etag_timeout=self._timeout,
                force_download=again,
                local_files_only=self.offline,
                library_name="dfdetect",
                library_version=__version__,
                tqdm_class=cast(Any, partial(tqdm, disable=True)),
            )
        except RuntimeError as error:  # so hf-xet reports that its store cannot be reached
            raise HubError(
                f"fetching {self.repo}@{self.revision} broke off: {first_line(error)}",
                "try again, or by the older way to large files, with HF_HUB_DISABLE_XET=1 in the environment",
            ) from error
        return Path(path)

    def known(self, name: str, commit: str) -> object:
        """Return the path of a file in the cache, something else if it is known not to exist, or None."""
        from huggingface_hub import try_to_load_from_cache

        return try_to_load_from_cache(self.repo, name, self._cache, commit)


@contextmanager
def in_our_words(files: HubFiles) -> Iterator[None]:
    """Raise what huggingface-hub raises within the block as one of our errors, and keep it from talking."""
    import httpx2

    with quiet():
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            known = explain(
                error,
                repo=files.repo,
                revision=files.revision,
                endpoint=files.endpoint,
                trouble=files.trouble,
            )
            if known is None:
                raise
            raise known from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep huggingface-hub from telling of its retries: what comes of them is said in our words."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
