import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from generators import generator_files
from hub_models import model_files, stack_files, write_model
from hub_server import HubServer

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def models(hub: HubServer, tmp_path: Path, dfdetect: Run) -> Run:
    """Run `dfdetect models` with the Hub at the local server and an empty cache."""
    here = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": "",
    }
    return lambda *args, **env: dfdetect("models", *args, env=here | env)


def test_a_model_is_pulled_listed_explained_and_used_offline(hub: HubServer, models: Run) -> None:
    commit = hub.add("owner/name", model_files(), "main", "v1")
    pulled = models("pull", "owner/name@v1")
    assert (pulled.returncode, pulled.stdout) == (0, f"owner/name@{commit}\n")
    assert "checked" in pulled.stderr
    assert "\r" not in pulled.stderr  # no bars off a terminal

    seen = len(hub.requests)
    listed = models("list")
    assert (listed.returncode, listed.stderr) == (0, "")
    head, embedded, *_, cached = listed.stdout.splitlines()
    assert head.split()[:2] == ["model", "revision"]
    assert embedded.split()[0] == "plain"
    assert cached.split()[:3] == ["owner/name", commit[:12], "v1"]

    explained = models("info", pulled.stdout.strip(), HF_HUB_OFFLINE="1")
    assert (explained.returncode, explained.stderr) == (0, "")
    for part in (
        "brightness (hub)",
        commit,
        "0.5 (balanced accuracy on choose)",
        "0.850 to 0.940",
        "120",
        "130",
    ):
        assert part in explained.stdout
    assert len(hub.requests) == seen


def test_a_stack_is_pulled_with_its_members_and_explained(
    hub: HubServer, models: Run, tmp_path: Path
) -> None:
    one, other = hub.add("owner/one", model_files()), hub.add("owner/other", model_files(gain=2.0))
    named = ("owner/one", one, 1.0, 0.75), ("owner/other", other, 2.0, -0.5)
    commit = hub.add("owner/stack", stack_files(*named, bias=0.25))
    pulled = models("pull", "owner/stack")
    assert (pulled.returncode, pulled.stdout) == (0, f"owner/stack@{commit}\n"), pulled.stderr
    explained = models("info", pulled.stdout.strip(), HF_HUB_OFFLINE="1")
    assert (explained.returncode, explained.stderr) == (0, "")
    assert f"member        owner/one@{one}, weight 0.75\n" in explained.stdout
    assert f"member        owner/other@{other}, weight -0.5\n" in explained.stdout
    assert "bias          0.25\n" in explained.stdout
    here = write_model(tmp_path / "stack", stack_files(*named))
    write_model(here / "owner" / "one", model_files(gain=9.0))  # does not hide the one on the Hub
    assert models("info", str(here), HF_HUB_OFFLINE="1").returncode == 0


