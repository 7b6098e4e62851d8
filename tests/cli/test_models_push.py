import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from hub_models import model_files, stack_files, write_model
from hub_server import TOKEN, HubServer

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def here(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a member of `owner`; large files go by LFS, as the local Hub stores them."""
    return {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN,
    }


@pytest.fixture
def push(here: dict[str, str], dfdetect: Run, tmp_path: Path) -> Run:
    write_model(tmp_path / "m")
    return lambda *args, **env: dfdetect("models", "push", *args, env=here | env)


def test_what_push_prints_is_pulled_and_scanned_with(
    hub: HubServer, push: Run, here: dict[str, str], dfdetect: Run, tmp_path: Path, portrait: Any
) -> None:
    pushed = push("m", "owner/name")
    assert (pushed.returncode, pushed.stdout) == (0, f"owner/name@{hub.repos['owner/name'].refs['main']}\n")
    assert pushed.stderr.startswith("pushed 3 files, ")
    assert f"private: {hub.url}/owner/name/tree/" in pushed.stderr
    assert "\r" not in pushed.stderr  # no bars off a terminal

    reference = pushed.stdout.strip()
    assert dfdetect("models", "pull", reference, env=here).stdout == pushed.stdout
    cv2.imwrite(str(tmp_path / "portrait.png"), portrait[..., ::-1])
    run = dfdetect("scan", "portrait.png", "--model", reference, "--format", "json", "--quiet", env=here)
    (result,) = json.loads(run.stdout)
    assert result["model"] == {"name": "brightness", "revision": reference.partition("@")[2]}

    again = push("m", "owner/name", "--public")
    assert again.stdout == pushed.stdout
    assert "stays private" in again.stderr
    assert "all is there, private: " in again.stderr


def test_an_embedded_model_goes_to_a_branch_of_a_public_repository(hub: HubServer, push: Run) -> None:
    run = push("plain", "owner/plain", "--public", "--revision", "v1", "--message", "Try it", "--quiet")
    repo = hub.repos["owner/plain"]
    assert (run.returncode, run.stderr, run.stdout) == (0, "", f"owner/plain@{repo.refs['v1']}\n")
    assert (repo.private, repo.messages[1:]) == (False, ["Try it"])
    assert repo.commits[repo.refs["v1"]]["README.md"].startswith(b"---\nlicense: apache-2.0\n")


@pytest.mark.parametrize(
    ("arguments", "env", "message", "hint"),
    [
        (("m", "owner/name"), {"HF_TOKEN": ""}, "needs a token", "hf auth login, or set HF_TOKEN"),
        (("m", "owner/name"), {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set", "unset it to push"),
        (("m", "owner/name"), {"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached", "run the same"),
        (("m", "owner/na--me"), {}, "Cannot have -- or ..", "owner/name"),
        (("m", "owner/name@v1"), {}, "'owner/name@v1' is no repository", "--revision"),
        (("damaged", "owner/name"), {}, "model.onnx of model damaged is damaged", "copy or download"),
        (("foreign", "owner/name"), {}, "foreign is not a dfdetect model", "docs/model-folder.md"),
        (("stack", "owner/name"), {}, "stacked asks ../m, which nobody finds", "push these first"),
        (("owner/gone", "owner/name"), {}, "there is no model folder owner/gone", "check the path"),
    ],
)
def test_a_failure_is_one_line_and_a_hint(
    hub: HubServer,
    push: Run,
    tmp_path: Path,
    arguments: tuple[str, ...],
    env: dict[str, str],
    message: str,
    hint: str,
) -> None:
    write_model(tmp_path / "damaged", model_files() | {"model.onnx": b"other"})
    write_model(tmp_path / "foreign", {"config.json": b"{}"})
    named = ("../m", "0" * 12, 1.0, 1.0), ("plain", "0" * 12, 1.0, 1.0)
    write_model(tmp_path / "stack", stack_files(*named))
    run = push(*arguments, **env)
    assert (run.returncode, run.stdout) == (2, "")
    error, help_ = run.stderr.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert help_.startswith("hint: ")
    assert hint in help_
    assert hub.repos == {}


def test_a_xet_store_behind_a_wall_is_told_with_the_way_round(hub: HubServer, push: Run) -> None:
    run = push("m", "owner/name", HF_HUB_DISABLE_XET="", HF_XET_CLIENT_RETRY_MAX_ATTEMPTS="1")
    assert run.returncode == 2
    assert "pushing to owner/name@main broke off" in run.stderr
    assert "HF_HUB_DISABLE_XET=1" in run.stderr
    assert hub.repos["owner/name"].messages == ["initial commit"]


def test_a_push_that_is_stopped_commits_nothing(
    hub: HubServer, push: Run, here: dict[str, str], tmp_path: Path
) -> None:
    hub.fail("silence", method="PUT", times=1)
    run = subprocess.Popen(
        [sys.executable, "-m", "deepfake_cli", "models", "push", "m", "owner/name"],
        cwd=tmp_path,
        env=os.environ | here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not hub.asked("", "PUT"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    assert run.communicate(timeout=60)[0] == b""
    assert run.returncode == 143
    assert hub.repos["owner/name"].messages == ["initial commit"]
    assert push("m", "owner/name").returncode == 0
