"""Compare ways of judging a face on the same faces: paired differences, with intervals over sources.

usage: python benchmarks/methods.py WORKSPACE [--generator | --mri | --fusion | --plain MODEL]

Reads ``dfdc/faces.csv`` and ``ffpp/faces.csv`` of the workspace that ``tools/research_tables.py`` makes: of
DFDC the split ``report``, of FaceForensics++ everything. Prints the tables of ``benchmarks/methods.md``.
"""

import argparse
from pathlib import Path

import numpy as np

from deepfake_cli.pipeline.models import resolve, resolve_generator
from deepfake_cli.training.evaluate import FEWEST, Judged, judge, judge_maps
from deepfake_cli.training.metrics import auc, bootstrap

# Of FaceForensics++ everything, for those alone who learned from none of it.
SPLITS = {"dfdc": ["report"], "ffpp": ["train", "report"]}


def main() -> None:
    """Judge, and print a table a data set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    for name, default in (("generator", "mri-gan"), ("mri", "mri"), ("fusion", "fusion"), ("plain", "plain")):
        parser.add_argument(f"--{name}", default=default)
    given = parser.parse_args()
    painter = resolve_generator(given.generator)
    models = {name: resolve(getattr(given, name)) for name in ("mri", "fusion", "plain")}
    for name, splits in SPLITS.items():
        table = given.workspace / name / "faces.csv"
        judged = {"map mean": judge_maps(painter, table, splits)}
        for method, model in models.items():
            if splits == ["report"] or name not in model.config.trained_on:
                judged[method] = judge(model, table, splits)
        show(name, "+".join(splits), judged)


def show(dataset: str, splits: str, judged: dict[str, Judged]) -> None:
    """Print AUCs over videos, and how each differs from that of ``plain``, on the same drawn sources."""
    labels, sources, methods = _videos(next(iter(judged.values())))
    scores = {name: _means(one) for name, one in judged.items()}
    print(f"\n{dataset}, {splits}: {(labels == 0).sum()} real and {(labels == 1).sum()} fake videos\n")
    print("| | AUC | 95 % interval | difference to plain | 95 % interval |")
    print("|---|---|---|---|---|")
    for name, values in scores.items():
        low, high = bootstrap(auc, labels, values, sources)
        cells = [name, f"{auc(labels, values):.3f}", f"{low:.3f} to {high:.3f}"]
        if name != "plain" and "plain" in scores:
            both = np.stack([values, scores["plain"]], 1)

            def difference(y: np.ndarray, s: np.ndarray) -> float:
                return auc(y, s[:, 0]) - auc(y, s[:, 1])

            low, high = bootstrap(difference, labels, both, sources)
            cells += [f"{difference(labels, both):+.3f}", f"{low:+.3f} to {high:+.3f}"]
        print(f"| {' | '.join([*cells, '', ''][:5])} |")
    kinds = sorted(set(methods) - {""})
    if len(kinds) > 1:
        print(f"\n| AUC against all real videos | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}")
        counts = [int((methods == kind).sum()) for kind in kinds]
        print(f"| fake videos | {' | '.join(map(str, counts))} |")
        for name, values in scores.items():
            cells = []
            for kind, count in zip(kinds, counts, strict=True):
                kept = (labels == 0) | (methods == kind)
                cells.append(f"{auc(labels[kept], values[kept]):.3f}" if count >= FEWEST else "too few")
            print(f"| {name} | {' | '.join(cells)} |")


def _videos(judged: Judged) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return label, source and method of each video."""
    rows = {row.video: row for row in judged.rows}.values()
    return (
        np.array([int(row.fake) for row in rows]),
        np.array([row.original for row in rows]),
        np.array([row.method for row in rows]),
    )


def _means(judged: Judged) -> np.ndarray:
    """Return the mean score of each video, in order of first appearance."""
    found: dict[str, list[float]] = {}
    for row, score in zip(judged.rows, judged.scores, strict=True):
        found.setdefault(row.video, []).append(score)
    return np.array([np.mean(scores) for scores in found.values()])


if __name__ == "__main__":
    main()