def test_json_says_the_same(models: Run, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    run = models("info", str(folder), "--json")
    assert run.returncode == 0
    known = json.loads(run.stdout)
    assert (known["source"], known["reference"], known["path"]) == ("local", str(folder), str(folder))
    assert known["config"] == json.loads((folder / "config.json").read_text())
    embedded, *_ = json.loads(models("list", "--json").stdout)
    assert (embedded["reference"], embedded["source"]) == ("plain", "embedded")


def test_generators_are_pulled_listed_and_explained_like_classifiers(hub: HubServer, models: Run) -> None:
    commit = hub.add("owner/painter", generator_files())
    assert models("pull", "owner/painter").stdout == f"owner/painter@{commit}\n"
    row = models("list").stdout.splitlines()[-1].split()
    assert row[:2] == ["owner/painter", commit[:12]]
    assert row[3:6] == ["generator", "unet", "64"]
    explained = models("info", f"owner/painter@{commit}").stdout
    for part in ("contrast (hub)", "task          generator", "width 16, depth 4", "0.850 to 0.940", "lamps"):
        assert part in explained
    assert "threshold" not in explained


@pytest.mark.parametrize(
    ("case", "message", "hint"),
    [
        ("gated", "owner/name is gated", "hf auth login"),
        ("foreign", "is not a dfdetect model", "docs/model-folder.md"),
        ("unwell", "owner/name@main is not in the cache, and the Hub answers 503", "HF_ENDPOINT"),
    ],
)
def test_a_failure_is_one_line_and_a_hint(
    hub: HubServer, models: Run, case: str, message: str, hint: str
) -> None:
    match case:
        case "gated":
            hub.add("owner/name", model_files(), gated=True)
        case "foreign":
            hub.add("owner/name", {"config.json": b"{}"})
        case "unwell":
            hub.fail("status", value=503)
    run = models("pull", "owner/name")
    assert (run.returncode, run.stdout) == (2, "")
    error, help_ = run.stderr.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert help_.startswith("hint: ")
    assert hint in help_


def test_the_way_to_clear_a_damaged_model_clears_it(hub: HubServer, models: Run, tmp_path: Path) -> None:
    hub.add("owner/name", model_files(files={"model.onnx": "0" * 64}))
    error, hint = models("pull", "owner/name").stderr.splitlines()
    assert "is damaged" in error
    assert "also when fetched again" in error
    command = hint[hint.index("hf cache rm") :].split()
    program = Path(sys.executable).parent / command[0]
    subprocess.run(
        [program, *command[1:], "--yes"],
        env=os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
    )
    assert list((tmp_path / "hf" / "hub").glob("models--*")) == []


def test_a_hub_out_of_reach_lets_info_go_on_and_pull_fail(hub: HubServer, models: Run) -> None:
    commit = hub.add("owner/name", model_files())
    assert models("pull", "--quiet", "owner/name").stderr == ""
    hub.fail("status", value=503)
    run = models("info", "owner/name")
    assert run.returncode == 0
    assert f"revision      {commit}" in run.stdout
    assert run.stderr == (
        "warning: the Hub answers 503 Service Unavailable; "
        f"using owner/name as it is in the cache, commit {commit}\n"
    )
    run = models("pull", "owner/name")
    assert (run.returncode, run.stdout) == (2, "")
    assert "cannot ask for owner/name: the Hub answers 503 Service Unavailable" in run.stderr
    assert f"owner/name@{commit}" in run.stderr


def test_scan_judges_with_a_model_from_the_hub(
    hub: HubServer, models: Run, dfdetect: Run, tmp_path: Path, portrait: Any
) -> None:
    commit = hub.add("owner/name", model_files())
    cv2.imwrite(str(tmp_path / "portrait.png"), portrait[..., ::-1])
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    run = dfdetect("scan", "portrait.png", "--model", "owner/name", "--format", "json", "--quiet", env=env)
    (result,) = json.loads(run.stdout)
    assert result["model"] == {"name": "brightness", "revision": commit}
    assert run.returncode in (0, 1)
    assert run.stderr == ""


def test_scan_with_the_embedded_model_never_loads_the_client_of_the_hub(
    tmp_path: Path, portrait: Any
) -> None:
    cv2.imwrite(str(tmp_path / "portrait.png"), portrait[..., ::-1])
    script = "import sys; from deepfake_cli import scan; r = list(scan('portrait.png')); "
    script += "print(len(r), 'huggingface_hub' in sys.modules, 'httpx2' in sys.modules)"
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "1 False False\n"


def test_a_terminal_gets_one_bar_of_ours(hub: HubServer, tmp_path: Path) -> None:
    hub.add("owner/name", model_files())
    leader, follower = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "deepfake_cli", "models", "pull", "owner/name"],
        env=os.environ
        | {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TERM": "xterm",
        },
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
    )
    os.close(follower)
    shown = b""
    while chunk := _read(leader):
        shown += chunk
    os.close(leader)
    assert run.communicate()[0].startswith("owner/name@")
    assert run.returncode == 0
    assert b"fetching owner/name@" in shown
    assert b"Downloading" not in shown  # huggingface-hub's own bars


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
