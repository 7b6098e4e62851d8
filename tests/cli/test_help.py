"""What `--help` promises: everything explained, and quickly."""

import resource
import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup

from deepfake_cli.cli.main import Command, command_tree, commands

TREE = list(commands(command_tree()))
NAMES = [" ".join(path) for path, _ in TREE]


@pytest.mark.parametrize(("path", "command"), TREE, ids=NAMES)
def test_every_command_and_option_is_explained(path: tuple[str, ...], command: Command) -> None:
    assert command.help, f"{path} has no help"
    first = command.help.strip().splitlines()[0]
    assert first[0].isupper()
    assert first.endswith(".")
    context = typer.Context(command, info_name=" ".join(path))
    for parameter in command.get_params(context):
        text = getattr(parameter, "help", None)
        assert text, f"{parameter.name} of {path} has no help"
        assert text[0].isupper(), f"the help of {parameter.name} of {path} does not begin like a sentence"
        assert text.rstrip().endswith((".", ")")), f"the help of {parameter.name} of {path} is cut short"


@pytest.mark.parametrize(("path", "command"), TREE, ids=NAMES)
def test_help_shows_every_option(path: tuple[str, ...], command: Command) -> None:
    shown = command.get_help(typer.Context(command, info_name=" ".join(path)))
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        argument = parameter.param_type_name == "argument"
        assert (getattr(parameter, "metavar", None) if argument else max(parameter.opts, key=len)) in shown
    if isinstance(command, TyperGroup):
        assert all(name in shown for name in command.commands)


@pytest.mark.slow
def test_help_is_quick() -> None:
    def seconds(*command: str) -> float:
        """Measure what the process works; how long it waits for others is not its doing."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds("-c", "pass") for _ in range(7))
    assert min(seconds("-m", "deepfake_cli", "--help") for _ in range(7)) - bare < 0.2
