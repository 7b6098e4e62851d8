import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Dfdetect = Callable[..., CompletedProcess[str]]


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def test_show_is_a_profile_with_the_origin_of_every_value(dfdetect: Dfdetect, tmp_path: Path) -> None:
    run = dfdetect("config", "show", env={"DFDETECT_SCAN__FRAMES": "12"})
    assert (run.returncode, run.stderr) == (0, "")
    shown = tomllib.loads(run.stdout)
    assert shown["scan"]["frames"] == 12
    line = next(line for line in run.stdout.splitlines() if line.startswith("frames = 12"))
    assert line.endswith("# DFDETECT_SCAN__FRAMES")

    saved = tmp_path / "saved.toml"
    saved.write_text(run.stdout)
    again = dfdetect("config", "show", "--profile", saved)
    assert tomllib.loads(again.stdout) == shown
    assert again.stdout.count(f"# {saved}") == sum(len(section) for section in shown.values())


def test_show_json(dfdetect: Dfdetect) -> None:
    run = dfdetect("config", "show", "--json", env={"DFDETECT_SCAN__FAIL_ON": '["no-face"]'})
    shown = json.loads(run.stdout)
    assert shown["scan.fail_on"] == {"value": ["no-face"], "origin": "DFDETECT_SCAN__FAIL_ON"}
    assert shown["scan.frames"] == {"value": 32, "origin": "default"}


def test_init_writes_a_profile_that_sets_nothing_until_edited(dfdetect: Dfdetect, config_home: Path) -> None:
    path = config_home / "dfdetect" / "profile.toml"
    told = dfdetect("config", "path")
    assert (told.stdout, told.returncode) == (f"{path}\n", 0)
    assert "dfdetect config init" in told.stderr

    assert dfdetect("config", "init").stdout == f"{path}\n"
    assert dfdetect("config", "path").stderr == ""
    assert ", 0 not at their default" in dfdetect("config", "check").stdout

    text = path.read_text()
    assert "# frames = 32" in text
    path.write_text(text.replace("# frames = 32", "frames = 5"))
    assert tomllib.loads(dfdetect("config", "show").stdout)["scan"]["frames"] == 5
    assert ", 1 not at their default" in dfdetect("config", "check").stdout


def test_init_replaces_a_profile_only_when_told_to(dfdetect: Dfdetect, config_home: Path) -> None:
    path = config_home / "dfdetect" / "profile.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[scan]\nframes = 5\n")

    refused = dfdetect("config", "init")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert path.read_text() == "[scan]\nframes = 5\n"

    assert dfdetect("config", "init", "--force").returncode == 0
    assert "# frames = 32" in path.read_text()
    assert [p.name for p in path.parent.iterdir()] == ["profile.toml"]


def test_every_key_of_the_written_profile_can_be_switched_on(dfdetect: Dfdetect, config_home: Path) -> None:
    path = Path(dfdetect("config", "init").stdout.strip())
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(line[2:] if " = " in line and line.startswith("# ") else line for line in lines)
    )
    run = dfdetect("config", "show", "--json")
    assert run.returncode == 0
    assert {entry["origin"] for entry in json.loads(run.stdout).values()} == {str(path)}


def test_init_where_nothing_can_be_written(dfdetect: Dfdetect, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = dfdetect("config", "init", env={"XDG_CONFIG_HOME": str(tmp_path / "file")})
    assert run.returncode == 2
    assert run.stderr.startswith("error: cannot create ")


def test_check_tells_all_mistakes_and_fails(dfdetect: Dfdetect, tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text("[scan]\nframes = -1\nevry = 2\n")
    run = dfdetect("config", "check", "--profile", profile, env={"DFDETECT_NOTHING": "1"})
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("error: the profile has 3 mistakes\n")
    assert "scan.evry" in run.stderr
    assert "Traceback" not in run.stderr
