"""What a run of a generator looks like: a page for a browser, and what TensorBoard shows of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.gallery import Curves, Grid, Section, Sheet, write_gallery
from deepfake_cli.io.png import encode_png
from deepfake_cli.settings import GanSettings

from .train import GanEpoch, GanStep


def step_values(step: GanStep) -> dict[str, float]:
    """Name what TensorBoard shows of a step."""
    return {f"loss/{name}": value for name, value in step.losses._asdict().items()}


def epoch_values(epoch: GanEpoch) -> dict[str, float]:
    """Name what TensorBoard shows of an epoch, beside its samples."""
    painted = epoch.painted
    measures = {"auc": painted.auc, "mean/real": painted.real, "mean/fake": painted.fake}
    if painted.ssim is not None:
        measures["ssim"] = painted.ssim
    return {f"choose/{name}": value for name, value in measures.items()}


def write_report(
    folder: Path, name: str, rows: Sequence[dict[str, str]], settings: GanSettings, epoch: GanEpoch
) -> None:
    """Write ``index.html`` and the samples of an epoch beside those of earlier ones.

    Args:
        folder: Made if missing.
        name: Of the run.
        rows: Of ``losses.csv``.
        settings: The recipe.
        epoch: The latest.

    Raises:
        OutputError: It cannot be written.
    """
    make_folder(folder)
    _save(folder / _sheet_of(epoch.number), epoch.painted.sheet)
    height, width = epoch.painted.sheet.shape[:2]
    best = max(rows, key=lambda row: float(row["auc"]))
    steps = [float(row["steps"]) for row in rows]

    def curves(caption: str, *names: str) -> Curves:
        known = {
            name: [(s, float(row[name])) for s, row in zip(steps, rows, strict=True) if row[name]]
            for name in names
        }
        return Curves(caption, "step", {name: points for name, points in known.items() if points})

    sheets = [
        Sheet(
            _sheet_of(int(row["epoch"])),
            f"Epoch {row['epoch']}",
            "Faces, true maps and painted maps",
            (width, height),
        )
        for row in reversed(rows)
        if (folder / _sheet_of(int(row["epoch"]))).exists()
    ]
    write_gallery(
        folder,
        f"Generator {name}",
        [
            Section(
                "Result",
                (
                    f"Best epoch: {best['epoch']}. With the mean of a map as the score for fake, its AUC on "
                    f"the split choose is {float(best['auc']):.3f}.",
                ),
                [
                    curves("AUC of the mean of a map", "auc"),
                    curves("Mean of the maps of real and of fake faces", "real", "fake"),
                    curves("Structural similarity of painted and true maps of fakes", "ssim"),
                ],
            ),
            Section(
                "Losses",
                ("Means over each epoch.",),
                [
                    curves("What the generator minimises", "generator"),
                    curves("Against each other", "adversarial", "discriminator"),
                    curves("Likeness of maps", "squared", "perceptual"),
                    Grid("All epochs", tuple(rows[0]), [tuple(row.values()) for row in rows]),
                ],
            ),
            Section("Samples", ("Face, true map, painted map; the newest epoch first.",), sheets),
            Section("Recipe", (), [Grid("[gan]", ("key", "value"), [(k, str(v)) for k, v in settings])]),
        ],
    )


def _sheet_of(epoch: int) -> str:
    return f"epoch-{epoch:04}.png"


def _save(path: Path, sheet: NDArray[np.uint8]) -> None:
    with write_atomically(path, "wb") as file:
        file.write(encode_png(sheet))
