"""Curves as SVG to stand in a page: no scripts, in the page's own colours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 240  # of the drawing, in its own units
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 30, 28  # left free around the curves
_LETTER = 8  # width of one in the legend
_COLOURS = ("#3f6fb5", "#c2571a", "#3d8c40", "#8a4fa3")  # readable on light and on dark


@dataclass(frozen=True)
class Curves:
    """Some quantities over another.

    Attributes:
        caption: What they are, in a line.
        x: What they go over.
        lines: Points (x, y) of each curve by its name; finite numbers.
    """

    caption: str
    x: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def draw_curves(curves: Curves) -> Iterator[str]:
    """Yield the lines of an ``svg`` element, with the last values in words beside the names."""
    points = [point for line in curves.lines.values() for point in line]
    if not points:
        return
    (left, right), (low, high) = (_span(values) for values in zip(*points, strict=True))

    def place(x: float, y: float) -> str:
        across = _LEFT + (x - left) / (right - left) * (_WIDTH - _LEFT - _RIGHT)
        down = _HEIGHT - _BOTTOM - (y - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return f"{across:.1f},{down:.1f}"

    names = ", ".join(f"{name} ends at {line[-1][1]:.4g}" for name, line in curves.lines.items())
    yield f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img"'
    yield f'  aria-label="{escape(f"{curves.caption}: {names}")}" font-size="12" fill="currentColor">'
    frame = f"{place(left, high)} {place(left, low)} {place(right, low)}"
    yield f'<polyline points="{frame}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
    for value, y in ((high, _TOP + 10), (low, _HEIGHT - _BOTTOM)):
        yield f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{value:.4g}</text>'
    yield f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{left:.6g}</text>'
    end = f"{right:.6g} {curves.x}"
    yield f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">{escape(end)}</text>'
    legend = _LEFT
    for number, (name, line) in enumerate(curves.lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        way = " ".join(place(x, y) for x, y in line)
        yield f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield f'<circle cx="{legend + 4}" cy="{_TOP / 2 - 4}" r="4" fill="{colour}"/>'
        yield f'<text x="{legend + 14}" y="{_TOP / 2}">{escape(name)}</text>'
        legend += 30 + _LETTER * len(name)
    yield "</svg>"


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Span values, with room around those that are all the same."""
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)
