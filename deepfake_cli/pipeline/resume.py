"""Tell which files an earlier run has judged already."""

import os
from collections.abc import Iterable
from pathlib import Path

from deepfake_cli.core.verdict import Verdict
from deepfake_cli.errors import DataError, MediaError
from deepfake_cli.io.files import sha256
from deepfake_cli.io.reports import Record, read_records

from .judge import Judge
from .result import SCHEMA_VERSION


def judged_before(report: Path, files: Iterable[str], judge: Judge) -> dict[str, Verdict]:
    """Find the files whose verdicts in a JSON-lines report still hold.

    They hold for the same path, the same content (told by size and time of change, else by hash), the same
    model and settings. What was UNREADABLE is tried again. A last line that was not written to its end is cut
    off.

    Args:
        report: The earlier run's ``--format jsonl``; it need not exist.
        files: Which files are asked for.
        judge: Who would judge them now.

    Returns:
        Verdict by file.

    Raises:
        DataError: The report cannot be read, or is something else.
    """
    if not report.exists():
        return {}
    wanted = set(files)
    past: dict[str, Record] = {}
    for record in read_records(report):
        if record.get("schema_version") != SCHEMA_VERSION or record.get("file") not in wanted:
            continue
        if missing := [key for key in _KEYS if key not in record]:
            raise DataError(
                f"{report}: the result of {record['file']} has no {missing[0]}",
                "name a file written by: dfdetect scan --format jsonl",
            )
        past[record["file"]] = {key: record[key] for key in _KEYS}  # a later line replaces an earlier one
    return {
        file: Verdict(record["verdict"])
        for file, record in past.items()
        if record["settings"] == judge.settings
        and record["model"]["revision"] == judge.model.revision
        and record["verdict"] != Verdict.UNREADABLE
        and _is_unchanged(file, record)
    }


_KEYS = ("verdict", "settings", "model", "bytes", "modified", "sha256")


def _is_unchanged(file: str, record: Record) -> bool:
    try:
        found = os.stat(file)
        if found.st_size != record["bytes"]:
            return False
        return bool(found.st_mtime == record["modified"] or sha256(Path(file)) == record["sha256"])
    except (OSError, MediaError):
        return False
