"""What a search looks like: one page that needs no network, with figures to play with and all trials."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import optuna
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from deepfake_cli.io.files import write_atomically

from .results import COMPLETE, Result, best_first, best_of, short, shown, table_names
from .study import Search
from .trial import train_command

REPORT = "report.html"
_FEWEST = 2  # complete trials that importance can be told from
_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,  # else a button uploads the figure
    "plotlyServerURL": "",
}
_FEW = 6  # different values that get a tick each

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1c1c1e; background: #fff;
  max-width: 90rem; margin: 2rem auto; padding: 0 1rem; }
code { background: #f0f0f3; padding: .1rem .3rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; color: #5c5c62; padding-bottom: .3rem; }
th, td { text-align: left; font-weight: normal; padding: .15rem 1rem .15rem 0;
  border-bottom: 1px solid #d5d5da; }
td { font-variant-numeric: tabular-nums; }
thead button { font: inherit; font-weight: bold; border: 0; padding: 0; background: none; cursor: pointer; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
""".strip()

# A click on a head sorts the rows by its column, numbers by size; another turns them round; empty cells stay
# last.
_SORT = """
document.querySelectorAll("thead th").forEach((head, column) => head.firstChild.onclick = () => {
  const down = head.getAttribute("aria-sort") === "ascending";
  head.parentNode.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = head.closest("table").tBodies[0];
  const text = row => row.cells[column].textContent;
  const order = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  [...body.rows].sort((a, b) => {
    const [x, y] = [text(a), text(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    return down ? order(y, x) : order(x, y);
  }).forEach(row => body.append(row));
});
""".strip()


def write_search_report(search: Search, results: Sequence[Result]) -> Path:
    """Write ``report.html`` into the folder of a search and return its path.

    Raises:
        OutputError: It cannot be written.
    """
    path = search.folder / REPORT
    with write_atomically(path) as file:
        file.writelines(f"{line}\n" for line in _page(search, results))
    return path


def _page(search: Search, results: Sequence[Result]) -> Iterator[str]:
    title = f"Search {search.folder.absolute().name}"
    complete = [one for one in results if one.state == COMPLETE]
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title>"
    yield f"<style>\n{_STYLE}\n</style>"
    yield f"<script>{get_plotlyjs()}</script>"
    yield f"</head><body><h1>{escape(title)}</h1>"
    yield f"<p>{_best(search, results)}</p>"
    yield f"<p>{escape(_counts(results, search.trials))}</p>"
    yield "<h2>Settings and what came of them</h2>"
    if complete:
        yield "<p>A line is a complete trial. Drag along an axis to keep the trials in between; drag its name"
        yield "to move it.</p>"
        yield _drawn(_parallel(complete, search.plan.space.entries), "parallel")
    else:
        yield "<p>No trial is complete yet.</p>"
    yield "<h2>Which settings matter</h2>"
    yield from _importance(search.study, len(complete))
    if complete:
        yield "<h2>Course of the search</h2>"
        yield _drawn(_history(complete), "history")
    yield "<h2>All trials</h2>"
    yield from _table(results)
    yield f"<script>{_SORT}</script>"
    yield "</body></html>"


def _best(search: Search, results: Sequence[Result]) -> str:
    best = best_of(results)
    if best is None:
        return "No trial is complete yet, so none is the best."
    folder = search.folder_of(best.number)
    test = shlex.join(["dfdetect", "classifier", "test", str(folder / "model"), "TABLE"])
    return (
        f"Trial {best.number} is best, with a mean AUC of {best.auc:.4f} on the split <i>choose</i>, "
        f"by which it was chosen. Test it on data that nothing was chosen by: <code>{escape(test)}</code>. "
        f"Train it again: <code>{escape(train_command(search.plan, folder))}</code>"
    )


def _counts(results: Sequence[Result], wanted: int) -> str:
    states = [one.state for one in results]
    said = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    return f"{len(results)} of {wanted} trials: {said or 'none'}."


