"""The workspace: where everything that is derived from data sets lies, by convention.

A data set has one folder in it; ``docs/workspace.md`` describes every file. Raw videos stay where they are.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.errors import DataError, OutputError, UsageError

from .files import reason


@dataclass(frozen=True)
class DatasetFolder:
    """The places of one data set in the workspace; nothing is made by asking for them.

    Attributes:
        path: ``WORKSPACE/NAME``.
    """

    path: Path

    @property
    def name(self) -> str:
        """Name of the data set in this workspace."""
        return self.path.name

    @property
    def source(self) -> Path:
        """Which data set this is and where its raw files lie."""
        return self.path / "source.json"

    @property
    def raw(self) -> Path:
        """Where raw files lie that were downloaded."""
        return self.path / "raw"

    @property
    def index(self) -> Path:
        """One row a video or picture."""
        return self.path / "index.csv"

    @property
    def plan(self) -> Path:
        """What augmentation does to which video."""
        return self.path / "plan.json"

    @property
    def augmented(self) -> Path:
        """Augmented videos, ``<id>.mp4``."""
        return self.path / "augmented"

    @property
    def landmarks(self) -> Path:
        """Faces found in each video, ``<id>.json``."""
        return self.path / "landmarks"

    @property
    def crops(self) -> Path:
        """A folder of faces for each video."""
        return self.path / "crops"

    @property
    def mri(self) -> Path:
        """A folder of dissimilarity maps for each fake, and the tables of the MRI data set."""
        return self.path / "mri"

    @property
    def predicted(self) -> Path:
        """A folder of maps for each video, painted by a generator, and the table of them."""
        return self.path / "predicted"

    @property
    def forged(self) -> Path:
        """Fakes made from real faces."""
        return self.path / "forged"

    @property
    def faces(self) -> Path:
        """The table that trainers read."""
        return self.path / "faces.csv"

    @property
    def inspection(self) -> Path:
        """Tables and contact sheets to look at before training."""
        return self.path / "inspect"

    def report(self, stage: str) -> Path:
        """What a stage did, and what it could not do."""
        return self.path / "reports" / f"{stage}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes off this data set; the system gives the lock back, whatever happens.

        Tables and reports that a killed process left half-written are removed.

        Raises:
            UsageError: Another process works on it.
            OutputError: The folder cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(
                f"cannot work in {self.path}: {reason(error)}", "choose another workspace"
            ) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(
                    f"another dfdetect is working on {self.name}", "wait until it has ended"
                ) from None
            for left in (*self.path.glob(".*.part"), *self.path.glob("reports/.*.part")):
                if left.is_file():
                    left.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)


def dataset_folder(workspace: Path, name: str) -> DatasetFolder:
    """Name the folder of a data set, which need not be there.

    Raises:
        UsageError: The name would lead out of the workspace.
    """
    if not name or name in (".", "..") or "/" in name or "\0" in name or name.startswith("."):
        raise UsageError(f"{name!r} cannot be the name of a data set", "use letters, digits, - and _")
    return DatasetFolder(workspace / name)


def dataset_folders(workspace: Path) -> list[DatasetFolder]:
    """List the data sets of a workspace by name."""
    with suppress(OSError):
        return [
            DatasetFolder(path) for path in sorted(workspace.iterdir()) if (path / "source.json").is_file()
        ]
    return []


def require(path: Path, command: str) -> Path:
    """Return a file or folder that an earlier stage makes.

    Raises:
        DataError: It is not there; the hint names the command that makes it.
    """
    if not path.exists():
        raise DataError(f"{path} is missing", f"make it first with: {command}")
    return path


def sweep(folder: Path) -> None:
    """Remove what a killed process left half-written below a folder; its owner must be locked.

    These are the temporary files of ``files.write_atomically`` and folders of ``write_folder``.
    """
    import shutil

    for found in folder.rglob(".*.part"):
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink(missing_ok=True)


@contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that appears under its name only when it is whole; an older one is replaced.

    Args:
        path: Where it is to appear; folders above it are made.

    Yields:
        The folder to fill, beside the target.

    Raises:
        OutputError: It cannot be written.
    """
    import secrets
    import shutil

    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            old = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
            os.replace(path, old)
            os.replace(temporary, path)
            shutil.rmtree(old)
        else:
            os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {reason(error)}", "see that there is space and permission"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there; it is gone at once, or not at all.

    Raises:
        OutputError: It cannot be removed.
    """
    import secrets
    import shutil

    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        os.replace(path, temporary)
        shutil.rmtree(temporary)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {reason(error)}", "see that you may write there") from error
