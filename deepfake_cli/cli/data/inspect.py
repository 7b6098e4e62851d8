"""`dfdetect data inspect`: what to look at before training."""

from typing import TYPE_CHECKING, Annotated

import typer

from .._options import JsonOpt, ProfileOpt, QuietOpt
from .._ui import Column, Row, note, say, table, track, warn
from ._common import DatasetArg, JobsOpt, SeedOpt, WorkspaceOpt, open_dataset

if TYPE_CHECKING:
    from deepfake_cli.pipeline.inspect_result import Inspection

_SHOWN = 10  # duplicates and bad files named on the terminal
_SPLITS = ("train", "choose", "report")
_SIZES = ("smallest", "5 %", "median", "95 %", "largest")


def inspect(
    dataset: DatasetArg,
    distance: Annotated[
        int | None,
        typer.Option(
            min=0, max=8, metavar="BITS", help="How unlike the same may look. Profile: inspect.distance."
        ),
    ] = None,
    hashes: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Pictures of a file to compare; 0 for none. Profile: inspect.hashes."
        ),
    ] = None,
    pictures: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Pictures on a contact sheet. Profile: inspect.pictures."),
    ] = None,
    jobs: JobsOpt = None,
    seed: SeedOpt = None,
    workspace: WorkspaceOpt = None,
    profile: ProfileOpt = None,
    quiet: QuietOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Show counts, face sizes, duplicates and contact sheets.

    Looks at whatever the earlier stages have made, and writes a page with contact sheets of faces, pairs with
    their maps, and forgeries. Pictures that look the same though they are in different splits are found by
    perceptual hashes of some faces of each file.
    """
    import json

    from deepfake_cli.pipeline.inspect import inspect_dataset

    options: dict[str, object] = {
        "inspect.distance": distance,
        "inspect.hashes": hashes,
        "inspect.pictures": pictures,
        "data.jobs": jobs,
        "data.seed": seed,
    }
    folder, settings = open_dataset(dataset, profile, workspace, options)
    found = inspect_dataset(folder, settings, track=track(quiet))
    if as_json:
        say(json.dumps(found.to_json(), indent=2))
        return
    _tell(found)
    if not quiet:
        note(f"contact sheets and all numbers: {folder.inspection / 'index.html'}")


def _tell(found: "Inspection") -> None:
    numbers = (*_SPLITS, "files", "faces")
    table(
        [Column("label"), Column("method"), *(Column(title, right=True) for title in numbers)], _files(found)
    )
    if found.sizes:
        say()
        titles = ("faces", *_SIZES, "per file")
        table(
            [Column("face size"), Column("method"), *(Column(title, right=True) for title in titles)],
            _sizes(found),
        )
    if found.copies.listed:
        say()
        table(
            [
                Column("bits", right=True),
                Column("split"),
                Column("picture"),
                Column("split"),
                Column("looks like"),
            ],
            _copies(found),
        )
    say()
    for line in _sums(found):
        say(line)
    _warn(found)


def _files(found: "Inspection") -> list[Row]:
    rows: list[Row] = []
    for label, method in found.kinds:
        files = [found.files[label, method, split] for split in _SPLITS]
        faces = sum(found.faces[label, method, split] for split in _SPLITS)
        rows.append((label, method or "-", *map(str, files), str(sum(files)), str(faces)))
    return rows


def _sizes(found: "Inspection") -> list[Row]:
    from deepfake_cli.pipeline.inspect_result import quantile

    rows: list[Row] = []
    for kind in found.kinds:
        if kind in found.sizes:
            sizes = found.sizes[kind]
            spread = (quantile(sizes, share) for share in (0, 0.05, 0.5, 0.95, 1))
            per_file = quantile(found.per_file[kind], 0.5)
            rows.append((kind[0], kind[1] or "-", str(sizes.total()), *map(str, spread), str(per_file)))
    return rows


def _copies(found: "Inspection") -> list[Row]:
    return [
        (str(copy.distance), copy.first.split, copy.first.path, copy.second.split, copy.second.path)
        for copy in found.copies.listed[:_SHOWN]
    ]


def _sums(found: "Inspection") -> list[str]:
    copies, lines = found.copies, []
    if copies.hashed:
        same = f"{copies.pairs} pairs of pictures" if copies.pairs else "none"
        files = f"; {len(copies.listed)} pairs of files are listed" if copies.pairs else ""
        lines.append(f"duplicates: {same} in different splits, of {copies.hashed} pictures compared{files}")
    if found.maps or found.left_out:
        left = "".join(f", {n} pairs {why}" for why, n in sorted(found.left_out.items()) if n)
        lines.append(f"maps: {sum(counts.total() for counts in found.maps.values())}{left}")
    if found.forged:
        lines.append("forged: " + ", ".join(f"{n} {kind}" for kind, n in sorted(found.forged.items())))
    if found.table.faces:
        pairs, maps = found.table.pairs.total(), found.table.maps.total()
        lines.append(f"table: {found.table.faces.total()} faces, {pairs} with a pair, {maps} with a map")
    return lines


def _warn(found: "Inspection") -> None:
    for split, label in found.one_sided:
        warn(f"the split {split} has no {label} files")
    for what, count in found.divided.items():
        if count:
            warn(f"{count} {what} are in more than one split")
    if found.plain:
        warn(f"{found.plain} pictures of faces show next to nothing")
    for bad in found.bad[:_SHOWN]:
        warn(f"{bad.path}: {bad.reason}")
    if len(found.bad) > _SHOWN:
        warn(f"{len(found.bad)} files in all are damaged; all are on the page")
