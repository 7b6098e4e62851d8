"""Write a new calibration into a model folder, or into a copy of it."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from deepfake_cli.errors import OutputError, UsageError
from deepfake_cli.io.files import reason
from deepfake_cli.io.model_folder import CONFIG, EMBEDDED, AnyFolder, ModelFolder, StackFolder

from ..export import write_config
from ..measure.overlap import LEARNED, find_learned
from .calibrate import Calibrated


def check_place(model: AnyFolder, name: str, own: bool, output: Path | None) -> ModelFolder:
    """Refuse to change what is not the user's own, or to write over something.

    Args:
        model: What is to be calibrated.
        name: What the user calls it.
        own: Whether it is a folder of the user's.
        output: Where a copy is to go; None changes the model in place.

    Returns:
        The model, a classifier.

    Raises:
        UsageError: The model is embedded or in the Hub's cache, and there is no output.
        OutputError: There is something in the way.
    """
    assert isinstance(model, ModelFolder)  # it was found as a classifier
    # Files in the Hub's cache are links to what other revisions share.
    foreign = (model.path / CONFIG).is_symlink() or model.path.resolve().is_relative_to(EMBEDDED.resolve())
    if output is None and (foreign or not own):
        raise UsageError(f"{name} is not yours to change", "write a copy with --output FOLDER")
    if output is not None:
        refuse_existing(output)
    return model


def refuse_existing(output: Path) -> None:
    """Refuse to write over something.

    Raises:
        OutputError: There is something in the way.
    """
    if os.path.lexists(output):
        raise OutputError(f"cannot write {output}: it is there already", "name a new folder with --output")


def write_calibrated(model: ModelFolder, found: Calibrated, output: Path | None) -> Path:
    """Write a calibration to ``config.json`` and the card; a copy appears when it is whole.

    Numbers that were measured with the old calibration are left out.

    Returns:
        The folder that holds it.

    Raises:
        OutputError: It cannot be written.
    """
    config = _config(model, found)
    if output is None:
        write_config(model.path, config)
        return model.path
    if isinstance(model, StackFolder):
        for member in config["members"]:
            if member["model"].startswith("."):
                member["model"] = way_from(output, model.path / member["model"])
    temporary = output.with_name(f".{output.name[:40]}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        for file in model.path.iterdir():
            if file.is_file():
                shutil.copyfile(file, temporary / file.name)
        if learned := find_learned(model.path):
            shutil.copyfile(learned, temporary / LEARNED)
        write_config(temporary, config)
        temporary.rename(output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {reason(error)}", "choose another --output") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return output


def way_from(stack: Path, member: Path) -> str:
    """Name the folder of a member by the way to it from that of the stack; it begins with a dot."""
    way = os.path.relpath(member, stack)
    return way if way.startswith("..") else f"./{way}"


def _config(model: ModelFolder, found: Calibrated) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((model.path / CONFIG).read_text(encoding="utf-8"))
    config["input"]["margin"] = found.after.margin
    config["calibration"] = {"temperature": found.after.temperature, "source": found.temperature_source}
    config["decision"] |= {
        "threshold": found.after.threshold,
        "source": found.threshold_source,
        "uncertain": list(found.after.uncertain),
        "crowd": list(found.crowd),
    }
    config["metrics"] = []
    return config
