import hashlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generators import generator_files
from hub_models import brightness_onnx, model_files
from hub_server import FOREIGN_TOKEN, TOKEN, HubServer

from deepfake_cli.errors import DfdetectError, HubError, ModelError
from deepfake_cli.io.hub import Fetched, HubReference, cached_models, fetch
from deepfake_cli.io.model_folder import GeneratorFolder

REPO = "owner/name"


@pytest.fixture(autouse=True, scope="module")
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Be nobody on the Hub. huggingface-hub reads these when it is first imported: in these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")  # else it asks the real Hub for something first
        patch.delenv("HF_TOKEN", raising=False)
        yield


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def pull(hub: HubServer, cache: Path) -> Callable[..., Fetched]:
    def call(text: str = REPO, **more: object) -> Fetched:
        reference = HubReference.parse(text)
        assert reference is not None
        return fetch(reference, endpoint=hub.url, cache=cache, **more)  # type: ignore[arg-type]

    return call


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda token: monkeypatch.setenv("HF_TOKEN", token)


@pytest.fixture
def unplug(hub: HubServer) -> Callable[[], None]:
    """Let nobody listen at the Hub's address any more."""

    def call() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            hub.url = f"http://127.0.0.1:{free.getsockname()[1]}"

    return call


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- references ---


@pytest.mark.parametrize(
    ("text", "repo", "revision"),
    [
        ("owner/name", "owner/name", ""),
        ("owner/name@v1.0", "owner/name", "v1.0"),
        ("owner/name@refs/pr/1", "owner/name", "refs/pr/1"),
        ("o-w.n_er/na-me.2@" + "a" * 40, "o-w.n_er/na-me.2", "a" * 40),
    ],
)
def test_references_to_the_hub_are_read(text: str, repo: str, revision: str) -> None:
    reference = HubReference.parse(text)
    assert reference == HubReference(repo, revision)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    ["", "name", "a/b/c", "./a/b", "./b", "../b", "/a/b", "/b", "owner/", "/name", "owner/name@", "ow ner/n"],
)
def test_what_is_no_reference_to_the_hub_is_none(text: str) -> None:
    assert HubReference.parse(text) is None


# --- fetching ---


def test_a_model_is_fetched_checked_and_kept_where_huggingface_hub_keeps_it(
    hub: HubServer, pull: Callable[..., Fetched], cache: Path
) -> None:
    commit = hub.add(REPO, model_files())
    fetched = pull()
    assert fetched.trouble == ""
    assert fetched.folder.revision == commit
    assert fetched.folder.path == cache / "models--owner--name" / "snapshots" / commit
    assert fetched.folder.onnx.read_bytes() == model_files()["model.onnx"]


def test_only_what_scanning_needs_is_fetched(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    more = {"model.safetensors": b"training", "other.onnx": b"unlisted", "pytorch_model.bin": b"pickle"}
    listed = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in [
            ("labels.json", b"{}"),
            ("model.onnx", brightness_onnx()),
            ("model.safetensors", b""),
        ]
    }
    hub.add(REPO, model_files(files=listed) | {"labels.json": b"{}"} | more)
    assert files_in(pull().folder.path) == ["README.md", "config.json", "labels.json", "model.onnx"]
    assert not any(name in request.path for request in hub.requests for name in more)


def test_generators_are_models_too(hub: HubServer, pull: Callable[..., Fetched], cache: Path) -> None:
    commit = hub.add(REPO, generator_files())
    with pytest.raises(ModelError, match="is a generator, which cannot do this"):
        pull(task="classifier")
    assert files_in(cache / "models--owner--name" / "snapshots" / commit) == ["config.json"]
    assert isinstance(pull(task="generator").folder, GeneratorFolder)
    (cached,) = cached_models(cache)
    assert isinstance(cached.folder, GeneratorFolder)
    assert (cached.repo, cached.folder.revision) == (REPO, commit)


