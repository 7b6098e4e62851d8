"""Say in our words what huggingface-hub raises, and what the user can do about it."""

from json import JSONDecodeError
from typing import TYPE_CHECKING

from deepfake_cli.errors import DfdetectError, HubError, ModelError, UsageError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

BUSY = (408, 429, 500, 502, 503, 504)  # answers of a Hub that is unwell
LOGIN = "log in with: hf auth login"
_AGAIN = "all of it is in the repository, or nothing: run the same command again"


def explain(
    error: BaseException, *, repo: str, revision: str, endpoint: str, trouble: str
) -> DfdetectError | None:
    """Translate a failure of huggingface-hub or of the HTTP client below it.

    Args:
        error: What was raised.
        repo: ``owner/name`` that was asked for.
        revision: Its branch, tag or commit.
        endpoint: Address of the Hub.
        trouble: Why the Hub could not be asked at all, and only the cache was; empty where it was asked.

    Returns:
        The error to raise instead; None where it is none of theirs, but a mistake of ours.
    """
    import httpx2
    from huggingface_hub import errors

    name = f"{repo}@{revision}"
    match error:
        case errors.HFValidationError():
            return ModelError(str(error).rstrip("."), "a model on the Hub is owner/name@revision")
        case errors.LocalEntryNotFoundError() if trouble:
            fix = (
                "unset it" if trouble.startswith("HF_HUB_OFFLINE") else "check the connection and HF_ENDPOINT"
            )
            return HubError(f"{name} is not in the cache, and {trouble}", f"to fetch it, {fix}")
        case errors.HfHubHTTPError():
            return _explain_answer(error, repo, revision, endpoint)
        case errors.FileMetadataError() | httpx2.InvalidURL():
            return HubError(
                f"{endpoint} does not answer as the Hub does", "check HF_ENDPOINT and the network"
            )
        case OSError(errno=int(), strerror=str(reason)) if not isinstance(error, ConnectionError):
            return HubError(
                f"cannot keep {name} in the cache of huggingface-hub: {reason.lower()}",
                "make room there, or name another place with HF_HOME",
            )
        case OSError() | ValueError() if error.__cause__ is not None:  # wrapped by huggingface-hub
            return explain(error.__cause__, repo=repo, revision=revision, endpoint=endpoint, trouble=trouble)
        case httpx2.HTTPError() | OSError():
            return HubError(f"fetching {name} broke off: {first_line(error)}", "try again")
    return None


def explain_push(error: BaseException, *, repo: str, branch: str, endpoint: str) -> DfdetectError | None:
    """Translate a failure of pushing, but for missing permission (403), of which `hub_push` knows more.

    Args:
        error: What was raised.
        repo: ``owner/name`` that was pushed to.
        branch: Its branch.
        endpoint: Address of the Hub.

    Returns:
        The error to raise instead; None where it is none of theirs, but a mistake of ours.
    """
    import httpx2
    from huggingface_hub import errors

    match error:
        case errors.OfflineModeIsEnabled():
            return HubError("HF_HUB_OFFLINE is set", "unset it to push a model")
        case errors.HFValidationError():
            return UsageError(first_line(error), "a repository on the Hub is owner/name")
        case errors.HfHubHTTPError() if error.response.status_code == 401:
            return HubError("the Hub does not know your token", f"{LOGIN}, or set HF_TOKEN to another one")
        case errors.HfHubHTTPError() if error.response.status_code == 412:
            return HubError(f"{repo}@{branch} has changed meanwhile", _AGAIN)
        case errors.HfHubHTTPError():
            said = f": {error.server_message}".rstrip(".") if error.server_message else ""
            busy = error.response.status_code in BUSY
            hint = "try again later" if busy else "check the names of the repository and the branch"
            return HubError(f"cannot push to {repo}@{branch}: {answer_of(error)}{said}", hint)
        case JSONDecodeError() | httpx2.InvalidURL():
            return HubError(
                f"{endpoint} does not answer as the Hub does", "check HF_ENDPOINT and the network"
            )
        case ValueError() if "metadata in README.md" in str(error):
            words = " ".join(line.strip("- ") for line in str(error).splitlines()[1:])
            return ModelError(
                f"the Hub refuses the card: {words}", "mend the head of README.md, between the lines of ---"
            )
        case OSError(errno=int(), filename=str(file), strerror=str(reason)):
            return ModelError(f"cannot read {file}: {reason.lower()}")
        case httpx2.ConnectError() | httpx2.TimeoutException():
            return HubError(f"{endpoint} cannot be reached: {first_line(error)}", _AGAIN)
        case httpx2.HTTPError():
            return HubError(f"pushing to {repo}@{branch} broke off: {first_line(error)}", _AGAIN)
        case RuntimeError() if error.__cause__ is not None:  # wrapped by huggingface-hub
            return explain_push(error.__cause__, repo=repo, branch=branch, endpoint=endpoint)
        case RuntimeError() | OSError():  # so hf-xet reports that its store cannot be reached
            return HubError(
                f"pushing to {repo}@{branch} broke off: {first_line(error)}",
                "try again, or by the older way to large files, with HF_HUB_DISABLE_XET=1 in the environment",
            )
    return None


def answer_of(error: "HfHubHTTPError") -> str:
    """Name the status that the Hub answered with."""
    response = error.response
    return f"the Hub answers {response.status_code} {response.reason_phrase}".rstrip()


def first_line(error: BaseException) -> str:
    """Shorten an error to one line without its full stop; to its type where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


def _explain_answer(error: "HfHubHTTPError", repo: str, revision: str, endpoint: str) -> DfdetectError:
    from huggingface_hub import errors

    page, status = f"{endpoint}/{repo}", error.response.status_code
    match error:
        case errors.GatedRepoError() if status == 401:
            return HubError(f"{repo} is gated", f"accept its terms at {page}, then {LOGIN}")
        case errors.GatedRepoError():
            return HubError(f"{repo} is gated, and your account has no access", f"ask for it at {page}")
        case errors.RepositoryNotFoundError():
            hint = f"check the name, or the path if a folder was meant; for a private model {LOGIN}"
            return HubError(f"there is no model {repo} on the Hub, or it is private", hint)
        case errors.RevisionNotFoundError():
            hint = f"see its branches and tags at {page}/tree/main"
            return HubError(f"{repo} has no revision '{revision}'", hint)
        case errors.EntryNotFoundError():
            file = error.response.url.path.rpartition("/")[2]
            return ModelError(
                f"{repo}@{revision} has no {file}: it is not a dfdetect model",
                "other detectors must be exported to this layout first; docs/model-folder.md describes it",
            )
    if status == 401:
        return HubError("the Hub does not know your token", LOGIN)
    return HubError(f"cannot fetch {repo}@{revision}: {answer_of(error)}", "try again later")
