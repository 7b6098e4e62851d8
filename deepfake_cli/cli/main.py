"""The command tree: what `dfdetect` offers, each group in its own file."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from deepfake_cli import __version__

from . import classifier, config, data, gan, models, renderer
from ._ui import is_terminal, say
from .scan import scan

Command = TyperCommand | TyperGroup

app = typer.Typer(
    name="dfdetect",
    add_completion=False,  # `completions/` holds scripts that need no Python to complete
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(scan)
app.add_typer(data.app, name="data")
app.add_typer(classifier.app, name="classifier")
app.add_typer(gan.app, name="gan")
app.add_typer(renderer.app, name="renderer")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")


def _show_version(asked: bool) -> None:
    if asked:
        weights = Path(__file__).parents[1] / "weights" / "plain"
        model = json.loads((weights / "config.json").read_text(encoding="utf-8"))
        say(f"dfdetect {__version__}")
        say(f"embedded model: {model['name']}, revision {model['files']['model.onnx'][:12]}")
        raise typer.Exit


@app.callback()
def dfdetect(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_show_version,
            help="Print the version, with the embedded model's name and revision.",
        ),
    ] = False,
) -> None:
    """Tell whether the faces in a video or picture are manipulated.

    Offline, on this machine: nothing is uploaded, inputs are never changed. Begin with: `dfdetect scan VIDEO`
    """


def command_tree() -> Command:
    """Build the commands out of their declarations.

    Help is drawn by rich on a terminal only: elsewhere frames are in the way, and loading rich takes longer
    than everything else. The help of flags shows no type, for they take no value.
    """
    app.rich_markup_mode = "markdown" if is_terminal(sys.stdout) else None
    tree = get_command(app)
    assert isinstance(tree, Command)
    for _, command in commands(tree):
        help_option = command.get_help_option(typer.Context(command, help_option_names=["--help", "-h"]))
        for option in [help_option, *command.params]:
            if isinstance(option, TyperOption) and option.is_flag and option.metavar is None:
                option.metavar = ""
    return tree


def commands(
    tree: Command, path: tuple[str, ...] = ("dfdetect",)
) -> Iterator[tuple[tuple[str, ...], Command]]:
    """Yield every command under the words that call it, a group before what is in it."""
    yield path, tree
    if isinstance(tree, TyperGroup):
        for name, command in tree.commands.items():
            assert isinstance(command, Command)
            yield from commands(command, (*path, name))
