"""`dfdetect data list` and `dfdetect data fetch`: which data sets there are, and how they come here."""

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._options import ForceOpt, JsonOpt, ProfileOpt, QuietOpt
from .._ui import Column, note, say, table, terminal_width, track, warn
from ._common import WorkspaceOpt

if TYPE_CHECKING:
    from deepfake_cli.pipeline.fetch import Dataset

_COLUMNS = (Column("name"), Column("what"), Column("size"), Column("licence"), Column("access"))
_GAPS = 20  # characters that the column of access and what is between columns take
_NARROWEST = 10
_ACCESS = {
    "open": "open: downloaded by dfdetect",
    "gated": "gated: its owners decide, see the steps",
    "tool": "by hand, see the steps",
    "search": "by search, with an access key",
    "hub": "through the Hub's client",
    "own": "yours",
}

NameArg = Annotated[
    str, typer.Argument(metavar="NAME", show_default=False, help="Name of the data set, as in `data list`.")
]
SeedsOpt = Annotated[
    str | None, typer.Option(metavar="FIRST-LAST", help="Seeds of generated faces (stylegan2-ada).")
]


def list_(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Explain the data set of this name, with the steps to get it."),
    ] = None,
    seeds: SeedsOpt = None,
    json_: JsonOpt = False,
) -> None:
    """List the data sets of the field, or explain one.

    An open one is downloaded by `dfdetect data fetch NAME`. Of the others the steps are told by which one
    gets a copy; `dfdetect data fetch NAME --from DIR` adopts it then.
    """
    from deepfake_cli.pipeline.fetch import datasets, find_dataset, steps_to_get

    if name is None:
        if json_:
            say(json.dumps([one.model_dump(mode="json") for one in datasets()], indent=2, ensure_ascii=False))
        else:
            table(_COLUMNS, _rows(datasets()))
        return
    found = find_dataset(name)
    steps = steps_to_get(found, seeds or "")
    if json_:
        known = found.model_dump(mode="json") | {"steps": steps}
        say(json.dumps(known, indent=2, ensure_ascii=False))
        return
    for key, text in _facts(found, steps):
        _say_wrapped(key, text)


def fetch(
    name: NameArg,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Name in the workspace, if not the same.")
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DIR", help="Adopt this copy, where it is: a folder, or your own CSV."
        ),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Adopt it even if files are missing.")] = False,
    compression: Annotated[
        list[str] | None,
        typer.Option(metavar="C", help="How videos are packed: raw, c23, c40 (faceforensics)."),
    ] = None,
    methods: Annotated[
        list[str] | None, typer.Option(metavar="M", help="Kinds of fakes, with commas (faceforensics).")
    ] = None,
    parts: Annotated[
        list[str] | None,
        typer.Option(metavar="P", help="Parts, with commas (muct, fdf, ffhq, dessa-youtube)."),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fetch by the script that the authors send (faceforensics)."),
    ] = None,
    number: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="With --script: videos of each set.")
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="S", help="With --script: EU, EU2 or CA.")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="WORD", help="List what this word finds (unsplash).")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most pictures listed. Profile: fetch.pictures.")
    ] = None,
    seeds: SeedsOpt = None,
    hub: Annotated[
        str | None, typer.Option(metavar="REPO", help="The data set owner/name@revision on the Hub (hub).")
    ] = None,
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="Download from here instead of the registered address.")
    ] = None,
    connections: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Files at once. Profile: fetch.connections.")
    ] = None,
    workspace: WorkspaceOpt = None,
    force: ForceOpt = False,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    json_: JsonOpt = False,
) -> None:
    """Download a data set, or adopt your copy of it.

    Downloads go on where they were, whatever ended them: run the same command again. Archives are unpacked
    into the workspace, all or nothing, and the result is checked. With --from nothing is copied: the
    workspace notes where your files are.

    For example: `dfdetect data fetch muct`, `dfdetect data fetch celeb-df-v2 --from /data/Celeb-DF-v2`.
    """
    from deepfake_cli.pipeline.fetch import Wish, fetch_dataset, search_pictures
    from deepfake_cli.profile import load_profile

    options = {"workspace.path": workspace, "fetch.pictures": pictures, "fetch.connections": connections}
    settings = load_profile(profile, options)
    choices = {"compression": _split(compression), "methods": _split(methods), "parts": _split(parts)}
    wish = Wish(
        name,
        alias=as_ or "",
        choices=choices,
        copy=from_,
        mirror=mirror or "",
        script=script,
        number=number or 0,
        server=server or "",
        search=search or "",
        hub=hub or "",
        seeds=seeds or "",
        partial=partial,
        force=force,
    )
    if search:
        path, count = search_pictures(wish, settings, track=track(quiet))
        say(json.dumps({"list": str(path), "pictures": count}) if json_ else f"{path}: {count} pictures")
        if not quiet:
            note(f"delete the lines you do not want, then: dfdetect data fetch {name}")
        return
    found = fetch_dataset(wish, settings, track=track(quiet))
    for line in found.lacking:
        warn(line)
    listed = found.source.options.get("csv")  # which files those are, the index finds out
    files = f"the files in {', '.join(listed)}" if listed else f"{found.files} files"
    files += f" of {found.source.dataset} in {found.source.root}"
    say(json.dumps(found.to_json(), indent=2) if json_ else f"{found.name}: {files}")
    if not quiet:
        note(f"next: dfdetect data index {found.name}")


def _rows(datasets: "Sequence[Dataset]") -> Iterator[list[str]]:
    """Lay out the list; where a terminal is too narrow, what a data set holds is cut, never its name."""
    others = sum(max(len(getattr(one, key)) for one in datasets) for key in ("name", "size", "licence"))
    room = max(terminal_width() - others - _GAPS, _NARROWEST) if terminal_width() else sys.maxsize
    for one in datasets:
        what = one.what if len(one.what) <= room else f"{one.what[: room - 1]}…"
        yield [one.name, what, one.size, one.licence, one.access]


def _split(values: list[str] | None) -> list[str]:
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def _facts(dataset: "Dataset", steps: list[str]) -> Iterator[tuple[str, str]]:
    yield "name", dataset.name
    yield "title", dataset.title
    yield "holds", dataset.what
    yield "size", dataset.size
    yield "licence", dataset.licence
    yield "access", _ACCESS[dataset.access]
    if dataset.page:
        yield "page", dataset.page
    if dataset.about:
        yield "note", dataset.about
    for name, choice in dataset.choices.items():
        default = f" (by default {', '.join(choice.default)})" if choice.default else ""
        yield f"--{name}", f"{', '.join(choice.values)}: {choice.help}{default}"
    for file in dataset.download:
        size = (
            f", {file.size} bytes"
            if file.size
            else f", about {file.gigabytes:g} GB"
            if file.gigabytes
            else ""
        )
        yield "file", f"{file.name}{size}{'' if file.sha256 else ', no checksum published'}"
    for tree in dataset.tree:
        yield "expects", f"{tree.files}, {tree.least} or more"
    for step in steps:
        yield "step", step


def _say_wrapped(key: str, text: str) -> None:
    """Say a fact; on a terminal broken at its width, but addresses and commands stay whole."""
    width = terminal_width()
    lines = textwrap.wrap(text, max(width - 15, 40), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines if width else [text]):
        say(f"{'' if number else key:14}{line}")