def test_a_model_without_a_card_works(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    hub.add(REPO, {name: content for name, content in model_files().items() if name != "README.md"})
    assert files_in(pull().folder.path) == ["config.json", "model.onnx"]


def test_what_is_cached_is_not_fetched_again(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    commit = hub.add(REPO, model_files())
    pull()
    seen = len(hub.requests)
    pull()
    assert [r.method for r in hub.requests[seen:] if r.path.startswith("/blobs")] == []
    seen = len(hub.requests)
    assert pull(f"{REPO}@{commit}").folder.revision == commit
    assert hub.requests[seen:] == []


def test_a_moved_branch_is_followed_and_a_tag_stays(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    first = hub.add(REPO, model_files(), "main", "v1")
    assert pull().folder.revision == first
    second = hub.add(REPO, model_files(gain=2), "main", "refs/pr/1")
    assert pull().folder.revision == second
    assert pull(f"{REPO}@v1").folder.revision == first
    assert pull(f"{REPO}@refs/pr/1").folder.revision == second
    assert pull(f"{REPO}@{first}").folder.revision == first


def test_progress_runs_over_the_files(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    seen = []

    def track(items: list[str], description: str, total: int | None = None) -> Iterator[str]:
        seen.append((list(items), description))
        return iter(items)

    commit = hub.add(REPO, model_files())
    pull(track=track)
    assert seen == [(["model.onnx"], f"fetching {REPO}@{commit[:12]}")]


def test_the_token_goes_to_the_hub_and_not_to_the_cdn(
    hub: HubServer, pull: Callable[..., Fetched], log_in: Callable[[str], None]
) -> None:
    hub.add(REPO, model_files(), private=True)
    log_in(TOKEN)
    pull()
    assert {request.token for request in hub.requests if not request.cdn} == {TOKEN}
    assert {request.token for request in hub.requests if request.cdn} == {""}


# --- refusals ---


def refusal(call: Callable[[], object]) -> DfdetectError:
    with pytest.raises(DfdetectError) as caught:
        call()
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_gated_model_says_how_to_log_in_and_where_to_ask(
    hub: HubServer, pull: Callable[..., Fetched], log_in: Callable[[str], None]
) -> None:
    hub.add(REPO, model_files(), gated=True)
    error = refusal(pull)
    assert isinstance(error, HubError)
    assert error.message == "owner/name is gated"
    assert "hf auth login" in error.hint
    assert f"{hub.url}/{REPO}" in error.hint
    log_in(FOREIGN_TOKEN)
    error = refusal(pull)
    assert "your account has no access" in error.message
    assert f"{hub.url}/{REPO}" in error.hint
    log_in(TOKEN)
    assert pull().folder.config.name == "brightness"


@pytest.mark.parametrize("token", ["", FOREIGN_TOKEN])
@pytest.mark.parametrize("exists", [True, False])
def test_a_missing_or_private_model_is_told(
    hub: HubServer, pull: Callable[..., Fetched], log_in: Callable[[str], None], token: str, exists: bool
) -> None:
    if exists:
        hub.add(REPO, model_files(), private=True)
    if token:
        log_in(token)
    error = refusal(pull)
    assert error.message == "there is no model owner/name on the Hub, or it is private"
    assert "hf auth login" in error.hint


def test_a_token_that_the_hub_does_not_know_is_told(
    hub: HubServer, pull: Callable[..., Fetched], log_in: Callable[[str], None]
) -> None:
    hub.add(REPO, model_files())
    log_in("hf_expired")
    assert "hf auth login" in refusal(pull).hint


@pytest.mark.parametrize("revision", ["v9", "0" * 40])
def test_a_missing_revision_is_told(hub: HubServer, pull: Callable[..., Fetched], revision: str) -> None:
    hub.add(REPO, model_files())
    error = refusal(lambda: pull(f"{REPO}@{revision}"))
    assert error.message == f"owner/name has no revision '{revision}'"
    assert f"{hub.url}/{REPO}/tree/main" in error.hint


def test_a_name_the_hub_cannot_have_is_told(pull: Callable[..., Fetched]) -> None:
    assert "owner/name@revision" in refusal(lambda: pull("owner/na--me")).hint


def test_a_repository_of_another_kind_costs_one_small_file(
    hub: HubServer, pull: Callable[..., Fetched]
) -> None:
    hub.add(REPO, {"config.json": b'{"architectures": ["BertModel"]}', "model.onnx": b"0" * 1000})
    assert isinstance(refusal(pull), ModelError)
    assert hub.asked("model.onnx", "HEAD") == hub.asked("model.onnx") == []
    hub.add("owner/weights", {"pytorch_model.bin": b"pickle"})
    error = refusal(lambda: pull("owner/weights"))
    assert error.message == "owner/weights@main has no config.json: it is not a dfdetect model"
    assert hub.asked("pytorch_model.bin") == []


def test_a_listed_network_that_is_not_there_is_told(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    files = model_files()
    del files["model.onnx"]
    hub.add(REPO, files)
    assert "has no model.onnx" in refusal(pull).message


def test_a_later_schema_asks_for_a_later_program(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    hub.add(REPO, model_files(schema=2))
    assert "schema 2" in refusal(pull).message


# --- no network ---


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unplugged", "cannot be reached"),
        ("unwell", "the Hub answers 503 Service Unavailable"),
        ("portal", "does not answer as the Hub does"),
        ("drop", "cannot be reached"),
    ],
)
def test_the_cache_does_where_the_hub_does_not_answer(
    hub: HubServer,
    pull: Callable[..., Fetched],
    unplug: Callable[[], None],
    fault: str,
    words: str,
) -> None:
    commit = hub.add(REPO, model_files())
    pull()
    match fault:
        case "unplugged":
            unplug()
        case "unwell":
            hub.fail("status", value=503)
        case _:
            hub.fail(fault)
    fetched = pull()
    assert fetched.folder.revision == commit
    assert words in fetched.trouble
    error = refusal(lambda: pull("owner/another"))
    assert isinstance(error, HubError)
    assert "owner/another@main is not in the cache, and " in error.message
    assert words in error.message
    assert "HF_ENDPOINT" in error.hint


def test_a_half_cached_model_is_not_taken_for_a_whole_one(
    hub: HubServer, pull: Callable[..., Fetched], unplug: Callable[[], None]
) -> None:
    hub.add(REPO, model_files())
    (pull().folder.onnx).unlink()
    unplug()
    assert "is not in the cache" in refusal(pull).message


def test_an_address_that_is_none_is_told(cache: Path) -> None:
    for endpoint in ("nowhere", "http://bad host", "ftp://127.0.0.1"):
        error = refusal(lambda: fetch(HubReference(REPO), endpoint=endpoint, cache=cache))  # noqa: B023
        assert "HF_ENDPOINT" in error.hint


# --- broken transfers ---


DIGEST = hashlib.sha256(brightness_onnx()).hexdigest()


def big_files(size: int) -> dict[str, bytes]:
    """A model whose network has so many bytes that sending it can break off half way."""
    network = bytes(size)
    digest = hashlib.sha256(network).hexdigest()
    return model_files(files={"model.onnx": digest}) | {"model.onnx": network}


def test_a_transfer_that_breaks_off_goes_on_where_it_stopped(
    hub: HubServer, pull: Callable[..., Fetched]
) -> None:
    files = big_files(11 << 20)  # the client keeps what came in pieces of 10 MiB
    hub.add(REPO, files)
    hub.fail("drop", hashlib.sha256(files["model.onnx"]).hexdigest(), value=10_500_000, times=1)
    assert pull().folder.onnx.read_bytes() == files["model.onnx"]
    assert [request.range for request in hub.requests if request.cdn] == ["", "bytes=10485760-"]


@pytest.mark.parametrize(
    ("fault", "words"), [("reset", "broke off"), ("short", "should be of size"), ("status", "answers 503")]
)
def test_a_broken_transfer_leaves_nothing_behind(
    hub: HubServer, pull: Callable[..., Fetched], cache: Path, fault: str, words: str
) -> None:
    files = big_files(1 << 20)
    hub.add(REPO, files)
    hub.fail(
        fault,
        hashlib.sha256(files["model.onnx"]).hexdigest(),
        value={"reset": 700_000, "short": 10, "status": 503}[fault],
    )
    error = refusal(pull)
    assert isinstance(error, HubError)
    assert words in error.message
    assert not any(re.search(r"onnx|incomplete", name) for name in files_in(cache))
    hub.faults.clear()
    assert pull().folder.onnx.read_bytes() == files["model.onnx"]


def test_a_damaged_file_is_refused_and_pull_mends_it(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    hub.add(REPO, model_files())
    hub.fail("damage", DIGEST, times=1)
    for _ in range(2):  # fresh from the network, and from the cache
        error = refusal(pull)
        assert isinstance(error, ModelError)
        assert "is damaged" in error.message
        assert "dfdetect models pull owner/name" in error.hint
    assert pull(mend=True).folder.onnx.read_bytes() == model_files()["model.onnx"]
    assert pull().folder.onnx.read_bytes() == model_files()["model.onnx"]


def test_a_damaged_file_of_a_known_commit_is_mended_if_the_hub_answers(
    hub: HubServer, pull: Callable[..., Fetched]
) -> None:
    commit = hub.add(REPO, model_files())
    pull().folder.onnx.resolve().write_bytes(b"damaged")
    hub.fail("status", value=503)
    error = refusal(lambda: pull(f"{REPO}@{commit}", mend=True))
    assert "is damaged" in error.message
    assert "503" in error.hint
    hub.faults.clear()
    assert pull(f"{REPO}@{commit}", mend=True).folder.onnx.read_bytes() == model_files()["model.onnx"]


def test_a_damaged_config_is_mended_too(hub: HubServer, pull: Callable[..., Fetched]) -> None:
    hub.add(REPO, model_files())
    config = pull().folder.path / "config.json"
    config.resolve().write_bytes(b"{")
    assert "is not JSON" in refusal(pull).message
    assert pull(mend=True).folder.config.name == "brightness"


def test_a_model_damaged_on_the_hub_says_how_to_clear_it(
    hub: HubServer, pull: Callable[..., Fetched]
) -> None:
    hub.add(REPO, model_files(files={"model.onnx": "0" * 64}))
    error = refusal(lambda: pull(mend=True))
    assert "also when fetched again" in error.message
    assert "hf cache rm model/owner/name" in error.hint


# --- in a process of its own: what huggingface-hub reads from the environment when it is imported ---


def in_process(home: Path, hub: HubServer, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(home)} | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


FETCH = """
from deepfake_cli.errors import DfdetectError
from deepfake_cli.io.hub import HubReference, fetch
try:
    fetched = fetch(HubReference("owner/name"))
    print(fetched.folder.path, fetched.trouble, sep="|")
except DfdetectError as error:
    print(error.message, error.hint, sep="|")
"""


def test_the_environment_of_huggingface_hub_counts(hub: HubServer, tmp_path: Path) -> None:
    commit = hub.add(REPO, model_files())
    offline = in_process(tmp_path, hub, FETCH, HF_HUB_OFFLINE="1")
    assert (
        "owner/name@main is not in the cache, and HF_HUB_OFFLINE is set|to fetch it, unset it"
        in offline.stdout
    )
    assert hub.requests == []
    online = in_process(tmp_path, hub, FETCH)
    folder = tmp_path / "hub" / "models--owner--name" / "snapshots" / commit
    assert online.stdout == f"{folder}|\n"
    assert online.stderr == ""
    seen = len(hub.requests)
    offline = in_process(tmp_path, hub, FETCH, HF_HUB_OFFLINE="1")
    assert offline.stdout == f"{folder}|HF_HUB_OFFLINE is set\n"
    assert len(hub.requests) == seen


def test_a_hub_that_keeps_silent_is_given_up_in_time(hub: HubServer, tmp_path: Path) -> None:
    hub.add(REPO, model_files())
    hub.fail("silence")
    result = in_process(tmp_path, hub, FETCH, HF_HUB_ETAG_TIMEOUT="1")
    assert f"and {hub.url} does not answer within 1 s" in result.stdout
    assert result.stderr == ""


def test_a_cache_that_cannot_be_written_is_told(hub: HubServer, tmp_path: Path) -> None:
    hub.add(REPO, model_files())
    (tmp_path / "hub").write_text("a file where the cache should be")
    result = in_process(tmp_path, hub, FETCH)
    assert "cannot keep owner/name@main in the cache of huggingface-hub: not a directory" in result.stdout
    assert "HF_HOME" in result.stdout


def test_a_xet_store_behind_a_wall_is_told_with_the_way_round(hub: HubServer, tmp_path: Path) -> None:
    commit = hub.add(REPO, model_files())
    hub.xet = True
    result = in_process(tmp_path, hub, FETCH, HF_XET_CLIENT_RETRY_MAX_ATTEMPTS="1")
    assert "fetching owner/name@main broke off" in result.stdout
    assert "HF_HUB_DISABLE_XET=1" in result.stdout
    result = in_process(tmp_path, hub, FETCH, HF_HUB_DISABLE_XET="1")
    assert f"{commit}|" in result.stdout


# --- what is in the cache ---


def test_only_whole_models_of_our_layout_are_listed(
    hub: HubServer, pull: Callable[..., Fetched], cache: Path
) -> None:
    assert cached_models(cache) == []
    first = hub.add(REPO, model_files(), "main", "v1")
    pull()
    pull(f"{REPO}@v1")
    second = hub.add(REPO, model_files(gain=2))
    pull()
    hub.add("owner/bert", {"config.json": b'{"architectures": ["BertModel"]}'})
    refusal(lambda: pull("owner/bert"))
    hub.add("owner/half", model_files())
    (pull("owner/half").folder.onnx).unlink()
    found = {model.folder.revision: model for model in cached_models(cache)}
    assert {commit: (model.repo, model.refs) for commit, model in found.items()} == {
        first: (REPO, ("v1",)),
        second: (REPO, ("main",)),
    }
    assert found[first].folder.config.name == "brightness"
    assert found[first].folder.path.name == first
