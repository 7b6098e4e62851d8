"""What a run of a renderer looks like: a page for a browser, and what TensorBoard shows of it."""

from collections.abc import Sequence
from pathlib import Path

from deepfake_cli.errors import DataError
from deepfake_cli.io.files import make_folder, write_atomically
from deepfake_cli.io.gallery import Curves, Grid, Section, Sheet, write_gallery
from deepfake_cli.io.png import encode_png
from deepfake_cli.settings import RendererSettings

from ..run_folder import Row
from .judge import TITLES
from .train import RendererEpoch, RendererStep


def step_values(step: RendererStep) -> dict[str, float]:
    """Name what TensorBoard shows of a step."""
    return {f"loss/{name}": value for name, value in step.losses._asdict().items()}


def epoch_values(epoch: RendererEpoch) -> dict[str, float]:
    """Name what TensorBoard shows of an epoch, beside its samples."""
    return {f"choose/{name}": value for name, value in measures_of(epoch).items() if value is not None}


def measures_of(epoch: RendererEpoch) -> dict[str, float | None]:
    """Name the measures of an epoch."""
    judged = epoch.judged
    return {
        "reconstruction": judged.reconstruction,
        "face_normals": judged.face_normals,
        "head_normals": judged.head_normals,
        "head_albedo": judged.head_albedo,
        "constancy": judged.constancy,
        "untouched": epoch.untouched,
        "error": judged.error,
    }


def best_row(rows: Sequence[Row], epoch: str) -> Row:
    """Take the row of the epoch whose weights are kept; the errors in rows are too rounded to tell.

    Raises:
        DataError: There is none.
    """
    for row in rows:
        if row["epoch"] == epoch:
            return row
    raise DataError(f"losses.csv has no row of epoch {epoch}, the best so far", "restore it, or start again")


def write_report(
    folder: Path,
    name: str,
    rows: Sequence[Row],
    best: Row,
    settings: RendererSettings,
    epoch: RendererEpoch,
) -> None:
    """Write ``index.html`` and the samples of an epoch beside those of earlier ones.

    Args:
        folder: Made if missing.
        name: Of the run.
        rows: Of ``losses.csv``.
        best: That of the epoch which is kept.
        settings: The recipe.
        epoch: The latest.

    Raises:
        OutputError: It cannot be written.
    """
    make_folder(folder)
    with write_atomically(folder / _sheet_of(epoch.number), "wb") as file:
        file.write(encode_png(epoch.judged.sheet))
    height, width = epoch.judged.sheet.shape[:2]
    shown = [int(row["epoch"]) for row in reversed(rows) if (folder / _sheet_of(int(row["epoch"]))).exists()]
    write_gallery(
        folder,
        f"Renderer {name}",
        [
            _result(rows, best),
            _losses(rows),
            Section(
                "Samples",
                ("Real faces, then made-up heads; the newest epoch first.",),
                [
                    Sheet(_sheet_of(number), f"Epoch {number}", ", ".join(TITLES), (width, height))
                    for number in shown
                ],
            ),
            Section("Recipe", (), [Grid("[renderer]", ("key", "value"), [(k, str(v)) for k, v in settings])]),
        ],
    )


def _result(rows: Sequence[Row], best: Row) -> Section:
    return Section(
        "Result",
        (
            f"Best epoch: {best['epoch']}. Its error on the split choose and on made-up heads is "
            f"{float(best['judged_error']):.3f}, where doing nothing has 1.",
        ),
        [
            _curves(rows, "What decides: error relative to doing nothing", "error"),
            _curves(rows, "Mean absolute difference of faces and what they are rebuilt as", "reconstruction"),
            _curves(rows, "Degrees to the face model's and to true normals", "face_normals", "head_normals"),
            _curves(rows, "Difference of the albedo of made-up heads to the true one", "head_albedo"),
            _curves(
                rows, "Difference of albedo, and of pictures, under two lights", "constancy", "untouched"
            ),
        ],
    )


def _losses(rows: Sequence[Row]) -> Section:
    names = [name for name in rows[0] if name not in ("epoch", "steps") and not name.startswith("judged_")]
    parts: list[Curves | Grid] = [
        Curves("Each loss, without its weight", "step", {n: _points(rows, n) for n in names if n != "total"}),
        Curves("What is minimised", "step", {"total": _points(rows, "total")}),
        Grid("All epochs", tuple(rows[0]), [tuple(row.values()) for row in rows]),
    ]
    return Section("Losses", ("Means over each epoch.",), parts)


def _curves(rows: Sequence[Row], caption: str, *names: str) -> Curves:
    lines = {name: _points(rows, f"judged_{name}") for name in names}
    return Curves(caption, "step", {name: points for name, points in lines.items() if points})


def _points(rows: Sequence[Row], column: str) -> list[tuple[float, float]]:
    return [(float(row["steps"]), float(row[column])) for row in rows if row[column]]


def _sheet_of(epoch: int) -> str:
    return f"epoch-{epoch:04}.png"
