"""What damage does to a detector as files: JSON and CSV for programs, a page with curves for a browser."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.gallery import Curves, Grid, Section, write_gallery

from .damage import KINDS
from .robustness import Cell, Robustness, by_kind

_COLUMNS = ("dataset", "kind", "level", "value", "auc", "low", "high", "real", "fake")
_LEVELS = ("1", "2", "3", "4", "5")


def save_robustness(folder: Path, model: str, found: Sequence[Robustness]) -> None:
    """Write ``robustness.json``, ``robustness.csv`` and ``report.html``.

    Raises:
        OutputError: They cannot be written.
    """
    make_folder(folder)
    with write_atomically(folder / "robustness.json") as file:
        file.write(json.dumps(to_json(model, found), indent=2) + "\n")
    with write_atomically(folder / "robustness.csv") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in found:
            for cell in (one.clean, *one.cells):
                names = (one.dataset, cell.kind or "clean", cell.level, f"{cell.value:g}")
                numbers = (f"{value:.4f}" for value in (cell.auc, *cell.interval))
                writer.writerow((*names, *numbers, one.real, one.fake))
    write_gallery(folder, f"Robustness of {model}", [_section(one) for one in found], "report.html")


def to_json(model: str, found: Sequence[Robustness]) -> dict[str, Any]:
    """Turn what was found into JSON values."""
    tables = [{**asdict(one), "mean": one.mean, "worst": asdict(one.worst)} for one in found]
    return {"model": model, "kinds": {name: kind.meaning for name, kind in KINDS.items()}, "tables": tables}


def rows_of(found: Robustness) -> list[list[str]]:
    """Lay the cells out, a row a kind: its name, what it is, then the AUC at each level."""
    return [
        [name, meaning_of(name), *(f"{cell.auc:.3f}" for cell in cells)]
        for name, cells in by_kind(found).items()
    ]


def meaning_of(name: str) -> str:
    """Tell what a kind does, and its levels."""
    kind = KINDS[name]
    return f"{kind.meaning} {' / '.join(f'{value:g}' for value in kind.levels)}"


def say_sum(found: Robustness) -> list[str]:
    """Put the whole into sentences."""
    clean, worst = found.clean, found.worst
    return [
        f"{found.dataset}, {found.split}: {found.real} real and {found.fake} fake {found.examples}, "
        f"{found.faces} faces",
        f"undamaged: AUC {_say(clean)}",
        f"damaged: mean AUC {found.mean:.3f}, worst {_say(worst)} with {worst.kind} at {worst.value:g}",
    ]


def _say(cell: Cell) -> str:
    return f"{cell.auc:.3f} ({cell.interval[0]:.3f} to {cell.interval[1]:.3f})"


def _section(found: Robustness) -> Section:
    return Section(
        f"{found.dataset}, {found.split}",
        [f"{sentence}." for sentence in say_sum(found)],
        [
            Grid("AUC at five levels of damage", ("kind", "levels", *_LEVELS), rows_of(found)),
            *(_curves(found.clean, cells) for cells in by_kind(found).values()),
        ],
    )


def _curves(clean: Cell, cells: Sequence[Cell]) -> Curves:
    points = [clean, *cells]
    lines = {
        "AUC": [(float(cell.level), cell.auc) for cell in points],
        "95 % from": [(float(cell.level), cell.interval[0]) for cell in points],
        "to": [(float(cell.level), cell.interval[1]) for cell in points],
    }
    return Curves(meaning_of(cells[0].kind), "level, 0 for undamaged", lines)
