"""A page of tables, bars, curves and pictures for a browser: one HTML file beside its pictures.

It needs no network and no scripts, follows the reader's choice of light or dark, and is read aloud well:
tables have captions and heads, pictures say what they show.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .curves import Curves as Curves  # a part of pages
from .curves import draw_curves
from .files import write_atomically

PAGE = "index.html"

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1c1c1e; --dim: #5c5c62; --paper: #fff; --line: #d5d5da; --bar: #3f6fb5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececee; --dim: #a4a4ab; --paper: #18181a; --line: #3c3c42; --bar: #7ba5e0; }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 90rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; color: var(--dim); padding-bottom: .3rem; }
th, td { text-align: left; font-weight: normal; padding: .15rem 1rem .15rem 0;
  border-bottom: 1px solid var(--line); }
thead th { font-weight: bold; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.number { text-align: right; }
.bar { width: 20rem; }
.bar span { display: block; height: .8rem; min-width: 1px; background: var(--bar); }
figure { margin: 1rem 0 2rem; }
figure.square { display: inline-block; width: 360px; margin-right: 1.2rem; vertical-align: top; }
figcaption { color: var(--dim); }
img, svg { max-width: 100%; height: auto; }
""".strip()


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        caption: What it tells, in a line.
        head: Titles of the columns.
        rows: Cells; what is not text stands to the right.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]


@dataclass(frozen=True)
class Bars:
    """How often things of each kind are there, as a table with bars.

    Attributes:
        caption: What is counted, in a line.
        head: What tells the kinds apart, and what is counted.
        counts: Kind and count, in order.
    """

    caption: str
    head: tuple[str, str]
    counts: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Sheet:
    """A picture.

    Attributes:
        file: Its name beside the page.
        caption: What it is, in a line.
        alt: What is to be seen on it, for those who cannot.
        size: Width and height in pixels.
    """

    file: str
    caption: str
    alt: str
    size: tuple[int, int]


@dataclass(frozen=True)
class Section:
    """A part of the page: its heading, sentences, then tables, curves and pictures."""

    heading: str
    remarks: Sequence[str] = ()
    parts: Sequence[Grid | Bars | Sheet | Curves] = field(default=())


def write_gallery(folder: Path, title: str, sections: Sequence[Section], page: str = PAGE) -> None:
    """Write a page; everything that it is made of may be any text.

    Args:
        folder: Where the pictures of the page are.
        title: Of the page.
        sections: In order.
        page: Its file name.

    Raises:
        OutputError: It cannot be written.
    """
    with write_atomically(folder / page) as file:
        file.writelines(f"{line}\n" for line in _page(title, sections))


def _page(title: str, sections: Sequence[Section]) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_text(title)}</title>"
    yield f"<style>\n{_STYLE}\n</style>"
    yield "</head>"
    yield "<body>"
    yield f"<h1>{_text(title)}</h1>"
    yield '<nav aria-label="Sections"><ul>'
    for number, section in enumerate(sections, 1):
        yield f'<li><a href="#part-{number}">{_text(section.heading)}</a></li>'
    yield "</ul></nav>"
    yield "<main>"
    for number, section in enumerate(sections, 1):
        yield f'<section aria-labelledby="part-{number}">'
        yield f'<h2 id="part-{number}">{_text(section.heading)}</h2>'
        yield from (f"<p>{_text(remark)}</p>" for remark in section.remarks)
        for part in section.parts:
            yield from _part(part)
        yield "</section>"
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _part(part: Grid | Bars | Sheet | Curves) -> Iterator[str]:
    if isinstance(part, Curves):
        yield '<figure class="square">' if part.square else "<figure>"
        yield from draw_curves(part)
        yield f"<figcaption>{_text(part.caption)}</figcaption>"
        yield "</figure>"
        return
    if isinstance(part, Sheet):
        width, height = part.size
        yield "<figure>"
        yield f'<a href="{_text(part.file)}"><img src="{_text(part.file)}" alt="{_text(part.alt)}"'
        yield f'  width="{width}" height="{height}" loading="lazy"></a>'
        yield f"<figcaption>{_text(part.caption)}</figcaption>"
        yield "</figure>"
        return
    yield '<div class="wide"><table>'
    yield f"<caption>{_text(part.caption)}</caption>"
    yield from _grid(part) if isinstance(part, Grid) else _bars(part)
    yield "</table></div>"


def _grid(grid: Grid) -> Iterator[str]:
    numbers = [any(not isinstance(row[i], str) for row in grid.rows) for i in range(len(grid.head))]
    yield _head(grid.head, numbers)
    yield "<tbody>"
    for row in grid.rows:
        cells = (
            f"<td{_NUMBER if number else ''}>{_text(str(cell))}</td>"
            for cell, number in zip(row[1:], numbers[1:], strict=True)
        )
        first = f'<th scope="row"{_NUMBER if numbers[0] else ""}>{_text(str(row[0]))}</th>'
        yield f"<tr>{first}{''.join(cells)}</tr>"
    yield "</tbody>"


def _bars(bars: Bars) -> Iterator[str]:
    most = max((count for _, count in bars.counts), default=0) or 1
    yield _head(bars.head, (False, True), '<td aria-hidden="true"></td>')
    yield "<tbody>"
    for kind, count in bars.counts:
        bar = f'<span style="width: {100 * count / most:.1f}%"></span>' if count else ""
        yield (
            f'<tr><th scope="row">{_text(kind)}</th><td{_NUMBER}>{count}</td>'
            f'<td class="bar" aria-hidden="true">{bar}</td></tr>'
        )
    yield "</tbody>"


_NUMBER = ' class="number"'


def _head(titles: Sequence[str], numbers: Sequence[bool], more: str = "") -> str:
    cells = (
        f'<th scope="col"{_NUMBER if number else ""}>{_text(title)}</th>'
        for title, number in zip(titles, numbers, strict=True)
    )
    return f"<thead><tr>{''.join(cells)}{more}</tr></thead>"


def _text(text: str) -> str:
    """Make any text safe within HTML and within quotes; what cannot be shown becomes a mark."""
    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))
