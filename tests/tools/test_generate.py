"""Completions and man pages: fresh, and doing what a shell asks of them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_generated_files_are_fresh() -> None:
    run = subprocess.run(
        [sys.executable, "tools/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def bash_completes(*words: str) -> list[str]:
    script = """
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _dfdetect
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    script_file = ROOT / "completions" / "dfdetect.bash"
    run = subprocess.run(
        ["bash", "-c", script, "bash", script_file, *words], capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    return run.stdout.split()


def test_bash_completes_commands_options_and_values() -> None:
    assert "config" in bash_completes("dfdetect", "")
    assert bash_completes("dfdetect", "conf") == ["config"]
    assert {"show", "path", "init", "check"} <= set(bash_completes("dfdetect", "config", ""))
    assert bash_completes("dfdetect", "config", "show", "--pro") == ["--profile"]
    assert (
        bash_completes("dfdetect", "config", "show", "--profile", "") == []
    )  # readline completes file names


@pytest.mark.parametrize(("shell", "name"), [("zsh", "dfdetect.zsh"), ("fish", "dfdetect.fish")])
def test_other_shells_can_read_theirs(shell: str, name: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    run = subprocess.run([shell, "-n", ROOT / "completions" / name], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_fish_completes_commands_options_and_values() -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script = ROOT / "completions" / "dfdetect.fish"

    def completes(line: str) -> list[str]:
        ask = f"source '{script}'; complete -C '{line}'"
        run = subprocess.run(["fish", "-c", ask], capture_output=True, text=True, check=True)
        return [row.split("\t")[0] for row in run.stdout.splitlines()]

    assert "config" in completes("dfdetect ")
    assert {"show", "path", "init", "check"} == set(completes("dfdetect config "))
    assert completes("dfdetect config show --prof") == ["--profile"]


@pytest.mark.parametrize("page", sorted((ROOT / "man").glob("*.1")), ids=lambda page: page.name)
def test_man_pages_have_their_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(".TH ")
    for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO"):
        assert f"\n.SH {part}\n" in text
    if shutil.which("mandoc") is not None:
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "error", page], capture_output=True, text=True)
        assert lint.returncode == 0, lint.stdout
