"""Write results as JSON, JSON lines or CSV, and read JSON lines back to go on where a run ended.

A record is what ``ScanResult.to_json`` returns. Whatever a file is called, what is written is valid UTF-8.
"""

import csv
import errno
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from deepfake_cli.errors import DataError, OutputError

from .files import reason, write_atomically

Record = Mapping[str, Any]
Write = Callable[[Record], None]

COLUMNS = (
    *("file", "verdict", "score", "reason", "people", "frames", "duration", "width", "height"),
    *("threshold", "threshold_source", "model", "revision", "sha256", "seconds"),
)
_START = b'{"schema_version"'  # of every record: how a torn line is told from a file that is none of ours


@contextmanager
def open_report(kind: str, output: Path | None = None, *, append: bool = False) -> Iterator[Write]:
    """Open a report for writing results one by one; when the block ends, it is complete.

    Args:
        kind: ``json``, ``jsonl`` or ``csv``. Files of the first and last appear when the block ends without
            an exception; all else is written at once, line by line.
        output: Where to write; None is standard output.
        append: Go on at the end of a ``jsonl`` file.

    Yields:
        A function that writes one record.

    Raises:
        OutputError: There is no such folder, no permission, no space left …
    """
    form = {"json": _json, "jsonl": _jsonl, "csv": _csv}[kind]
    name = "standard output" if output is None else str(output)
    with _opened(kind, output, append) as file:

        def put(text: str) -> None:
            try:
                file.write(text.encode())
                file.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise _refused(name, error) from error

        with form(put) as write:
            yield write


def read_records(path: Path) -> Iterator[Record]:
    """Read the records of a JSON-lines file, and cut off a last line that was not written to its end.

    Raises:
        DataError: The file cannot be read, or it holds something else; then it is left as it is.
    """
    try:
        with path.open("r+b") as file:
            good = 0
            for number, line in enumerate(file, 1):
                record = _parse(line)
                if record is None and not line.endswith(b"\n") and line[: len(_START)] == _START[: len(line)]:
                    os.truncate(file.fileno(), good)  # the run that wrote it was ended in mid-line
                    return
                if record is None:
                    raise DataError(
                        f"{path}, line {number}: not a result of dfdetect scan",
                        "name a file written by: dfdetect scan --format jsonl",
                    )
                good += len(line)
                if not line.endswith(b"\n"):
                    file.seek(good)
                    file.write(b"\n")
                yield record
    except OSError as error:
        raise DataError(f"cannot go on with {path}: {reason(error)}") from error


@contextmanager
def _opened(kind: str, output: Path | None, append: bool) -> Iterator[IO[bytes]]:
    if output is None:
        yield sys.stdout.buffer
    elif kind == "jsonl" or (output.exists() and not output.is_file()):
        try:
            file: IO[bytes] = output.open("ab" if append else "wb")
        except OSError as error:
            raise _refused(str(output), error) from error
        try:
            yield file
        finally:
            with suppress(OSError):  # nothing is left in the buffer but what was refused before
                file.close()
    else:
        with write_atomically(output, "wb") as file:
            yield file


def _refused(name: str, error: OSError) -> OutputError:
    space = "free some space or " if error.errno == errno.ENOSPC else ""
    return OutputError(f"cannot write {name}: {reason(error)}", f"{space}choose another place")


@contextmanager
def _json(put: Callable[[str], None]) -> Iterator[Write]:
    between = "[\n"

    def write(record: Record) -> None:
        nonlocal between
        put(between + _text(record))
        between = ",\n"

    yield write
    put("\n]\n" if between == ",\n" else "[]\n")


@contextmanager
def _jsonl(put: Callable[[str], None]) -> Iterator[Write]:
    yield lambda record: put(_text(record) + "\n")


@contextmanager
def _csv(put: Callable[[str], None]) -> Iterator[Write]:
    def line(values: list[Any]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(values)
        put(_valid(text.getvalue()))

    line(list(COLUMNS))
    yield lambda record: line([_flat(record)[name] for name in COLUMNS])


def _flat(record: Record) -> dict[str, Any]:
    """Lay the facts of a record that need no list side by side."""
    return {
        **record,
        **{key: (record["media"] or {}).get(key) for key in ("duration", "width", "height")},
        "people": len(record["tracks"]),
        "threshold": record["rule"]["threshold"],
        "threshold_source": record["rule"]["source"],
        "model": record["model"]["name"],
        "revision": record["model"]["revision"],
        "seconds": record["timings"].get("total"),
    }


def _text(record: Record) -> str:
    return _valid(json.dumps(record, ensure_ascii=False, allow_nan=False))


def _valid(text: str) -> str:
    """Escape, as JSON does, the bytes of file names that are not UTF-8."""
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _parse(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "schema_version" in record else None
