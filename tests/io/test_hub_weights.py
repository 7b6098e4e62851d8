from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import HubServer

from deepfake_cli.errors import DfdetectError, HubError, ModelError
from deepfake_cli.io.hub import HubReference
from deepfake_cli.io.hub_weights import FetchedWeights, fetch_weights

REPO = "timm/resnet18.a1_in1k"
FILES = {"model.safetensors": b"weights", "pytorch_model.bin": b"pickled"}


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("HF_TOKEN", "")


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def get(hub: HubServer, tmp_path: Path) -> Callable[..., FetchedWeights]:
    def call(revision: str = "", repo: str = REPO) -> FetchedWeights:
        return fetch_weights(HubReference(repo, revision), endpoint=hub.url, cache=tmp_path / "hub")

    return call


def refusal(call: Callable[[], object]) -> DfdetectError:
    with pytest.raises(DfdetectError) as caught:
        call()
    return caught.value


def test_a_branch_and_a_tag_are_resolved_to_their_commits(
    hub: HubServer, get: Callable[..., FetchedWeights]
) -> None:
    first = hub.add(REPO, FILES, "main", "v1")
    assert get().commit == first
    second = hub.add(REPO, FILES | {"model.safetensors": b"others"})
    found = get()
    assert (found.commit, found.path.read_bytes()) == (second, b"others")
    assert get("v1").path.read_bytes() == b"weights"
    assert not any(request.path.endswith(".bin") for request in hub.requests)


def test_at_a_known_commit_nobody_is_asked(hub: HubServer, get: Callable[..., FetchedWeights]) -> None:
    commit = hub.add(REPO, FILES)
    first = get(commit)
    seen = len(hub.requests)
    assert get(commit) == first
    assert len(hub.requests) == seen


def test_a_hub_that_is_unwell_lets_the_cache_do(hub: HubServer, get: Callable[..., FetchedWeights]) -> None:
    commit = hub.add(REPO, FILES)
    get()
    hub.fail("status", value=503)
    assert get().commit == commit
    error = refusal(lambda: get(repo="timm/other"))
    assert isinstance(error, HubError)
    assert error.message == "timm/other@main is not in the cache, and the Hub answers 503 Service Unavailable"


def test_what_is_missing_is_named(hub: HubServer, get: Callable[..., FetchedWeights]) -> None:
    assert "there is no model timm/resnet18.a1_in1k on the Hub" in refusal(get).message
    hub.add(REPO, {"pytorch_model.bin": b"pickled"})
    error = refusal(get)
    assert isinstance(error, ModelError)
    assert error.message == f"{REPO}@main has no model.safetensors"
    assert "can run code" in error.hint
    assert f"{REPO} has no revision 'v9'" in refusal(lambda: get("v9")).message


def test_a_file_that_went_bad_in_the_cache_is_not_used(
    hub: HubServer, get: Callable[..., FetchedWeights]
) -> None:
    hub.add(REPO, FILES)
    get().path.resolve().write_bytes(b"another")
    error = refusal(get)
    assert error.message == f"model.safetensors of {REPO} is damaged in the cache"
    assert error.hint == f"clear it with: hf cache rm model/{REPO}"
