"""Write what was found of a model: numbers for programs, tables, curves, and a page for a browser."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfake_cli.errors import OutputError
from deepfake_cli.io.curves import Curves, write_curves
from deepfake_cli.io.files import make_folder, reason, write_atomically
from deepfake_cli.io.gallery import Grid, Section, write_gallery
from deepfake_cli.io.model_config import Decision

from .evaluate import save_scores
from .findings import Findings, Found
from .findings_curves import draw_all
from .judged import VERDICTS, Part, by_video, faces_of_videos, whole_parts

PAGE = "report.html"
_CURVES = ("roc", "pr", "reliability", "scores")
_KINDS = {"method": "By method", "compression": "By compression", "face size": "By size of the face"}


@dataclass(frozen=True)
class Tested:
    """The model that was measured.

    Attributes:
        name: What it is called.
        revision: Which weights.
        decision: Its threshold and band.
    """

    name: str
    revision: str
    decision: Decision


def to_json(model: Tested, findings: Sequence[Findings]) -> dict[str, object]:
    """Turn everything that was found into JSON values."""
    found = [one for each in findings for one in each.found]
    left_out = [(each.judged.dataset, u) for each in findings for u in each.judged.unscored]
    return {
        "model": {"name": model.name, "revision": model.revision},
        **model.decision.model_dump(include={"threshold", "uncertain"}),
        "threshold_source": model.decision.source,
        "measurements": [
            {**asdict(m), "kind": one.kind, "sources": one.sources}
            for one in found
            for m in one.measurements.values()
        ],
        "verdicts": [{**asdict(one.called), "kind": one.kind} for one in found],
        "left_out": [{"dataset": dataset, **asdict(u), "path": str(u.path)} for dataset, u in left_out],
        "warnings": [words for each in findings for words in each.warnings],
        "remarks": [words for each in findings for words in each.remarks],
    }


def write_report(folder: Path, model: Tested, findings: Sequence[Findings]) -> None:
    """Write ``metrics.json``, ``scores.csv``, ``videos.csv``, curves as SVG files, and ``report.html``.

    Args:
        folder: Made if missing; files of an earlier report are replaced.
        model: Who was measured.
        findings: Of every data set, and of all of them together where there are several.

    Raises:
        OutputError: A file cannot be written.
    """
    make_folder(folder)
    try:
        for name in _CURVES:
            (folder / f"{name}.svg").unlink(missing_ok=True)  # an older one may have no successor
    except OSError as error:
        raise OutputError(f"cannot clear {folder}: {reason(error)}") from error
    apart = [each for each in findings if not each.joined]
    with write_atomically(folder / "metrics.json") as file:
        file.write(json.dumps(to_json(model, findings), indent=2) + "\n")
    save_scores(folder / "scores.csv", [each.judged for each in apart])
    _save_videos(folder / "videos.csv", apart, model.decision)
    for name, curves in draw_all(_compared(findings), model.decision).items():
        write_curves(folder / f"{name}.svg", curves)
    sections = [_summary(model, findings), *(_section(each, model.decision) for each in findings)]
    write_gallery(folder, f"Test of {model.name}", sections, PAGE)


def _compared(findings: Sequence[Findings]) -> list[tuple[str, Part]]:
    """Choose whose curves stand in the files: faces and videos, of each data set where there are several."""
    if len(findings) == 1:
        return [(part.name, part) for part in whole_parts(findings[0].judged)]
    return [
        (f"{each.judged.dataset}, {part.name}", part)
        for each in reversed(findings)
        for part in whole_parts(each.judged)
    ]


def _save_videos(path: Path, findings: Sequence[Findings], decision: Decision) -> None:
    """Write one CSV row a video, those without a score last."""
    names = ("dataset", "video", "original", "label", "method", "compression", "split")
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*names, "faces", "score", "verdict", "reason"))
        for each in findings:
            judged, part = each.judged, by_video(each.judged)
            members = faces_of_videos(judged)
            verdicts = part.verdicts(decision)
            for row, score, verdict in zip(part.rows, part.scores, verdicts, strict=True):
                label, faces = "fake" if row.fake else "real", len(members[row.video])
                cells = (judged.dataset, row.video, row.original, label, row.method, row.compression)
                writer.writerow((*cells, row.split, faces, f"{score:.4f}", verdict, ""))
            for one in {u.video: u for u in judged.unscored if u.video not in members}.values():
                label = "fake" if one.fake else "real"
                cells = (judged.dataset, one.video, one.original, label, one.method, one.compression)
                writer.writerow((*cells, one.split, 0, "", one.verdict, one.reason))


def _summary(model: Tested, findings: Sequence[Findings]) -> Section:
    decision = model.decision
    low, high = decision.uncertain
    rows: list[tuple[str | int, ...]] = [
        (
            *(each.judged.dataset, each.judged.split, one.examples, one.real, one.fake, one.sources),
            one.measurements["AUC"].estimate,
            one.measurements["balanced accuracy"].estimate,
        )
        for each in findings
        for one in each.found
        if one.kind == "whole"
    ]
    head = ("data set", "split", "examples", "real", "fake", "sources", "AUC", "balanced accuracy")
    return Section(
        "Summary",
        (
            f"Model {model.name}, revision {model.revision}.",
            f"A score from {decision.threshold:g} on means fake: {decision.source}. From {low:g} to {high:g} "
            "the verdict is UNCERTAIN.",
            "In brackets: 95 % intervals, from a bootstrap over sources.",
            *(words for each in findings for words in (*each.warnings, *each.remarks)),
        ),
        [Grid("How well the model does", head, rows)],
    )


def _section(each: Findings, decision: Decision) -> Section:
    parts = [(part.name, part) for part in whole_parts(each.judged)]
    whole = [one for one in each.found if one.kind == "whole"]
    measures = [(name, *(one.measurements[name].estimate for one in whole)) for name in whole[0].measurements]
    first = [Grid("Measures", ("measure", *(one.examples for one in whole)), measures)]
    grids = [
        Grid("Verdicts", ("examples", "label", *VERDICTS), list(_verdicts(whole))),
        Grid(f"At the threshold {decision.threshold:g}", _MATRIX, list(_matrix(whole))),
    ]
    for kind, title in _KINDS.items():
        if some := [one for one in each.found if one.kind == kind]:
            grids.append(Grid(title, _PARTS, [_kind(one) for one in some]))
    if each.judged.unscored:
        rows = [
            (str(u.path), "fake" if u.fake else "real", u.verdict, u.reason) for u in each.judged.unscored
        ]
        grids.append(Grid("Left out", ("file", "label", "verdict", "reason"), rows))
    curves: list[Curves] = list(draw_all(parts, decision).values())
    return Section(
        f"{each.judged.dataset}, split {each.judged.split}",
        (*each.warnings, *each.remarks),
        [*(first if any(one.measured for one in whole) else ()), *curves, *grids],
    )


_MATRIX = ("examples", "label", "called real", "called fake", "share called real", "share called fake")
_PARTS = ("examples", "real", "fake", "sources", "AUC", "balanced accuracy")


def _verdicts(found: Sequence[Found]) -> Iterator[tuple[str | int, ...]]:
    for one in found:
        yield one.examples, "real", *one.called.real
        yield one.examples, "fake", *one.called.fake


def _matrix(found: Sequence[Found]) -> Iterator[tuple[str | int, ...]]:
    for one in found:
        for label, counts, shares in zip(("real", "fake"), one.called.matrix, one.called.shares, strict=True):
            told = ("\u2013", "\u2013") if shares is None else (f"{share:.3f}" for share in shares)
            yield one.examples, label, *counts, *told


def _kind(one: Found) -> tuple[str | int, ...]:
    estimates = (m.estimate for m in one.measurements.values())
    return one.examples, one.real, one.fake, one.sources, *estimates
