"""Options and arguments that several commands share, spelled and explained once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


ProfileOpt = Annotated[
    Path | None, typer.Option("--profile", metavar="FILE", help="Lay this TOML file over your own profile.")
]
PresetOpt = Annotated[
    str | None,
    typer.Option(
        "--preset", metavar="NAME", help="Lay a published recipe over the defaults, such as sbi or paper."
    ),
]
SetOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a key of the profile, such as classifier.epochs=2 (repeatable).",
    ),
]
QuietOpt = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
VerboseOpt = Annotated[bool, typer.Option("--verbose", "-v", help="Tell on stderr what is being done.")]
OutputOpt = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the results to this file instead of stdout."),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
ForceOpt = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
