"""Find models by what the user calls them: embedded, in a folder, or on the Hub."""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_cli.errors import HubError, ModelError, UsageError
from deepfake_cli.io.model_config import Member, Task
from deepfake_cli.io.model_config import StackConfig as StackConfig
from deepfake_cli.io.model_folder import (
    EMBEDDED,
    AnyFolder,
    GeneratorFolder,
    ModelFolder,
    RendererFolder,
    StackFolder,
    embedded_models,
    load_any_folder,
    read_any_config,
    unchecked_folder,
)
from deepfake_cli.progress import Track, untracked

if TYPE_CHECKING:
    from deepfake_cli.io.hub import HubReference

Warn = Callable[[str], None]  # told what the user should know though the work goes on


class Source(StrEnum):
    """Where a model comes from."""

    EMBEDDED = "embedded"
    LOCAL = "local"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class Model:
    """A model and how to ask for it again.

    Attributes:
        reference: What finds this very model: an embedded name, a folder, or ``owner/name@commit``.
        source: Where it comes from.
        folder: Its files.
        refs: Branches and tags of a model on the Hub that name its commit, as far as the cache knows.
    """

    reference: str
    source: Source
    folder: AnyFolder
    refs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return all that is known of the model as plain values; `config` as it is in the file."""
        return {
            "reference": self.reference,
            "source": str(self.source),
            "revision": self.folder.revision,
            "refs": list(self.refs),
            "path": str(self.folder.path),
            "bytes": self.folder.size,
            "config": self.folder.config.model_dump(mode="json", by_alias=True, exclude_unset=True),
        }


def resolve(reference: str, *, track: Track = untracked, warn: Warn = lambda words: None) -> ModelFolder:
    """Find a classifier and check its files; see `find_model`."""
    folder = find_model(reference, "classifier", track=track, warn=warn).folder
    assert isinstance(folder, ModelFolder)
    return folder


def resolve_generator(
    reference: str, *, track: Track = untracked, warn: Warn = lambda words: None
) -> GeneratorFolder:
    """Find a generator of maps and check its files; see `find_model`."""
    folder = find_model(reference, "generator", track=track, warn=warn).folder
    assert isinstance(folder, GeneratorFolder)
    return folder


def resolve_renderer(
    reference: str, *, track: Track = untracked, warn: Warn = lambda words: None
) -> RendererFolder:
    """Find a renderer of faces and check its files; see `find_model`."""
    folder = find_model(reference, "renderer", track=track, warn=warn).folder
    assert isinstance(folder, RendererFolder)
    return folder


def find_model(
    reference: str,
    task: Task | None = None,
    *,
    track: Track = untracked,
    warn: Warn = lambda words: None,
) -> Model:
    """Find a model by what the user calls it, and check its files.

    Tried in this order: the name of an embedded model; a path of a folder; ``owner/name`` or
    ``owner/name@revision`` on the Hub. So a folder ``owner/name`` wins over the Hub's model of that name, and
    an embedded ``plain`` over a folder ``plain``, which is ``./plain``.

    Args:
        reference: What the user calls it.
        task: What it has to do; None for anything.
        track: Shows the progress of a download.
        warn: Told when the Hub cannot be asked and the cache has to do.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks it.
        ModelError: There is no such model, or it is damaged, of another layout or for another task; or it is
            a stack, one of whose members is missing or not what it was.
    """
    return _with_members(_find(reference, task, track, warn), track, warn)


def _find(reference: str, task: Task | None, track: Track, warn: Warn) -> Model:
    return _find_here(reference, task) or _find_there(reference, task, track, warn)


def _find_there(reference: str, task: Task | None, track: Track, warn: Warn) -> Model:
    """Find a model on the Hub."""
    from deepfake_cli.io.hub import HubReference, fetch

    hub = HubReference.parse(reference)
    if hub is None:
        raise _unknown(reference, task)
    fetched = fetch(hub, task=task, track=track)
    if fetched.trouble:
        warn(f"{fetched.trouble}; using {hub.repo} as it is in the cache, commit {fetched.folder.revision}")
    return _from_hub(hub, fetched.folder)


def _with_members(found: Model, track: Track, warn: Warn) -> Model:
    """Find the members of a stack; any other model stays as it is."""
    stack = found.folder
    if not isinstance(stack, StackFolder):
        return found
    members = tuple(_find_member(stack, member, track, warn) for member in stack.config.members)
    return replace(found, folder=replace(stack, members=members))


def _find_member(stack: StackFolder, member: Member, track: Track, warn: Warn) -> ModelFolder:
    """Find a member of a stack, and check that it is what the stack was made with."""
    try:
        if member.is_path:
            found = find_local_model(os.path.abspath(stack.path / member.model), "classifier").folder
        elif member.model in _embedded("classifier"):
            found = find_local_model(member.model, "classifier").folder
        else:
            found = _find_there(f"{member.model}@{member.revision}", "classifier", track, warn).folder
    except ModelError as error:
        raise ModelError(f"{stack.config.name} asks {member.model}: {error.message}", error.hint) from error
    assert isinstance(found, ModelFolder)  # it was found as a classifier
    if isinstance(found, StackFolder):
        raise ModelError(f"{stack.config.name} asks {member.model}, which is made of others itself")
    if found.revision != member.revision:
        raise ModelError(
            f"{stack.config.name} was made with {member.model} at revision {member.revision}, "
            f"which is at {found.revision} now",
            "make it anew with: dfdetect classifier stack",
        )
    return found


def find_local_model(reference: str, task: Task | None = None) -> Model:
    """Find an embedded model or one in a folder, and check its files; the Hub is not looked at.

    Raises:
        ModelError: There is no such model, or it is damaged, of another layout or for another task.
    """
    here = _find_here(reference, task)
    if here is None:
        raise _unknown(reference, task)
    return here


def pull_model(reference: str, *, track: Track = untracked) -> Model:
    """Bring a model from the Hub into the cache and check it; a damaged file is fetched once more.

    Members of a stack that are on the Hub are brought too, so that it judges without the network.

    Args:
        reference: ``owner/name`` or ``owner/name@revision``; a folder of that name is not looked at.
        track: Shows the progress of the download.

    Raises:
        HubError: The Hub cannot be reached, refuses, or lacks it.
        ModelError: It is damaged or of another layout, or a member of it is missing or not what it was.
        UsageError: This is no reference to the Hub.
    """
    from deepfake_cli.io.hub import HubReference, fetch

    hub = HubReference.parse(reference)
    if hub is None:
        raise UsageError(
            f"'{reference}' is no model on the Hub", "name it as owner/name or owner/name@revision"
        )
    fetched = fetch(hub, mend=True, track=track)
    model = _from_hub(hub, fetched.folder)
    if fetched.trouble:
        hint = f"what is in the cache can be used: {model.reference}"
        raise HubError(f"cannot ask for {hub}: {fetched.trouble}", hint)
    return _with_members(model, track, lambda words: None)  # members are fixed commits: nothing to warn of


def list_models() -> list[Model]:
    """List what can be used without the network: the embedded models, then those in the Hub's cache.

    Their files are not checked.
    """
    from deepfake_cli.io.hub import cached_models

    models = []
    for name in _embedded():
        folder = unchecked_folder(EMBEDDED / name, read_any_config(EMBEDDED / name, name))
        models.append(Model(name, Source.EMBEDDED, folder))
    for cached in cached_models():
        reference = f"{cached.repo}@{cached.folder.revision}"
        models.append(Model(reference, Source.HUB, cached.folder, cached.refs))
    return models


def _find_here(reference: str, task: Task | None) -> Model | None:
    if reference in _embedded():
        folder = load_any_folder(EMBEDDED / reference, name=reference, task=task)
        return Model(reference, Source.EMBEDDED, folder)
    path = os.path.expanduser(reference)
    if reference and os.path.exists(path):
        return Model(path, Source.LOCAL, load_any_folder(Path(path), task=task))
    return None


def _embedded(task: Task | None = None) -> tuple[str, ...]:
    tasks: tuple[Task, ...] = (task,) if task else ("classifier", "generator", "renderer")
    return tuple(name for one in tasks for name in embedded_models(one))


def _unknown(reference: str, task: Task | None) -> ModelError:
    embedded = _embedded(task)
    if "/" in reference:
        return ModelError(f"there is no model folder {reference}", "check the path")
    near = difflib.get_close_matches(reference, embedded, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return ModelError(
        f"there is no model '{reference}'",
        f"{hint}a model is embedded ({', '.join(embedded)}), a folder, or owner/name@revision on the Hub",
    )


def _from_hub(asked: "HubReference", folder: AnyFolder) -> Model:
    branch = asked.revision or "main"
    refs = () if branch == folder.revision else (branch,)
    return Model(f"{asked.repo}@{folder.revision}", Source.HUB, folder, refs)
