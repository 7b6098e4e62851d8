"""Push a model to the Hugging Face Hub, by what the user calls it."""

from deepfake_cli.errors import UsageError
from deepfake_cli.io.hub import HubReference
from deepfake_cli.io.hub_push import Pushed, push_folder
from deepfake_cli.io.model_folder import StackFolder
from deepfake_cli.progress import Track, untracked

from .models import find_local_model


def push_model(
    model: str,
    repository: str,
    public: bool = False,
    branch: str = "main",
    message: str | None = None,
    *,
    track: Track = untracked,
) -> Pushed:
    """Check a model and push it; see `push_folder`.

    Args:
        model: A folder, or the name of an embedded model. One of the Hub is no such thing: what the cache
            holds of it lacks the weights for training.
        repository: ``owner/name``.
        public: Let everybody see the repository, if it is made now.
        branch: Where to.
        message: First line of the commit, in place of the default one.
        track: Shows that something is done.

    Raises:
        HubError: The Hub cannot be reached, does not know the user, or lets them not write there.
        ModelError: There is no such folder, or it is damaged or of another layout.
        UsageError: The repository is no ``owner/name``, or a stack asks a folder, which stays here.
    """
    there = HubReference.parse(repository)
    if there is None or there.revision:
        hint = "name it as owner/name; a branch goes into --revision"
        raise UsageError(f"'{repository}' is no repository on the Hub", hint)
    folder = find_local_model(model).folder
    if isinstance(folder, StackFolder):
        here = [member.model for member in folder.config.members if member.is_path]
        if here:
            raise UsageError(
                f"{folder.config.name} asks {', '.join(here)}, which nobody finds who has it from the Hub",
                "push these first, and stack what they are there: owner/name",
            )
    return push_folder(folder, there.repo, public=public, branch=branch, message=message or "", track=track)
