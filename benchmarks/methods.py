"""Compare ways of judging a face on the same faces: paired differences, with intervals over sources.

usage: python benchmarks/methods.py WORKSPACE [--generator | --mri | --fusion | --plain MODEL]

Reads ``dfdc/faces.csv`` and ``ffpp/faces.csv`` of the workspace that ``tools/research_tables.py`` makes: of
DFDC the split ``report``, of FaceForensics++ everything. Prints the tables of ``benchmarks/methods.md``.
"""

import argparse
from pathlib import Path

import numpy as np

from deepfake_cli.pipeline.models import resolve, resolve_generator
from deepfake_cli.training.measure.compare import differ
from deepfake_cli.training.measure.evaluate import FEWEST, Judged, judge, judge_maps
from deepfake_cli.training.measure.examples import quick_auc
from deepfake_cli.training.measure.judged import by_video
from deepfake_cli.training.measure.metrics import auc, bootstrap

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
        show(name, "+".join(splits), judged, "plain")


def show(dataset: str, splits: str, judged: dict[str, Judged], against: str) -> None:
    """Print AUCs over videos, and how each differs from that of one of them, on the same drawn sources."""
    parts = {name: by_video(one) for name, one in judged.items()}
    some = next(iter(parts.values()))
    print(
        f"\n{dataset}, {splits}: {(some.labels == 0).sum()} real and {(some.labels == 1).sum()} fake videos\n"
    )
    print(f"| | AUC | 95 % interval | difference to {against} | 95 % interval |")
    print("|---|---|---|---|---|")
    for name, part in parts.items():
        low, high = bootstrap(auc, part.labels, part.scores, part.sources)
        cells = [name, f"{auc(part.labels, part.scores):.3f}", f"{low:.3f} to {high:.3f}"]
        if name != against and against in parts:
            found = differ(part, parts[against], quick_auc, quick_auc)
            low, high = found.interval
            cells += [f"{found.difference:+.3f}", f"{low:+.3f} to {high:+.3f}"]
        print(f"| {' | '.join([*cells, '', ''][:5])} |")
    methods = np.array([row.method for row in some.rows])
    kinds = sorted(set(methods.tolist()) - {""})
    if len(kinds) > 1:
        print(f"\n| AUC against all real videos | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}")
        counts = [int((methods == kind).sum()) for kind in kinds]
        print(f"| fake videos | {' | '.join(map(str, counts))} |")
        for name, part in parts.items():
            cells = []
            for kind, count in zip(kinds, counts, strict=True):
                kept = (part.labels == 0) | (methods == kind)
                cells.append(
                    f"{auc(part.labels[kept], part.scores[kept]):.3f}" if count >= FEWEST else "too few"
                )
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
