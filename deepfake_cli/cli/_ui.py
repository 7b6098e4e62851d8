"""What the user sees: results on stdout, everything else on stderr; colour and bars only on a terminal.

The only file that imports rich, and only when something is shown: `--help` must stay quick.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeVar

from deepfake_cli.errors import OutputError
from deepfake_cli.progress import Track, untracked

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text

T = TypeVar("T")


class Cell(NamedTuple):
    """A table cell with a style of rich, such as ``Cell("FAKE", "bold red")``."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """A table column.

    Attributes:
        title: Its head.
        right: Whether its cells stand to the right, as numbers do.
        width: Least width in characters, for rows that are shown before all are known.
        most: Greatest width in characters, beyond which cells lose their beginning; 0 for any.
    """

    title: str
    right: bool = False
    width: int = 0
    most: int = 0


Row = Sequence[str | Cell]


def say(text: str = "") -> None:
    """Write a line of the result to stdout."""
    with writing():
        print(text)


def note(text: str) -> None:
    """Write a remark to stderr."""
    print(printable(text), file=sys.stderr)


def warn(text: str, hint: str = "") -> None:
    """Write what went wrong without ending the work."""
    _tell("warning", "yellow", text, hint)


def error(text: str, hint: str = "") -> None:
    """Write what ended the work."""
    _tell("error", "bold red", text, hint)


def printable(text: str) -> str:
    """Show control characters as escapes: a file's name must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" or _is_byte(c) else _escape(c) for c in text)


def table(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """Write a whole table to stdout: ruled and coloured on a terminal, plain and never cut elsewhere."""
    grid = _grid(columns)
    for row in rows:
        grid.add_row(*map(_cell, row, columns))
    with writing():
        _put(grid, _console(sys.stdout))


@contextmanager
def writing() -> Iterator[None]:
    """Turn a stdout that takes no more, a full disk behind it say, into an expected failure.

    Raises:
        OutputError: Stdout cannot be written. A closed pipe stays a ``BrokenPipeError``.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {(error.strerror or str(error)).lower()}") from error


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is looking at the stream."""
    return stream.isatty()


def terminal_width() -> int:
    """Tell how many characters a line on stdout may have, 0 where any number."""
    return _console(sys.stdout).width if is_terminal(sys.stdout) else 0


def track(quiet: bool = False) -> Track:
    """Make the progress bar to hand to long work: on stderr if that is a terminal, else none."""
    return untracked if quiet or not is_terminal(sys.stderr) else _tracked


class Board:
    """A table that grows as results arrive, over a bar with the stage of the current one.

    Rows go to stdout, the bar to stderr, if that is a terminal.
    """

    def __init__(self, columns: Sequence[Column], bar: "Progress | None") -> None:
        self._columns = columns
        self._bar = bar
        self._head_is_due = True

    def stage(self, text: str) -> None:
        """Show what is being done."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], stage=printable(text))

    def advance(self, total: int | None = None) -> None:
        """Move the bar by one; `total` says how many there are where that was not known before."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=1, total=total)

    def row(self, row: Row) -> None:
        """Add a row, and before the first the head."""
        grid = _grid(self._columns, head=self._head_is_due, ruled=False)
        grid.add_row(*map(_cell, row, self._columns))
        self._head_is_due = False
        self._print(grid)

    def remark(self, text: str) -> None:
        """Add a line to the row above."""
        from rich.padding import Padding
        from rich.text import Text

        self._print(Padding(Text(printable(text), style="dim"), (0, 0, 0, 4), expand=False))

    def _print(self, what: "Table | Padding") -> None:
        # Where both are the same terminal the bar must step aside, which it does for its own console only.
        shared = self._bar is not None and is_terminal(sys.stdout)
        console = self._bar.console if shared and self._bar is not None else _console(sys.stdout)
        with writing():
            _put(what, console)
            sys.stdout.flush()


@contextmanager
def board(columns: Sequence[Column], total: int, quiet: bool = False) -> Iterator[Board]:
    """Open a `Board` for `total` results."""
    if quiet or not is_terminal(sys.stderr):
        yield Board(columns, None)
        return
    with _bar("{task.fields[stage]}") as bar:
        bar.add_task("", total=total, stage="")
        yield Board(columns, bar)


def _tell(kind: str, style: str, text: str, hint: str) -> None:
    if not is_terminal(sys.stderr):
        print(f"{kind}: {printable(text)}", file=sys.stderr)
        if hint:
            print(f"hint: {printable(hint)}", file=sys.stderr)
        return
    from rich.text import Text

    console = _console(sys.stderr)
    console.print(Text.assemble((f"{kind}: ", style), printable(text)), soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint: ", "cyan"), printable(hint)), soft_wrap=True)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _is_byte(character: str) -> bool:
    """Whether this stands for a byte of a file name that is no text; see PEP 383."""
    return "\udc80" <= character <= "\udcff"


def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    # Off a terminal nobody resizes a window: nothing may be cut to 80 columns.
    width = None if is_terminal(stream) else 10_000
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def _put(what: "Table | Padding", console: "Console") -> None:
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        print(line.rstrip(), file=console.file)  # blanks that fill up the last column are in a program's way


def _grid(columns: Sequence[Column], head: bool = True, ruled: bool = True) -> "Table":
    from rich import box
    from rich.table import Table

    style = box.SIMPLE_HEAD if ruled and is_terminal(sys.stdout) else None
    grid = Table(box=style, show_header=head, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        grid.add_column(
            column.title,
            justify="right" if column.right else "left",
            min_width=max(column.width, len(column.title)),
            max_width=column.most or None,
            no_wrap=True,
            overflow="ellipsis" if i == 0 else "ignore",
            ratio=None,
        )
    return grid


def _cell(cell: str | Cell, column: Column) -> "Text":
    from rich.cells import cell_len
    from rich.text import Text

    text, style = (cell, "") if isinstance(cell, str) else cell
    text = printable(text).replace("\n", " ")
    if column.most and cell_len(text) > column.most:  # paths differ at their ends
        while cell_len(text) >= column.most:
            text = text[1:]
        text = "…" + text
    return Text(text, style=style)


def _bar(*details: str) -> AbstractContextManager["Progress"]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        *(TextColumn(detail, markup=False) for detail in details),
        console=_console(sys.stderr),
        transient=True,
        redirect_stdout=False,  # results must not end up on stderr
        redirect_stderr=True,
    )


def _tracked(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    if total is None and isinstance(items, Sized):
        total = len(items)
    with _bar() as bar:
        task = bar.add_task(description, total=total)
        for item in items:
            yield item
            bar.advance(task)
