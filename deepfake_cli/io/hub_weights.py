"""Fetch the weights of an encoder from the Hugging Face Hub, as timm keeps them there."""

import re
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.errors import ModelError
from deepfake_cli.progress import Track, untracked

from .files import sha256
from .hub import HubReference
from .hub_files import HubFiles, in_our_words
from .model_folder import SAFETENSORS


@dataclass(frozen=True, slots=True)
class FetchedWeights:
    """Weights in the cache.

    Attributes:
        path: The file.
        commit: Which commit of the repository it is of.
    """

    path: Path
    commit: str


def fetch_weights(
    reference: HubReference,
    *,
    endpoint: str | None = None,
    cache: Path | None = None,
    track: Track = untracked,
) -> FetchedWeights:
    """Bring the `model.safetensors` of a repository into the cache, if it is not there.

    Other files of weights are never fetched, since reading them could run code. What the cache holds of a
    commit is used without asking anybody; of a branch it is used where nobody answers.

    Args:
        reference: Repository and branch, tag or commit.
        endpoint: Address of the Hub; by default what ``HF_ENDPOINT`` says.
        cache: Where huggingface-hub keeps its cache; by default what ``HF_HUB_CACHE`` or ``HF_HOME`` says.
        track: Shows that something is done.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks the repository or revision.
        ModelError: The repository has no such file, or the cache holds a damaged one.
    """
    files = HubFiles(reference.repo, reference.revision, endpoint, cache)
    with in_our_words(files):
        if files.fixed and isinstance(files.known(SAFETENSORS, files.revision), str):
            files.offline = True
        else:
            files.ask()
        work = (_file(files) for _ in range(1))  # done when `track` takes it
        (path,) = track(work, f"fetching {reference}", 1)
    return FetchedWeights(path, path.parent.name)  # the layout of the cache: snapshots/<commit>/<file>


def _file(files: HubFiles) -> Path:
    from huggingface_hub.errors import RemoteEntryNotFoundError

    try:
        path = files.get(SAFETENSORS, files.revision)
    except RemoteEntryNotFoundError as error:
        raise ModelError(
            f"{files.repo}@{files.revision} has no {SAFETENSORS}",
            "only safetensors are taken, as other files of weights can run code: name another repository",
        ) from error
    blob = path.resolve().name  # the cache calls large files by their SHA-256, unless the disk knows no links
    if re.fullmatch(r"[0-9a-f]{64}", blob) and sha256(path) != blob:
        raise ModelError(
            f"{SAFETENSORS} of {files.repo} is damaged in the cache",
            f"clear it with: hf cache rm model/{files.repo}",
        )
    return path
