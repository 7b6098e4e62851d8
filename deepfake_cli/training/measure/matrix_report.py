"""A generalisation matrix as files: JSON and CSV for programs, a page for a browser."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.gallery import Grid, Section, write_gallery

from .matrix import LEGEND, SEEN, Cell, say_shared

_COLUMNS = ("model", "trained_on", "dataset", "split", "examples", "auc", "low", "high", "real", "fake")
_TITLES = ("model", "learned from")


def save_matrix(folder: Path, cells: Sequence[Cell]) -> None:
    """Write ``matrix.json``, ``matrix.csv`` and ``report.html``.

    Raises:
        OutputError: They cannot be written.
    """
    make_folder(folder)
    with write_atomically(folder / "matrix.json") as file:
        file.write(json.dumps(to_json(cells), indent=2) + "\n")
    with write_atomically(folder / "matrix.csv") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_COLUMNS, "mark", "seen_originals", "seen_faces"))
        writer.writerows(map(_row, cells))
    write_gallery(folder, "Generalisation", [_section(cells)], "report.html")


def to_json(cells: Sequence[Cell]) -> dict[str, Any]:
    """Turn a matrix into JSON values."""
    return {"marks": LEGEND, "cells": [asdict(cell) for cell in cells]}


def grid(cells: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    """Lay the cells out: titles, then a row a model, with its AUC on every test set."""
    names = list(dict.fromkeys(cell.dataset for cell in cells))
    models = dict.fromkeys(cell.model for cell in cells)
    rows = []
    for model in models:
        mine = [cell for cell in cells if cell.model == model]
        rows.append([model, ", ".join(mine[0].trained_on) or "not told", *map(say_cell, mine)])
    first = {cell.dataset: cell for cell in reversed(cells)}
    return [*_TITLES, *(f"{name}, {first[name].examples}" for name in names)], rows


def say_cell(cell: Cell) -> str:
    """Put a cell into few words, its mark last."""
    if cell.auc is None or cell.interval is None:
        return f"too few {cell.mark}".strip()
    low, high = cell.interval
    return f"{cell.auc:.3f} ({low:.3f} to {high:.3f}) {cell.mark}".strip()


def _row(cell: Cell) -> tuple[Any, ...]:
    auc = ("", "", "") if cell.auc is None or cell.interval is None else (cell.auc, *cell.interval)
    numbers = tuple(f"{value:.4f}" if value != "" else "" for value in auc)
    names = (cell.model, " ".join(cell.trained_on), cell.dataset, cell.split, cell.examples)
    return *names, *numbers, cell.real, cell.fake, cell.mark, cell.seen.originals, cell.seen.faces


def _section(cells: Sequence[Cell]) -> Section:
    titles, rows = grid(cells)
    used = {cell.mark for cell in cells}
    remarks = [f"{mark}: {words}." for mark, words in LEGEND.items() if mark in used]
    remarks += [
        f"{cell.model} has seen {say_shared(cell.seen)} of {cell.dataset}."
        for cell in cells
        if cell.mark == SEEN
    ]
    counts = {cell.dataset: (cell.dataset, cell.split, cell.examples, cell.real, cell.fake) for cell in cells}
    return Section(
        "Models on test sets",
        remarks,
        [
            Grid("AUC with its 95 % interval, from draws of whole sources", titles, rows),
            Grid("Test sets", ("data set", "split", "examples", "real", "fake"), list(counts.values())),
        ],
    )
