"""The folder of a training run: a new one, or one to go on with."""

import csv
from pathlib import Path

from deepfake_cli.errors import DataError
from deepfake_cli.io.files import make_folder, write_atomically

Row = dict[str, str]  # of a log: what an epoch achieved, by column


def open_run(folder: Path, resume: bool) -> Path:
    """Make a run's folder, or find the run in it, and return where its state is kept.

    Raises:
        DataError: The folder holds a run that is not to be resumed, or none that could be.
        OutputError: It cannot be made.
    """
    last = folder / "last.safetensors"
    if last.exists() and not resume:
        raise DataError(f"{folder} already holds a run", "go on with --resume, or name another --output")
    if resume and not last.exists():
        raise DataError(f"{folder} holds no run to resume", "start it without --resume")
    make_folder(folder)
    return last


def read_log(path: Path) -> list[Row]:
    """Read the rows of a log; none if it is not there."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def renewed(rows: list[Row], row: Row) -> list[Row]:
    """Put the row of an epoch behind those of earlier ones; what an interrupted run had beyond is dropped."""
    return [*(one for one in rows if int(one["epoch"]) < int(row["epoch"])), row]


def keep_state(last: Path, epoch: int, every: int) -> None:
    """Copy the state of every N-th epoch, counted from 1, beside the last one; 0 keeps none.

    Raises:
        OutputError: It cannot be written.
    """
    if every and epoch % every == 0:
        with write_atomically(last.with_name(f"epoch-{epoch:04}.safetensors"), "wb") as file:
            file.write(last.read_bytes())


def write_log(path: Path, rows: list[Row]) -> None:
    """Write a log of one row or more, all of the same columns.

    Raises:
        OutputError: It cannot be written.
    """
    with write_atomically(path) as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
