"""Fetch data sets from the Hugging Face Hub through its own client, which resumes and checks by itself."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from deepfake_cli import __version__
from deepfake_cli.errors import DfdetectError, FetchError, HubError, OutputError
from deepfake_cli.progress import Track, untracked

from .files import reason
from .hub import HubReference
from .hub_errors import answer_of, first_line


def fetch_snapshot(
    reference: HubReference, folder: Path, connections: int, *, endpoint: str | None, track: Track = untracked
) -> str:
    """Bring all files of a data set on the Hub into a folder.

    Args:
        reference: ``owner/name`` with a branch, tag or commit.
        folder: Where they go; what is there already and still the same is left alone.
        connections: Files at once.
        endpoint: Address of the Hub; by default what ``HF_ENDPOINT`` says.
        track: Shows that something is done.

    Returns:
        The commit.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks it.
        OutputError: It cannot be written.
    """
    import httpx2
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.utils.tqdm import tqdm

    name = str(reference)
    try:
        api = HfApi(endpoint, library_name="dfdetect", library_version=__version__)
        commit = api.dataset_info(reference.repo, revision=reference.revision or None).sha
        assert commit is not None, "the Hub knows a commit for every revision"

        def whole() -> Iterator[None]:
            snapshot_download(
                reference.repo,
                repo_type="dataset",
                revision=commit,
                local_dir=folder,
                endpoint=endpoint,
                max_workers=connections,
                library_name="dfdetect",
                library_version=__version__,
                tqdm_class=cast(Any, partial(tqdm, disable=True)),
            )
            yield

        for _ in track(whole(), f"downloading {name}", 1):
            pass
        return commit
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RuntimeError) as error:
        raise _explained(error, reference, folder) from error


def _explained(error: BaseException, reference: HubReference, folder: Path) -> DfdetectError:
    from huggingface_hub import errors

    page = f"https://huggingface.co/datasets/{reference.repo}"
    match error:
        case errors.GatedRepoError():
            return HubError(
                f"the data set {reference.repo} is gated",
                f"accept its terms at {page}, then log in with: hf auth login",
            )
        case errors.RepositoryNotFoundError():
            hint = "check the name; for a private one log in with: hf auth login"
            return HubError(f"there is no data set {reference.repo} on the Hub, or it is private", hint)
        case errors.RevisionNotFoundError():
            return HubError(
                f"{reference.repo} has no revision '{reference.revision}'",
                f"see its branches at {page}/tree/main",
            )
        case errors.HFValidationError():
            return HubError(str(error).rstrip("."), "a data set on the Hub is owner/name@revision")
        case errors.OfflineModeIsEnabled():
            return HubError("HF_HUB_OFFLINE is set", "unset it to fetch data sets")
        case errors.HfHubHTTPError():
            return HubError(f"cannot fetch {reference}: {answer_of(error)}", "try again later")
        case OSError(errno=int(), strerror=str()) if not isinstance(error, ConnectionError):
            hint = "free some space or choose another workspace, then run the same command again"
            return OutputError(f"cannot write {folder}: {reason(error)}", hint)
    return FetchError(
        f"fetching {reference} broke off: {first_line(error)}",
        "what has arrived is kept: run the same command again to go on",
    )
