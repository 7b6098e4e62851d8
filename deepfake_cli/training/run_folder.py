"""The folder of a training run: a new one, or one to go on with."""

from pathlib import Path

from deepfake_cli.errors import DataError
from deepfake_cli.io.files import make_folder


def open_run(folder: Path, resume: bool) -> Path:
    """Make a run's folder, or find the run in it, and return where its state is kept.

    Raises:
        DataError: The folder holds a run that is not to be resumed, or none that could be.
        OutputError: It cannot be made.
    """
    last = folder / "last.safetensors"
    if last.exists() and not resume:
        raise DataError(f"{folder} already holds a run", "go on with --resume, or name another --output")
    if resume and not last.exists():
        raise DataError(f"{folder} holds no run to resume", "start it without --resume")
    make_folder(folder)
    return last
