"""`dfdetect gan`: generators that paint maps of what was changed in a face."""

import typer

from .predict import predict
from .test import measure_generator
from .train import train

app = typer.Typer(
    no_args_is_help=True, help="Train generators that paint maps of what was changed in faces, and paint."
)
app.command()(train)
app.command("test")(measure_generator)
app.command()(predict)
