"""Say in our words what huggingface-hub raises, and what the user can do about it."""

from typing import TYPE_CHECKING

from deepfake_cli.errors import DfdetectError, HubError, ModelError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

_LOGIN = "log in with: hf auth login"


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
            return HubError(f"{repo} is gated", f"accept its terms at {page}, then {_LOGIN}")
        case errors.GatedRepoError():
            return HubError(f"{repo} is gated, and your account has no access", f"ask for it at {page}")
        case errors.RepositoryNotFoundError():
            hint = f"check the name, or the path if a folder was meant; for a private model {_LOGIN}"
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
        return HubError("the Hub does not know your token", _LOGIN)
    return HubError(f"cannot fetch {repo}@{revision}: {answer_of(error)}", "try again later")
