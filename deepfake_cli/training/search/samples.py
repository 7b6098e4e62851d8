"""The faces that a model is surest of: real and fake ones, rightly and wrongly judged."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from deepfake_cli.core.sheets import contact_sheet
from deepfake_cli.inference.classifier import BATCH, Classifier
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.io.png import encode_png
from deepfake_cli.settings import Profile

from ..faces_once import FacesOnce, faces_to_choose_by
from ..tables import Source

_MOST = 2000  # faces that are judged, for a data set may have very many
_EACH = 8  # of a kind that are shown
_SIDE = 128
_KINDS = (("real", True), ("real", False), ("fake", True), ("fake", False))  # label, whether rightly judged
_HEAD = ("label", "judged", "score", "table", "video", "original", "method", "image")


def write_samples(run: Path, sources: Sequence[Source], recipe: Profile) -> None:
    """Write ``samples.csv`` and ``samples.png`` into the folder of a run that has its model.

    Args:
        run: The folder.
        sources: Tables whose split ``choose`` the faces are from; of very many, some are drawn.
        recipe: That the model was trained by.

    Raises:
        DataError: A table cannot be used.
        ModelError: The model cannot be read.
        OutputError: They cannot be written.
    """
    model = load_model_folder(run / "model")
    threshold = model.config.decision.threshold
    classifier = Classifier.of(model, threads=torch.get_num_threads())
    faces = faces_to_choose_by(list(sources), recipe)
    drawn = np.sort(np.random.default_rng(recipe.classifier.seed).permutation(len(faces))[:_MOST])
    scores = np.concatenate(
        [
            classifier.score(np.stack([faces[int(one)] for one in drawn[start : start + BATCH]]))
            for start in range(0, len(drawn), BATCH)
        ]
    )
    groups = [
        [
            (int(drawn[one]), float(scores[one]))
            for one in _surest(scores, faces.labels[drawn], threshold, *kind)
        ]
        for kind in _KINDS
    ]
    _write_table(run / "samples.csv", groups, faces, sources)
    _write_sheet(run / "samples.png", groups, faces)


def _surest(
    scores: NDArray[np.float32], labels: NDArray[np.int64], threshold: float, label: str, right: bool
) -> list[int]:
    """Find the faces of a label that are rightly, or wrongly, judged, those farthest from it first."""
    called = scores >= threshold
    mine = np.flatnonzero((labels == (label == "fake")) & ((called == labels) == right))
    order = np.argsort(-np.abs(scores[mine] - threshold), kind="stable")
    return [int(one) for one in mine[order][:_EACH]]


def _write_table(
    path: Path, groups: Sequence[Sequence[tuple[int, float]]], faces: FacesOnce, sources: Sequence[Source]
) -> None:
    with write_atomically(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEAD)
        for (label, right), group in zip(_KINDS, groups, strict=True):
            for number, score in group:
                row, table = faces.rows[number], sources[faces.tables[number]].table
                method = faces.forged[number] or row.method
                writer.writerow(
                    [label, "right" if right else "wrong", f"{score:.4f}", table.parent.name]
                    + [row.video, row.original, method, row.path]
                )


def _write_sheet(path: Path, groups: Sequence[Sequence[tuple[int, float]]], faces: FacesOnce) -> None:
    """Draw a row a kind; where there are few of it, the rest of the row is left empty."""
    empty = np.full((1, 1, 3), 24, np.uint8)  # as dark as the sheet
    pictures, titles = [], []
    for (label, right), group in zip(_KINDS, groups, strict=True):
        pictures += [faces[number] for number, _ in group] + [empty] * (_EACH - len(group))
        titles += [f"{label} {score:.2f} {'right' if right else 'wrong'}" for _, score in group]
        titles += ["" if group else f"no {label} wrong" if not right else f"no {label} right"] * (
            len(pictures) - len(titles)
        )
    sheet = contact_sheet(pictures, titles, columns=_EACH, side=_SIDE)
    with write_atomically(path, "wb") as file:
        file.write(encode_png(sheet))
