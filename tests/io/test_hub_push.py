import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generators import generator_files
from hub_models import model_files, write_model
from hub_server import FOREIGN_TOKEN, READ_TOKEN, TOKEN, HubServer

from deepfake_cli.errors import DfdetectError, HubError, ModelError
from deepfake_cli.io.hub import HubReference, fetch
from deepfake_cli.io.hub_push import Pushed, push_folder
from deepfake_cli.io.model_folder import load_any_folder

REPO = "owner/name"
WEIGHTS = b"weights to train on"


@pytest.fixture(autouse=True)
def _member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a member of `owner`, and send large files by LFS: the local Hub stores them that way only."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # read when it is imported


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with all that may be in one, and something that does not belong there."""
    files = model_files()
    listed = json.loads(files["config.json"])["files"]
    listed["model.safetensors"] = hashlib.sha256(WEIGHTS).hexdigest()
    files = model_files(files=listed) | {
        "model.safetensors": WEIGHTS,
        "LICENSE.txt": b"Apache",
        "notes.txt": b"x",
    }
    return write_model(tmp_path / "m", files)


@pytest.fixture
def push(hub: HubServer, folder: Path) -> Callable[..., Pushed]:
    def call(path: Path = folder, repo: str = REPO, **more: object) -> Pushed:
        return push_folder(load_any_folder(path), repo, endpoint=hub.url, **more)  # type: ignore[arg-type]

    return call


def refusal(call: Callable[[], object]) -> DfdetectError:
    with pytest.raises(DfdetectError) as caught:
        call()
    return caught.value


def test_what_is_pushed_is_pulled_byte_for_byte(
    hub: HubServer, push: Callable[..., Pushed], folder: Path, tmp_path: Path
) -> None:
    pushed = push()
    repo = hub.repos[REPO]
    assert (repo.private, pushed.private, pushed.changed, pushed.files) == (True, True, True, 5)
    assert repo.messages[1:] == [
        "Push brightness with dfdetect 0.1.0"
    ]  # one commit after the first, empty one
    assert pushed.reference == f"{REPO}@{repo.refs['main']}"
    assert pushed.address == f"{hub.url}/{REPO}/tree/{repo.refs['main']}"
    there = repo.commits[repo.refs["main"]]
    names = {"config.json", "README.md", "LICENSE.txt", "model.onnx", "model.safetensors"}
    assert set(there) == names | {".gitattributes"}
    assert all(there[name] == (folder / name).read_bytes() for name in names)

    reference = HubReference.parse(pushed.reference)
    assert reference is not None
    fetched = fetch(reference, endpoint=hub.url, cache=tmp_path / "hub").folder
    for name in ("config.json", "model.onnx", "README.md"):
        assert (fetched.path / name).read_bytes() == (folder / name).read_bytes()


def test_a_generator_goes_to_a_public_repository(
    hub: HubServer, push: Callable[..., Pushed], tmp_path: Path
) -> None:
    pushed = push(write_model(tmp_path / "g", generator_files()), public=True, message="Paint")
    assert (hub.repos[REPO].private, pushed.private) == (False, False)
    assert hub.repos[REPO].messages[1:] == ["Paint"]


def test_a_second_push_is_a_second_commit_and_changes_who_sees_it_not(
    hub: HubServer, push: Callable[..., Pushed], tmp_path: Path
) -> None:
    first = push(public=True)
    second = push(write_model(tmp_path / "other", model_files(gain=2)))
    assert first.reference != second.reference
    assert (second.private, len(hub.repos[REPO].commits)) == (False, 3)
    sent = len(hub.asked("", "PUT"))
    again = push(tmp_path / "other")
    assert (again.changed, again.reference) == (False, second.reference)
    assert (len(hub.repos[REPO].commits), len(hub.asked("", "PUT"))) == (3, sent)


def test_weights_of_an_earlier_model_do_not_stay_beside_a_new_one(
    hub: HubServer, push: Callable[..., Pushed], folder: Path
) -> None:
    push()
    (folder / "model.safetensors").unlink()
    assert (
        "model.safetensors" in hub.repos[REPO].commits[push().reference.partition("@")[2]]
    )  # it is the right one
    config = json.loads((folder / "config.json").read_text())
    config["files"]["model.safetensors"] = "0" * 64
    (folder / "config.json").write_text(json.dumps(config))
    assert "model.safetensors" not in hub.repos[REPO].commits[push().reference.partition("@")[2]]


def test_a_branch_is_made_and_main_stays(hub: HubServer, push: Callable[..., Pushed]) -> None:
    pushed = push(branch="try")
    refs = hub.repos[REPO].refs
    assert f"{REPO}@{refs['try']}" == pushed.reference
    assert set(hub.repos[REPO].commits[refs["main"]]) == {".gitattributes"}
    assert not push(branch="try").changed


@pytest.mark.parametrize(
    ("token", "repo", "message", "hint"),
    [
        ("hf_wrong", REPO, "the Hub does not know your token", "hf auth login"),
        (READ_TOKEN, REPO, "the token of member may read, but not write", "/settings/tokens"),
        (FOREIGN_TOKEN, REPO, "stranger may not write to the repositories of owner", "push to stranger/name"),
        (TOKEN, "google/name", "member may not write to the repositories of google", "push to member/name"),
    ],
)
def test_who_may_not_push_is_told_why(
    hub: HubServer,
    push: Callable[..., Pushed],
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    repo: str,
    message: str,
    hint: str,
) -> None:
    for there in (False, True):
        if there:
            hub.add(
                repo, {"README.md": b""}
            )  # a public one is seen, which does not mean that one may write there
        monkeypatch.setenv("HF_TOKEN", token)
        error = refusal(lambda: push(repo=repo))
        assert isinstance(error, HubError)
        assert message in error.message
        assert hint in error.hint
        assert len(hub.repos[repo].commits if there else ()) == there


def test_a_connection_that_breaks_once_is_taken_up_again(hub: HubServer, push: Callable[..., Pushed]) -> None:
    hub.fail("reset", method="PUT", value=10, times=1)
    pushed = push()
    assert len(hub.asked("", "PUT")) == 3  # two files, one of them twice
    assert "model.onnx" in hub.repos[REPO].commits[pushed.reference.partition("@")[2]]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "reset", "suffix": "/commit/main", "method": "POST", "value": 100}, "broke off"),
        ({"kind": "status", "method": "PUT", "value": 403}, "403 Forbidden"),
        ({"kind": "status", "suffix": "/commit/main", "value": 503}, "503 Service Unavailable"),
        ({"kind": "status", "suffix": "/commit/main", "value": 412}, "has changed meanwhile"),
        ({"kind": "portal"}, "does not answer as the Hub does"),
    ],
)
def test_a_push_that_fails_on_the_way_commits_nothing_and_the_next_one_does(
    hub: HubServer, push: Callable[..., Pushed], fault: dict[str, object], message: str
) -> None:
    hub.fail(**fault)  # type: ignore[arg-type]
    assert message in refusal(push).message
    repo = hub.repos.get(REPO)
    assert repo is None or repo.messages == ["initial commit"]
    hub.faults.clear()
    assert push().changed


def test_a_card_that_the_hub_refuses_is_named(
    hub: HubServer, push: Callable[..., Pushed], folder: Path
) -> None:
    (folder / "README.md").write_text("---\nlicense: [mit\n---\n# A card\n")
    error = refusal(push)
    assert isinstance(error, ModelError)
    assert error.message.startswith("the Hub refuses the card: ")
    assert hub.repos[REPO].messages == ["initial commit"]
