"""`dfdetect classifier`: detectors, from their training to what they are worth."""

import typer

from .calibrate import calibrate_model
from .combine import combine_models
from .compare import compare_models
from .matrix import measure_matrix
from .robustness import measure_robustness
from .search import search
from .stack import stack_models
from .test import measure_model
from .train import train

app = typer.Typer(no_args_is_help=True, help="Train a detector and measure it.")
app.command()(train)
app.command("test")(measure_model)
app.command("compare")(compare_models)
app.command("matrix")(measure_matrix)
app.command("robustness")(measure_robustness)
app.command("calibrate")(calibrate_model)
app.command("combine")(combine_models)
app.command("stack")(stack_models)
app.command()(search)
