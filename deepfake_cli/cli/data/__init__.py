"""`dfdetect data`: from raw data sets to the tables that trainers read."""

import typer

from . import augment
from .crop import crop
from .fetch import fetch, list_
from .forge import forge
from .frames import frames
from .index import index
from .inspect import inspect
from .landmarks import landmarks
from .modalities import modalities
from .mri import mri
from .run import run
from .status import status
from .table import table

app = typer.Typer(no_args_is_help=True, help="Make training tables out of data sets, stage by stage.")
app.command(name="list")(list_)
app.command()(fetch)
app.command()(index)
app.add_typer(augment.app, name="augment")
app.command()(frames)
app.command()(landmarks)
app.command()(crop)
app.command()(mri)
app.command()(modalities)
app.command()(forge)
app.command()(table)
app.command()(run)
app.command()(inspect)
app.command()(status)
