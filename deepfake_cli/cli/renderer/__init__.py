"""`dfdetect renderer`: networks that take faces apart into albedo, shape and light."""

import typer

from .train import train

app = typer.Typer(
    no_args_is_help=True, help="Train renderers that take faces apart: albedo, shape and light."
)
app.command()(train)
