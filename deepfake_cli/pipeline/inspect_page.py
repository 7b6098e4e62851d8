"""Put what was found out about a data set on a page."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

from deepfake_cli.io.gallery import Bars, Grid, Section, Sheet, write_gallery
from deepfake_cli.io.index import SPLITS
from deepfake_cli.settings import InspectSettings

from .inspect_result import QUANTILES, Inspection, Key, quantile
from .inspect_sheets import FAKE, FORGED, LEFT_OUT, PAIRS, REAL, DrawnSheet

_Cells = tuple[str | int | float, ...]

_EDGES = (0, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)  # of bars, in pixels
_SHOWN = 100  # duplicates on the page; more are in the table
_TITLES = {0.0: "smallest", 0.5: "median", 1.0: "largest"}
_SHEETS = {
    REAL: ("Real faces", "faces of real videos"),
    FAKE: ("Fakes", "faces of fakes"),
    PAIRS: ("Pairs", "pairs of a real face and its fake"),
    LEFT_OUT: ("Pairs left out", "pairs that have no map, misaligned or unchanged: a real face and its fake"),
    FORGED: ("Forged faces", "real faces, what was forged of them, and the mask, white where it is forged"),
}


def write_page(target: Path, found: Inspection, settings: InspectSettings) -> None:
    """Write ``index.html`` beside the sheets.

    Args:
        target: Folder.
        found: What it tells.
        settings: By which it was found.

    Raises:
        OutputError: It cannot be written.
    """
    sections = [_files(found), _sizes(found), _copies(found, settings)]
    if found.table.faces:
        sections.append(_table(found))
    if found.maps or found.forged:
        sections.append(_made(found))
    for topic, (heading, what) in _SHEETS.items():
        sheets = [_sheet(sheet, what) for sheet in found.sheets if sheet.topic[0] == topic]
        if sheets:
            sections.append(Section(heading, (), sheets))
    if found.bad:
        rows = [(bad.path, bad.reason) for bad in found.bad]
        sections.append(Section("Damaged", (), [Grid("What could not be read", ("file", "reason"), rows)]))
    write_gallery(target, f"Data set {found.name}", sections)


def _files(found: Inspection) -> Section:
    remarks = [f"The split {split} has no {label} files." for split, label in found.one_sided]
    divided = ((what, count) for what, count in found.divided.items() if count)
    remarks += [f"{count} {what} are in more than one split." for what, count in divided]
    return Section(
        "Files and faces",
        remarks,
        [_by_split("Files in the index", found, found.files), _by_split("Faces cut out", found, found.faces)],
    )


def _by_split(caption: str, found: Inspection, counts: Counter[Key]) -> Grid:
    rows: list[_Cells] = []
    for label, method in found.kinds:
        each = [counts[label, method, split] for split in SPLITS]
        rows.append((label, method or "-", *each, sum(each)))
    return Grid(caption, ("label", "method", *SPLITS, "all"), rows)


def _sizes(found: Inspection) -> Section:
    all_sizes = sum(found.sizes.values(), Counter[int]())
    if not all_sizes:
        return Section("Sizes of faces", ("No faces have been cut out yet.",))
    bounds = [*(f"{low} to {high - 1}" for low, high in pairwise(_EDGES)), f"{_EDGES[-1]} or more"]
    tally = Counter[int]()
    for size, count in all_sizes.items():
        tally[sum(size >= edge for edge in _EDGES[1:])] += count
    bars = [(bound, tally[place]) for place, bound in enumerate(bounds)]
    head = ("label", "method", "count", *(_TITLES.get(share, f"{share:.0%}") for share in QUANTILES))
    grids = [
        Grid(
            caption,
            head,
            [
                (*kind, counts[kind].total(), *(quantile(counts[kind], share) for share in QUANTILES))
                for kind in found.kinds
                if kind in counts
            ],
        )
        for caption, counts in (
            ("Longer side of the face's box, in pixels of its picture", found.sizes),
            ("Faces of a file", found.per_file),
        )
    ]
    chart = Bars("All faces by the longer side of their box", ("pixels", "faces"), bars)
    return Section("Sizes of faces", (), [grids[0], chart, grids[1]])


def _copies(found: Inspection, settings: InspectSettings) -> Section:
    copies = found.copies
    said = [
        f"{copies.hashed} pictures were compared, at most {settings.hashes} of a file; "
        f"{copies.pairs} pairs in different splits differ in at most {settings.distance} of 64 bits."
    ]
    if copies.plain:
        said.append(f"{copies.plain} more pictures show next to nothing and were not compared.")
    if not copies.listed:
        return Section("The same in different splits", said)
    rows = [
        (copy.distance, copy.first.path, copy.first.split, copy.second.path, copy.second.split)
        for copy in copies.listed[:_SHOWN]
    ]
    caption = f"Pairs of files by their closest pictures, {len(rows)} of {len(copies.listed)} that are listed"
    grid = Grid(caption, ("bits", "picture", "split", "picture", "split"), rows)
    return Section("The same in different splits", said, [grid])


def _table(found: Inspection) -> Section:
    table = found.table
    rows: list[_Cells] = []
    for key in sorted(table.faces, key=lambda key: (key[0] != "real", key[1], SPLITS.index(key[2]))):
        numbers = table.faces[key], f"{table.weights[key]:.2f}", table.pairs[key], table.maps[key]
        rows.append((key[0], key[1] or "-", key[2], *numbers))
    head = ("label", "method", "split", "faces", "weight", "with a pair", "with a map")
    return Section("Table for training", (), [Grid("Rows of faces.csv", head, rows)])


def _made(found: Inspection) -> Section:
    parts: list[Grid] = []
    if found.maps:
        head = ("method", "maps", *(_TITLES.get(share, f"{share:.0%}") for share in QUANTILES))
        means: list[_Cells] = [
            (method or "-", counts.total(), *(f"{quantile(counts, share) / 100:.2f}" for share in QUANTILES))
            for method, counts in sorted(found.maps.items())
        ]
        parts.append(Grid("Mean of a map: how much of the face was changed", head, means))
    if any(found.left_out.values()):
        left = sorted(found.left_out.items())
        parts.append(Grid("Pairs of faces without a map", ("reason", "pairs"), left))
    if found.forged:
        parts.append(Grid("Forgeries of real faces", ("kind", "pictures"), sorted(found.forged.items())))
    return Section("Maps and forgeries", (), parts)


def _sheet(sheet: DrawnSheet, what: str) -> Sheet:
    kind = sheet.topic[1]
    of = {"": "", "map": ", and the map of where they differ"}.get(kind, f", {kind}")
    text = f"{sheet.shown} {what}{of}"
    return Sheet(sheet.file, text, f"Contact sheet: {text}", sheet.size)
