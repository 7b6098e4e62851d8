"""Files of a data set on their way into the index, held in a temporary database, not in memory.

Sorting, finding what is there twice and looking up originals need all rows; a data set may have a million.
Paths and names are kept as bytes: they need not be text.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from deepfake_cli.core.ids import identifier, longer_identifier, unmistakable_identifier
from deepfake_cli.errors import OutputError

_AT_ONCE = 2000  # rows
HIGHEST = 3  # rank of an official split: 1 for learning, 2 for choosing, 3 for reporting, 0 none
_CACHE_KIB = 32 * 1024
_TABLES = """
    CREATE TABLE files (
        path BLOB, stem BLOB, fake INT, given BLOB, method BLOB, identity BLOB, compression BLOB,
        official INT, tie BLOB, id TEXT
    );
    CREATE TABLE groups (file INTEGER PRIMARY KEY, original TEXT, there INT, family BLOB, person BLOB);
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file on its way into the index.

    Attributes:
        path: Relative to the root.
        fake: Its label.
        original: Path of what it was made from, with or without extension; empty where unknown.
        method: As in the index.
        identity: Likewise.
        compression: Likewise.
        official: Rank of the split that the data set puts it in, 0 for none.
        tie: Another identity that is seen in it, or empty.
    """

    path: str
    fake: bool
    original: str
    method: str
    identity: str
    compression: str
    official: int
    tie: str


@dataclass(frozen=True, slots=True)
class Grouped:
    """A file whose id and company are known.

    Attributes:
        file: The file as it was gathered.
        id: Its id.
        original: Id of its original; empty where unknown.
        there: Whether that original is among the files.
        person: Name of the group of all files that show the same people.
        official: Highest rank among the files that must go with it.
        listed: Whether a file of the same person has the highest rank of all of its own.
    """

    file: Candidate
    id: str
    original: str
    there: bool
    person: bytes
    official: int
    listed: bool


@dataclass(frozen=True, slots=True)
class Company:
    """What a file leads to, by the originals that it and they name.

    Attributes:
        family: What all files share that lead to the same: its path, or its name where it is missing.
        original: Id of the real file that it was made from; empty where unknown.
        there: Whether that is among the files.
        identity: Of the file that it leads to; empty where unknown.
    """

    family: bytes
    original: str
    there: bool
    identity: bytes


class Gathering:
    """The files found so far; made by ``gathering``. The methods are called in the order they stand in."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Take in files, in any order."""
        rows = map(_row, candidates)
        while some := list(islice(rows, _AT_ONCE)):
            self._db.executemany(f"INSERT INTO files VALUES ({', '.join('?' * 10)})", some)

    def doubles(self) -> Iterator[tuple[str, bool]]:
        """Leave out files that were named twice: all but one, or all of them where labels differ.

        Yields:
            Path, and whether all agreed on the label.
        """
        self._db.execute("CREATE INDEX by_path ON files (path)")
        query = "SELECT path, min(fake) = max(fake), min(rowid) FROM files GROUP BY path HAVING count(*) > 1"
        for path, agreed, first in self._db.execute(query).fetchall():
            self._db.execute(
                "DELETE FROM files WHERE path = ? AND rowid > ?", (path, first if agreed else -1)
            )
            yield _text(path), bool(agreed)

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files, sorted."""
        for (path,) in self._db.execute("SELECT path FROM files ORDER BY path"):
            yield _text(path)

    def remove(self, paths: Iterable[str]) -> None:
        """Leave out files."""
        self._db.executemany("DELETE FROM files WHERE path = ?", ((_bytes(path),) for path in paths))

    def settle_ids(self) -> int:
        """Give files that would share an id longer ones.

        Returns:
            How many files.
        """
        self._db.execute("CREATE INDEX by_id ON files (id)")
        shared = (
            "SELECT rowid, path FROM files WHERE id IN (SELECT id FROM files GROUP BY id HAVING count(*) > 1)"
        )
        renamed = 0
        for longer in (longer_identifier, unmistakable_identifier):
            found = self._db.execute(shared).fetchall()
            renamed = renamed or len(found)
            names = ((longer(_text(path)), row) for row, path in found)
            self._db.executemany("UPDATE files SET id = ? WHERE rowid = ?", names)
        return renamed

    def companies(self) -> Iterator[tuple[int, Candidate, Company]]:
        """Yield every file with its number and what it leads to."""
        self._db.execute("CREATE INDEX by_stem ON files (stem)")
        for row in self._db.execute(f"SELECT rowid, {_COLUMNS} FROM files ORDER BY rowid"):
            file = _candidate(row[1:])
            yield row[0], file, self._company(file)

    def group(self, rows: Iterator[tuple[int, str, bool, bytes, bytes]]) -> None:
        """Keep number, original's id, whether it is there, family and person of each file."""
        while some := list(islice(rows, _AT_ONCE)):
            self._db.executemany("INSERT INTO groups VALUES (?, ?, ?, ?, ?)", some)

    def rename_people(self, names: Iterable[tuple[bytes, bytes]]) -> None:
        """Give people who belong together one name.

        Args:
            names: Old name and new name.
        """
        self._db.execute("CREATE INDEX by_person ON groups (person)")
        self._db.executemany(
            "UPDATE groups SET person = ? WHERE person = ?", ((new, old) for old, new in names)
        )

    def officials(self) -> set[int]:
        """Tell the ranks of all official splits that files are in."""
        return {
            rank for (rank,) in self._db.execute("SELECT DISTINCT official FROM files WHERE official > 0")
        }

    def grouped(self, together: str) -> Iterator[Grouped]:
        """Yield all files sorted by path.

        Args:
            together: What shares an official split: ``file`` (each has its own), ``family`` or ``person``.
        """
        officials = self.officials()
        company, listed = "official", "0"
        if together != "file" and officials:
            self._db.execute(
                f"CREATE TABLE ranks AS SELECT {together} AS name, max(official) AS rank {_BOTH}"
                f" GROUP BY {together} HAVING rank > 0"
            )
            self._db.execute("CREATE INDEX by_name ON ranks (name)")
            company = f"coalesce((SELECT rank FROM ranks WHERE ranks.name = groups.{together}), 0)"
        if HIGHEST in officials:
            query = f"SELECT DISTINCT person {_BOTH} WHERE official = {HIGHEST}"
            self._db.execute(f"CREATE TABLE listed AS {query}")
            self._db.execute("CREATE INDEX by_listed ON listed (person)")
            listed = "EXISTS (SELECT 1 FROM listed WHERE listed.person = groups.person)"
        columns = f"{_COLUMNS}, id, original, there, person, {company}, {listed}"
        for row in self._db.execute(f"SELECT {columns} {_BOTH} ORDER BY path"):
            yield Grouped(_candidate(row[:8]), *row[8:])

    def _company(self, file: Candidate) -> Company:
        """Follow the originals that files name, usually one step; a real file names what it belongs to."""
        given, way = _bytes(file.original), [_bytes(file.path)]
        original, identity, family = "", b"", b""
        while given and not family:
            found = self._find(given)
            if found is None:
                family = given
                break
            path, fake, id, identity_there, given = found
            identity = identity or identity_there
            original = original or ("" if fake else id)
            if path in way:  # it names itself, or they name each other
                family = min(way[way.index(path) :])
            way.append(path)
        if not file.fake:
            return Company(family or way[-1], "", False, identity)
        if family and not original and family not in way:
            return Company(family, self._free_id(_text(family)), False, identity)
        return Company(family or way[-1], original, bool(original), identity)

    def _free_id(self, path: str) -> str:
        """Name a file that is missing, by a name that no other has."""
        id = identifier(path)
        taken = self._db.execute("SELECT 1 FROM files WHERE id = ?", (id,)).fetchone()
        return unmistakable_identifier(path) if taken else id

    def _find(self, given: bytes) -> tuple[bytes, int, str, bytes, bytes] | None:
        """Find a file by its path, with or without the extension; real ones first."""
        query = "SELECT path, fake, id, identity, given FROM files WHERE"
        found = self._db.execute(f"{query} path = ? AND NOT fake", (given,)).fetchone()
        for stem in (given, _stem(given)):
            found = (
                found or self._db.execute(f"{query} stem = ? ORDER BY fake, path LIMIT 1", (stem,)).fetchone()
            )
        return found  # type: ignore[no-any-return]


