"""Push model folders to the Hugging Face Hub: all of a folder in one commit, or nothing.

Large files are sent first, to the store beside the repository; the commit that names them comes last. So a
push that breaks off leaves the repository as it was, and the next one sends only what is not there yet.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_cli import __version__
from deepfake_cli.errors import HubError
from deepfake_cli.progress import Track, untracked

from .hub_errors import LOGIN, explain_push
from .hub_files import quiet
from .model_folder import CARD, CONFIG, AnyFolder

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push.

    Attributes:
        reference: ``owner/name@commit``: finds this very model again.
        address: Page of the commit's files.
        private: Whether only those whom its owner lets in can see the repository.
        changed: False where the branch held the very same files, so that no commit was made.
        files: How many files were pushed.
        size: Their bytes.
    """

    reference: str
    address: str
    private: bool
    changed: bool
    files: int
    size: int


def push_folder(
    folder: AnyFolder,
    repo: str,
    *,
    public: bool = False,
    branch: str = "",
    message: str = "",
    endpoint: str | None = None,
    track: Track = untracked,
) -> Pushed:
    """Push a checked model folder, and make the repository or branch if it is not there.

    What goes there is `config.json`, the files that it lists, the card and the licence. Other files in the
    repository stay, but for weights of another model that `config.json` lists and the folder lacks.

    Args:
        folder: The folder.
        repo: ``owner/name``.
        public: Let everybody see a repository that is made now; one that exists stays as it is.
        branch: Where to; ``main`` by default.
        message: First line of the commit; tells name and version by default.
        endpoint: Address of the Hub; by default what ``HF_ENDPOINT`` says.
        track: Shows that something is done.

    Raises:
        HubError: The Hub cannot be reached, does not know the user, or lets them not write there.
        ModelError: The Hub refuses the card, or a file cannot be read.
        UsageError: The Hub allows no such name.
    """
    import httpx2
    from huggingface_hub import HfApi, constants, get_token

    api = HfApi(endpoint or constants.ENDPOINT, library_name="dfdetect", library_version=__version__)
    push = _Push(api, repo, branch or constants.DEFAULT_REVISION)
    message = message or f"Push {folder.config.name} with dfdetect {__version__}"
    with _silent():
        try:
            if get_token() is None:
                hint = f"make one at {api.endpoint}/settings/tokens, then {LOGIN}, or set HF_TOKEN"
                raise HubError("pushing needs a token of the Hub that may write", hint)
            # The work is done when `track` takes it, so that what it shows stands meanwhile.
            work = (push.run(folder, public, message) for _ in range(1))
            (pushed,) = track(work, f"pushing to {repo}", 1)
            return pushed
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RuntimeError) as error:
            known = push.refusal(error) or explain_push(
                error, repo=repo, branch=push.branch, endpoint=api.endpoint
            )
            if known is None:
                raise
            raise known from error


def pushed_files(folder: AnyFolder) -> list[Path]:
    """Name the files of a folder that are pushed, sorted: config, all that it lists, card and licence."""
    names = {CONFIG, CARD, *folder.config.files}
    found = {folder.path / name for name in names} | set(folder.path.glob("LICENSE*"))
    return sorted(path for path in found if path.is_file())


class _Push:
    """One way to the Hub: is the repository there, the branch, then the commit."""

    def __init__(self, api: "HfApi", repo: str, branch: str) -> None:
        self.api, self.repo, self.branch = api, repo, branch

    def run(self, folder: AnyFolder, public: bool, message: str) -> Pushed:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants

        if self._known() is None:
            self.api.create_repo(self.repo, private=not public, exist_ok=True)
        if self.branch != constants.DEFAULT_REVISION:
            self.api.create_branch(self.repo, branch=self.branch, exist_ok=True)
        before = self.api.model_info(self.repo, revision=self.branch, files_metadata=True)
        files = pushed_files(folder)
        commit = self.api.create_commit(
            self.repo,
            [
                *(CommitOperationAdd(path.name, str(path)) for path in files),
                *(CommitOperationDelete(name) for name in _stale(folder, before)),
            ],
            commit_message=message,
            revision=self.branch,
            parent_commit=before.sha,  # nobody else's commit is lost
        )
        return Pushed(
            reference=f"{self.repo}@{commit.oid}",
            address=f"{self.api.endpoint}/{self.repo}/tree/{commit.oid}",
            private=bool(before.private),
            changed=commit.oid != before.sha,
            files=len(files),
            size=sum(path.stat().st_size for path in files),
        )

    def refusal(self, error: BaseException) -> HubError | None:
        """Explain an answer of 403 by asking who the user is; None for all else."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError

        if not isinstance(error, HfHubHTTPError) or error.response.status_code != 403:
            return None
        hint = f"make one that may at {self.api.endpoint}/settings/tokens, then {LOGIN}"
        try:
            me = self.api.whoami()
        except (httpx2.HTTPError, OSError, ValueError):
            return HubError(f"you may not write to {self.repo}", "check the owner's name and your token")
        owner, user = self.repo.partition("/")[0], me["name"]
        if me.get("auth", {}).get("accessToken", {}).get("role") == "read":
            return HubError(f"the token of {user} may read, but not write", hint)
        if owner in {user, *(organisation["name"] for organisation in me.get("orgs", ()))}:
            return HubError(f"the token of {user} may not write to {self.repo}", hint)
        return HubError(
            f"{user} may not write to the repositories of {owner}",
            f"push to {user}/{self.repo.partition('/')[2]}, or ask {owner} to let you in",
        )

    def _known(self) -> "ModelInfo | None":
        """Look for the repository, briefly: the other requests would wait for an answer without end."""
        from huggingface_hub import constants
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            return self.api.model_info(self.repo, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        except RepositoryNotFoundError:
            return None
        except (KeyError, TypeError) as error:
            hint = "check HF_ENDPOINT and the network"
            raise HubError(f"{self.api.endpoint} does not answer as the Hub does", hint) from error


def _stale(folder: AnyFolder, there: "ModelInfo") -> list[str]:
    """Name the files on the Hub that `config.json` lists with another content, and the folder lacks."""
    hashes = {file.rfilename: file.lfs.sha256 if file.lfs else "" for file in there.siblings or ()}
    return sorted(
        name
        for name, digest in folder.config.files.items()
        if not (folder.path / name).is_file() and hashes.get(name, digest) != digest
    )


@contextmanager
def _silent() -> Iterator[None]:
    """Keep huggingface-hub from showing bars, and from warning of what a card could say as well."""
    from huggingface_hub.utils.tqdm import disable_progress_bars

    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with disable_progress_bars():
            yield
