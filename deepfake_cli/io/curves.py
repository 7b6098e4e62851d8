"""Curves as SVG: within a page in its own colours, or in a file of their own; no scripts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from .files import write_atomically

_WIDTH, _HEIGHT = 640, 240  # of the drawing, in its own units
_SIDE = 280  # of the curves in a square one
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 30, 28  # left free around the curves
_AXIS = 14  # and more below those with marks on the axis
_LETTER = 8  # width of one in the legend
_LINE = 18  # height of one in the legend
_COLOURS = ("#3f6fb5", "#c2571a", "#3d8c40", "#8a4fa3", "#0f8b8d", "#b5476b")  # readable on light and on dark
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Curves:
    """Some quantities over another.

    Attributes:
        caption: What they are, in a line.
        x: What they go over.
        lines: Points (x, y) of each curve by its name; finite numbers.
        y: What they tell, where the names do not.
        dashed: Names of curves that are there to compare others with.
        square: Both axes run from 0 to 1 and are equally long.
        dots: Whether points are marked.
    """

    caption: str
    x: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    y: str = ""
    dashed: Sequence[str] = ()
    square: bool = False
    dots: bool = False


@dataclass(frozen=True)
class _Plane:
    """Where values come to lie: their spans, and the edges of the curves in the drawing's own units."""

    x: tuple[float, float]
    y: tuple[float, float]
    left: float
    right: float
    top: float
    bottom: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = self.left + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.right - self.left)
        down = self.bottom - (y - self.y[0]) / (self.y[1] - self.y[0]) * (self.bottom - self.top)
        return across, down

    def way(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*self.place(x, y)) for x, y in points)


def write_curves(path: Path, curves: Curves) -> None:
    """Write curves as an SVG file.

    Raises:
        OutputError: It cannot be written.
    """
    with write_atomically(path) as file:
        file.writelines(f"{line}\n" for line in draw_curves(curves, alone=True))


def draw_curves(curves: Curves, *, alone: bool = False) -> Iterator[str]:
    """Yield the lines of an ``svg`` element, with the last values in words beside the names.

    Args:
        curves: What to draw.
        alone: For a file of its own, which has no page that lends it colours and a font.
    """
    if not any(curves.lines.values()):
        return
    width = _LEFT + _SIDE + _RIGHT if curves.square else _WIDTH
    legend = _legend(curves, width)
    plane = _plane(curves, width, _TOP + _LINE * legend[-1][1])
    height = round(plane.bottom) + _BOTTOM + _AXIS * curves.square
    names = ", ".join(f"{name} ends at {line[-1][1]:.4g}" for name, line in curves.lines.items() if line)
    own = ' xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" color="#1c1c1e"' if alone else ""
    yield f'<svg{own} viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    yield f'  aria-label="{escape(f"{curves.caption}: {names}")}" font-size="12" fill="currentColor">'
    if alone:
        yield f'<rect width="{width}" height="{height}" fill="#fff"/>'
    yield from _axes(curves, plane, height)
    for number, ((name, line), (across, row)) in enumerate(zip(curves.lines.items(), legend, strict=True)):
        dashed = name in curves.dashed
        colour = "#8a8a90" if dashed else _COLOURS[number % len(_COLOURS)]
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        way = plane.way(line)
        yield f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        for x, y in map(plane.place, *zip(*line, strict=True)) if curves.dots and not dashed else ():
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        down = _TOP / 2 + _LINE * row
        yield f'<circle cx="{across + 4}" cy="{down - 4}" r="4" fill="{colour}"/>'
        yield f'<text x="{across + 14}" y="{down}">{escape(name)}</text>'
    yield "</svg>"


def _legend(curves: Curves, width: int) -> list[tuple[int, int]]:
    """Place the names of the curves: how far from the left, and in which row."""
    places = []
    across, row = _LEFT, 0
    for name in curves.lines:
        wide = 30 + _LETTER * len(name)
        if across > _LEFT and across + wide > width:
            across, row = _LEFT, row + 1
        places.append((across, row))
        across += wide
    return places


def _plane(curves: Curves, width: int, top: int) -> _Plane:
    points = [point for line in curves.lines.values() for point in line]
    x, y = (_span(values) for values in zip(*points, strict=True))
    if curves.square:
        x, y = (0.0, 1.0), (0.0, 1.0)
    tall = _SIDE if curves.square else _HEIGHT - _TOP - _BOTTOM
    return _Plane(x, y, _LEFT, width - _RIGHT, top, top + tall)


def _axes(curves: Curves, plane: _Plane, height: int) -> Iterator[str]:
    """Yield the frame, the values at its ends or in between, and what the axes tell."""
    frame = [(plane.x[0], plane.y[1]), (plane.x[0], plane.y[0]), (plane.x[1], plane.y[0])]
    yield f'<polyline points="{plane.way(frame)}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
    right = f'<text x="{plane.right:g}" y="{height - 8}" text-anchor="end">'
    if curves.square:
        for value in _QUARTERS:
            x, y = plane.place(value, value)
            yield f'<text x="{x:g}" y="{plane.bottom + 16:g}" text-anchor="middle">{value:g}</text>'
            yield f'<text x="{_LEFT - 6}" y="{y + 4:g}" text-anchor="end">{value:g}</text>'
        yield f"{right}{escape(curves.x)}</text>"
    else:
        for value, y in ((plane.y[1], plane.top + 10), (plane.y[0], plane.bottom)):
            yield f'<text x="{_LEFT - 6}" y="{y:g}" text-anchor="end">{value:.4g}</text>'
        yield f'<text x="{_LEFT}" y="{height - 8}">{plane.x[0]:.6g}</text>'
        yield f"{right}{escape(f'{plane.x[1]:.6g} {curves.x}')}</text>"
    if curves.y:
        turn = f"translate(16 {(plane.top + plane.bottom) / 2:g}) rotate(-90)"
        yield f'<text transform="{turn}" text-anchor="middle">{escape(curves.y)}</text>'


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Span values, with room around those that are all the same."""
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)
