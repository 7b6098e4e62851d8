"""`dfdetect classifier`: detectors, from their training to what they are worth."""

import typer

from .test import measure_model
from .train import train

app = typer.Typer(no_args_is_help=True, help="Train a detector and measure it.")
app.command()(train)
app.command("test")(measure_model)