def _parallel(complete: Sequence[Result], entries: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    axes = [
        _axis(short(key), [one.settings.get(key) for one in complete], bool(entry.get("log")))
        for key, entry in entries.items()
    ]
    for name in table_names(complete):
        axes.append(
            {"label": f"AUC {name}", "values": [one.by_table.get(name, math.nan) for one in complete]}
        )
    aucs = [one.auc for one in complete]
    axes.append({"label": "AUC", "values": aucs})
    figure = go.Figure(
        go.Parcoords(
            dimensions=axes, line={"color": aucs, "colorscale": "Viridis", "showscale": True}, labelangle=-20
        )
    )
    return figure.update_layout(height=520, margin={"t": 110, "l": 90, "r": 60})


def _axis(label: str, values: Sequence[Any], log: bool) -> dict[str, Any]:
    """Lay values along an axis: numbers by their size or its logarithm, all else in order of appearance."""
    if all(type(value) in (int, float) for value in values):
        ticks = sorted(set(values))
        if not log and len(ticks) > _FEW:
            return {"label": label, "values": list(values), "tickformat": ".3~g"}
        if len(ticks) > _FEW:
            ticks = [ticks[0], ticks[-1]]
        place = math.log10 if log else float
        return {
            "label": label,
            "values": list(map(place, values)),
            "tickvals": list(map(place, ticks)),
            "ticktext": list(map(shown, ticks)),
        }
    names = sorted(set(map(shown, values)))
    return {
        "label": label,
        "values": [names.index(shown(value)) for value in values],
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "range": [-0.1, len(names) - 0.9],
    }


def _importance(study: optuna.Study, complete: int) -> Iterator[str]:
    """Draw how much of the differences each setting explains, or say why that cannot be told."""
    if complete < _FEWEST:
        yield f"<p>Missing: it takes {_FEWEST} complete trials to tell, and there are {complete}.</p>"
        return
    found = optuna.importance.get_param_importances(study)
    if not any(math.isfinite(share) and share > 0 for share in found.values()):
        yield "<p>Missing: the complete trials do not differ.</p>"
        return
    shares = dict(sorted(found.items(), key=lambda item: item[1]))
    yield (
        "<p>How well each setting tells the better trials from the others (PED-ANOVA), as shares of 1; "
        "a guess where trials are few.</p>"
    )
    bars = go.Bar(x=list(shares.values()), y=[short(key) for key in shares], orientation="h")
    figure = go.Figure(bars).update_layout(height=140 + 28 * len(shares), margin={"l": 160, "t": 20})
    yield _drawn(figure.update_xaxes(title="share", rangemode="tozero"), "importance")


def _history(complete: Sequence[Result]) -> go.Figure:
    numbers = [one.number for one in complete]
    aucs = [one.auc or 0.0 for one in complete]
    so_far = [max(aucs[: end + 1]) for end in range(len(aucs))]
    figure = go.Figure(
        [
            go.Scatter(x=numbers, y=aucs, mode="markers", name="trial"),
            go.Scatter(x=numbers, y=so_far, mode="lines", name="best so far", line={"shape": "hv"}),
        ]
    )
    return figure.update_layout(height=360, margin={"t": 20}, xaxis_title="trial", yaxis_title="AUC")


def _drawn(figure: go.Figure, name: str) -> str:
    html = figure.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG, div_id=name)
    return str(html)


def _table(results: Sequence[Result]) -> Iterator[str]:
    names = table_names(results)
    keys = list(dict.fromkeys(key for one in results for key in one.settings))
    head = ["trial", "state", "AUC", *(f"AUC {name}" for name in names), "loss", "choose loss", "epoch"]
    head += ["seconds", *map(short, keys), "message"]
    yield '<div class="wide"><table><caption>Best first; a click on a head sorts by it</caption><thead><tr>'
    yield from (f'<th scope="col"><button>{escape(title)}</button></th>' for title in head)
    yield "</tr></thead><tbody>"
    ordered = best_first(results)
    for one in [*ordered, *(other for other in results if other not in ordered)]:
        cells = [str(one.number), one.state, *map(_digits, (one.auc, *map(one.by_table.get, names)))]
        cells += [_digits(one.loss), _digits(one.choose_loss), f"{one.epoch} of {one.epochs}"]
        cells += [f"{one.seconds:.0f}", *(shown(one.settings.get(key, "")) for key in keys), one.message]
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
