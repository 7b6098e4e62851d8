"""What a run of a classifier looks like: a page for a browser, and what TensorBoard shows of it."""

from collections.abc import Sequence
from pathlib import Path

from deepfake_cli.io.gallery import Curves, Grid, Section, write_gallery
from deepfake_cli.settings import Profile

from .classifier import Epoch, TrainingStep
from .progress import recipe_values
from .run_folder import Row

REPORT = "report.html"


def step_values(step: TrainingStep) -> dict[str, float]:
    """Name what TensorBoard shows of a step."""
    return {"loss/train": step.loss, "learning rate": step.rate}


def epoch_values(epoch: Epoch) -> dict[str, float]:
    """Name what TensorBoard shows of an epoch."""
    aucs = {f"choose/AUC {name}": value for name, value in epoch.choose.items()}
    return {"loss/choose": epoch.choose_loss, "choose/AUC": epoch.choose_auc, **aucs}


def write_report(
    folder: Path, rows: Sequence[Row], profile: Profile, facts: Sequence[tuple[str, str]]
) -> None:
    """Write ``report.html`` into a run's folder.

    Args:
        folder: Of the run; its name is the title.
        rows: Of ``epochs.csv``.
        profile: The recipe.
        facts: What else is to be known of the run, name and value.

    Raises:
        OutputError: It cannot be written.
    """
    best = max(rows, key=lambda row: float(row["choose_auc"]))

    def curves(caption: str, *names: str) -> Curves:
        return Curves(
            caption,
            "step",
            {name: [(float(row["steps"]), float(row[name])) for row in rows] for name in names},
        )

    by_table = [name for name in rows[0] if name.startswith("choose_auc ")]
    settings = [(key, str(value)) for key, value in recipe_values(profile).items()]
    write_gallery(
        folder,
        f"Classifier {folder.name}",
        [
            Section(
                "Result",
                (
                    f"Best epoch: {best['epoch']}, with an AUC of {float(best['choose_auc']):.3f} over the "
                    "videos of the split choose, by which it was chosen; how good the model is on data that "
                    "nothing was chosen by, dfdetect classifier test tells.",
                ),
                [
                    curves("AUC over the videos of the split choose", "choose_auc", *by_table),
                    curves("Loss", "loss", "choose_loss"),
                    curves("Learning rate", "rate"),
                    Grid("All epochs", tuple(rows[0]), [tuple(row.values()) for row in rows]),
                ],
            ),
            Section("Run", (), [Grid("How it was made", ("what", "value"), facts)]),
            Section("Recipe", (), [Grid("Profile", ("key", "value"), settings)]),
        ],
        page=REPORT,
    )