_BOTH = "FROM files JOIN groups ON groups.file = files.rowid"
_COLUMNS = "path, fake, given, method, identity, compression, official, tie"


@contextmanager
def gathering(path: Path) -> Iterator[Gathering]:
    """Open a place to gather files in; it is gone when the block ends.

    Args:
        path: Of the temporary database; an older one is overwritten.

    Raises:
        OutputError: The disk is full or cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        database = sqlite3.connect(path, isolation_level=None)
        try:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
                database.execute(f"PRAGMA {pragma}")
            yield Gathering(database)
        finally:
            database.close()
            path.unlink(missing_ok=True)
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        raise OutputError(f"cannot work in {path.parent}: {error}", "see that there is space") from error


def _row(file: Candidate) -> tuple[bytes | int | str, ...]:
    path = _bytes(file.path)
    texts = (file.method, file.identity, file.compression)
    return (
        path,
        _stem(path),
        int(file.fake),
        _bytes(file.original),
        *map(_bytes, texts),
        file.official,
        _bytes(file.tie),
        identifier(file.path),
    )


def _candidate(row: tuple[Any, ...]) -> Candidate:
    path, fake, original, method, identity, compression, official, tie = row
    return Candidate(
        path=_text(path),
        fake=bool(fake),
        original=_text(original),
        method=_text(method),
        identity=_text(identity),
        compression=_text(compression),
        official=official,
        tie=_text(tie),
    )


def _stem(path: bytes) -> bytes:
    head, dot, suffix = path.rpartition(b".")
    return head if dot and head and b"/" not in suffix else path


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
