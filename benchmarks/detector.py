"""Judge arms of the detector on what arms are chosen by: a row of benchmarks/detector.md each.

usage: python benchmarks/detector.py WORKSPACE MODEL... [--faces 600]

Reads the tables of the workspace that ``tools/research_tables.py`` makes: of DFDC the split ``choose``, of
FaceForensics++ everything, for models that learned from none of it. The split ``report`` of DFDC and of the
photographs is for the one that is released. A model folder in a run's folder is called by the run.
"""

import argparse
from pathlib import Path

import numpy as np

from deepfake_cli.io.model_folder import ModelFolder
from deepfake_cli.pipeline.models import resolve
from deepfake_cli.training.measure.evaluate import FEWEST, judge
from deepfake_cli.training.measure.judged import Part, by_face, by_video
from deepfake_cli.training.measure.metrics import auc, bootstrap
from deepfake_cli.training.measure.robustness import KINDS, measure_robustness

_KINDS = ("Deepfakes", "FaceSwap", "Face2Face", "NeuralTextures", "c23", "c40")
_CROWDS = (1, 2, 4)  # real people in a frame
_DRAWS = 20_000


def main() -> None:
    """Print a table, a row a model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--faces", type=int, default=600, help="of DFDC, in the robustness grid")
    given = parser.parse_args()
    heads = ["arm", "DFDC choose", "FF++, 115 videos", *_KINDS, "damaged, mean", "worst"]
    heads += [f"{count} real: called fake" for count in _CROWDS]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name in given.models:
        model = resolve(name)
        print(f"| {' | '.join(_row(model, given.workspace, given.faces))} |", flush=True)


def _row(model: ModelFolder, workspace: Path, faces: int) -> list[str]:
    table = workspace / "dfdc" / "faces.csv"
    chosen = by_face(judge(model, table, ["choose"]))
    cells = [_name(model), _auc(chosen)]
    if "ffpp" in model.config.trained_on:
        cells += ["seen"] + [""] * len(_KINDS)
    else:
        videos = by_video(judge(model, workspace / "ffpp" / "faces.csv", ["train", "report"]))
        cells += [_auc(videos), *(_kind(videos, kind) for kind in _KINDS)]
    grid = measure_robustness(model, table, ["choose"], list(KINDS), faces=faces)
    cells += [f"{grid.mean:.3f} ({grid.mean - grid.clean.auc:+.3f})"]
    cells += [f"{grid.worst.auc:.3f}, {grid.worst.kind} {grid.worst.value:g}"]
    return [*cells, *(f"{_called(chosen, model, count):.3f}" for count in _CROWDS)]


def _name(model: ModelFolder) -> str:
    return model.path.parent.name if model.path.name == "model" else model.path.name


def _auc(part: Part) -> str:
    low, high = bootstrap(auc, part.labels, part.scores, part.sources)
    real, fake = part.count()
    return f"{auc(part.labels, part.scores):.3f} ({low:.3f}-{high:.3f}; {real}/{fake})"


def _kind(videos: Part, kind: str) -> str:
    """Tell the AUC of a method against all real videos, or of a compression; counts if there are too few."""
    methods = np.array([row.method for row in videos.rows])
    compressions = np.array([row.compression for row in videos.rows])
    kept = (compressions == kind) | (methods == kind) | ((methods == "") & (kind not in compressions))
    part = videos.only(kind, kept)
    real, fake = part.count()
    counts = f"{real}/{fake}"
    return counts if min(real, fake) < FEWEST else f"{auc(part.labels, part.scores):.3f} ({counts})"


def _called(chosen: Part, model: ModelFolder, people: int) -> float:
    """Tell how often the highest of several real people, drawn by chance, is called fake."""
    real = chosen.scores[chosen.labels == 0]
    rng = np.random.default_rng(people)
    highest = rng.choice(real, (_DRAWS, people)).max(axis=1)
    decision = model.config.decision
    thresholds = (decision.threshold, *decision.crowd)
    return float((highest >= thresholds[min(people, len(thresholds)) - 1]).mean())


if __name__ == "__main__":
    main()
