"""What a run of a generator looks like: a page for a browser, and the same for TensorBoard."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import OutputError
from deepfake_cli.io.files import reason, write_atomically
from deepfake_cli.io.gallery import Curves, Grid, Section, Sheet, write_gallery
from deepfake_cli.io.png import encode_png
from deepfake_cli.settings import GanSettings

from .gan import GanEpoch, GanStep

_EVERY = 20  # steps between points of TensorBoard's curves


class TensorBoard:
    """Writes what TensorBoard shows.

    Args:
        folder: Where; made with the first entry, which only the first of several processes makes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def step(self, step: GanStep) -> None:
        """Note the losses of a step, of every twentieth."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # What an interrupted run noted beyond its last checkpoint is taken back.
            self._writer = SummaryWriter(str(self._folder), purge_step=step.step)
        if step.step % _EVERY == 0:
            for name, value in step.losses._asdict().items():
                self._writer.add_scalar(f"loss/{name}", value, step.step)

    def epoch(self, epoch: GanEpoch) -> None:
        """Note the measures and samples of an epoch."""
        painted = epoch.painted
        measures = {"auc": painted.auc, "mean/real": painted.real, "mean/fake": painted.fake}
        if painted.ssim is not None:
            measures["ssim"] = painted.ssim
        for name, value in measures.items():
            self._writer.add_scalar(f"choose/{name}", value, epoch.steps)
        self._writer.add_image("samples", painted.sheet, epoch.steps, dataformats="HWC")
        self._writer.flush()


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {reason(error)}") from error
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
