"""Make the folders that reports go to."""

from pathlib import Path

from deepfake_cli.errors import OutputError
from deepfake_cli.io.files import reason


def make_folder(folder: Path) -> None:
    """Make a folder for results, unless it is there.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {reason(error)}", "choose another --output") from error
