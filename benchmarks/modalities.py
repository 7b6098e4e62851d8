"""Compare what classifiers of modalities say of the same faces: paired differences to the first of them.

usage: python benchmarks/modalities.py WORKSPACE MODEL...

Reads ``dfdc/faces.csv`` and ``ffpp/faces.csv`` of the workspace that ``tools/research_tables.py`` makes: of
DFDC the split ``report``, of FaceForensics++ everything, for those that learned from none of it. Prints the
tables of ``benchmarks/modalities.md``. A model folder in a run's folder is called by the run.
"""

import argparse
from pathlib import Path

from methods import SPLITS, show

from deepfake_cli.pipeline.models import resolve
from deepfake_cli.training.measure.evaluate import judge


def main() -> None:
    """Judge, and print a table a data set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("models", nargs="+")
    given = parser.parse_args()
    models = {called(name): resolve(name) for name in given.models}
    for name, splits in SPLITS.items():
        judged = {
            method: judge(model, given.workspace / name / "faces.csv", splits)
            for method, model in models.items()
            if splits == ["report"] or name not in model.config.trained_on
        }
        show(name, "+".join(splits), judged, next(iter(models)))


def called(name: str) -> str:
    """Call a model by its run, or as the user does."""
    path = Path(name)
    return path.parent.name if path.name == "model" else name


if __name__ == "__main__":
    main()
