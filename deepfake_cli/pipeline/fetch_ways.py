"""The ways by which the files of a data set come here."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deepfake_cli.errors import DataError, FetchError, UsageError
from deepfake_cli.io import unsplash
from deepfake_cli.io.archives import DamagedArchiveError, Limits, unpack
from deepfake_cli.io.datasets import Dataset, Download, spelled_out
from deepfake_cli.io.download import Manner, Remote, download, require_space
from deepfake_cli.io.files import make_folder
from deepfake_cli.io.hub import HubReference
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.progress import Track
from deepfake_cli.settings import FetchSettings

_GB = 1_000_000_000
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_LOOKED_AT = 10_000  # folders that are searched for real and fake


@dataclass(frozen=True)
class Copy:
    """Files of a data set.

    Attributes:
        root: Absolute path of their folder.
        options: What of the data set they are.
    """

    root: Path
    options: dict[str, list[str]]


def adopt(dataset: Dataset, copy: Path, chosen: dict[str, list[str]]) -> Copy:
    """Take files where they are; nothing is copied or changed.

    Raises:
        UsageError: There is no such folder.
        DataError: A folder of one's own holds no real and fake files.
    """
    root = copy.expanduser().absolute()
    if root.is_file() and dataset.access == "own":
        return Copy(root.parent, chosen | {"csv": [root.name]})
    if not root.is_dir():
        raise UsageError(f"{copy} is no folder", "check the path")
    if dataset.access == "own" and not _is_labelled(root):
        raise DataError(
            f"{root} holds neither folders named real and fake nor a table",
            "put files into DIR/real and DIR/fake, or write DIR/files.csv with the columns path and label",
        )
    return Copy(root, chosen)


def fetch_archives(
    dataset: Dataset,
    chosen: dict[str, list[str]],
    folder: DatasetFolder,
    settings: FetchSettings,
    mirror: str,
    track: Track,
) -> Copy:
    """Download archives side by side and unpack each into a folder of its own.

    Raises:
        FetchError: A download fails; what has arrived is kept.
        DataError: An archive is damaged or unsafe.
        OutputError: The disk is too small or cannot be written.
    """
    root = _raw(folder)
    manner = _manner(settings)
    waiting = {}
    for file in dataset.download:
        for name, url in spelled_out((file.name, file.url), file.when, chosen):
            if not (root / _stem(name)).is_dir():
                waiting[name] = _remote(file, name, url, folder, mirror)
    sizes = [remote.size or remote.about for remote in waiting.values()]
    # Archives go when they are unpacked, so that there is never more than one beside its own content.
    require_space(root, sum(sizes) + max(sizes, default=0), manner.reserve)
    download(list(waiting.values()), manner, name=dataset.name, track=track)
    limits = Limits(int(settings.unpacked * _GB), settings.expansion, settings.members, manner.reserve)
    for name, remote in waiting.items():
        try:
            unpack(remote.path, root / _stem(name), limits, track=track)
        except DamagedArchiveError as error:
            remote.path.unlink()
            hint = f"it was removed: run the same command again, and {name} is downloaded anew"
            raise DataError(error.message, hint) from error
        if not settings.keep:
            remote.path.unlink()
    return Copy(root, chosen)


def run_script(
    dataset: Dataset,
    script: Path,
    chosen: dict[str, list[str]],
    folder: DatasetFolder,
    number: int,
    server: str,
) -> Copy:
    """Let the script that the authors of FaceForensics++ send fetch each chosen set.

    It shows its terms and waits until they are confirmed. Our terminal is its own, so that the user, not
    dfdetect, agrees to them; what it writes goes to stderr, for stdout is for results.

    Raises:
        UsageError: There is no such script.
        FetchError: It fails.
    """
    if not script.is_file():
        raise UsageError(f"{script} is no file", "name the script that the data set's authors sent you")
    root = _raw(folder)
    for part in dataset.script:
        for name, compression in spelled_out((part.set, "{compression}"), part.when, chosen):
            words = [str(root), "-d", name, "-c", compression, "-t", "videos"]
            words += ["-n", str(number)] if number else []
            words += ["--server", server] if server else []
            run = subprocess.run(
                [sys.executable, str(script), *words], stdout=sys.stderr.fileno(), check=False
            )
            if run.returncode:
                raise FetchError(
                    f"{script.name} {' '.join(words[1:])} ended with code {run.returncode}; see above",
                    "it wants its terms confirmed on a terminal; another server: --server EU2 or CA; "
                    "run the same command again to go on",
                )
    return Copy(root, chosen)


def list_pictures(
    word: str, folder: DatasetFolder, settings: FetchSettings, mirror: str, again: bool, track: Track
) -> tuple[Path, int]:
    """Add what a word finds on Unsplash to the list; return the list and the number of pictures found.

    Raises:
        UsageError: The word was searched before, or there is no access key.
        FetchError: Unsplash refuses or cannot be reached.
    """
    path = folder.path / "pictures.csv"
    known = unsplash.read_list(path)
    if not again and word in unsplash.words_of(known):
        raise UsageError(
            f"{path} lists pictures of {word!r} already, perhaps pruned",
            "download them without --search, or list them anew with --force",
        )
    others = [photo for photo in known if photo.word != word]
    ids = {photo.id for photo in others}
    api = mirror.rstrip("/") or unsplash.API
    found = unsplash.search(word, settings.pictures, settings.picture_size, settings.timeout, api, track)
    new = [photo for photo in found if photo.id not in ids]
    unsplash.write_list(path, [*others, *new])
    return path, len(new)


def fetch_pictures(folder: DatasetFolder, settings: FetchSettings, mirror: str, track: Track) -> Copy:
    """Download the pictures on the list.

    Raises:
        UsageError: There is no list yet, or no access key.
        FetchError: Unsplash refuses or cannot be reached.
    """
    photos = unsplash.read_list(folder.path / "pictures.csv")
    if not photos:
        raise UsageError(
            "there is no list of pictures yet", "write one with: dfdetect data fetch unsplash --search face"
        )
    root = _raw(folder)
    unsplash.fetch_photos(photos, root, _manner(settings), mirror.rstrip("/") or unsplash.API, track)
    return Copy(root, {"search": list(unsplash.words_of(photos))})


def fetch_from_hub(
    text: str, folder: DatasetFolder, settings: FetchSettings, mirror: str, track: Track
) -> Copy:
    """Download a data set from the Hugging Face Hub.

    Raises:
        UsageError: This names nothing on the Hub.
        HubError: The Hub cannot be reached, refuses, or lacks it.
    """
    from deepfake_cli.io.hub_data import fetch_snapshot

    reference = HubReference.parse(text)
    if reference is None:
        raise UsageError(
            f"'{text}' is no data set on the Hub", "name it as owner/name or owner/name@revision"
        )
    root = _raw(folder)
    commit = fetch_snapshot(reference, root, settings.connections, endpoint=mirror or None, track=track)
    return Copy(root, {"hub": [f"{reference.repo}@{commit}"]})


def _raw(folder: DatasetFolder) -> Path:
    """Make the folder for raw files, and remove what a killed process left half-unpacked in it."""
    root = folder.raw.absolute()
    make_folder(root, "choose another workspace")
    for half in root.glob(".*.part"):
        shutil.rmtree(half, ignore_errors=True)
    return root


def _manner(settings: FetchSettings) -> Manner:
    return Manner(
        settings.connections,
        settings.timeout,
        settings.retries,
        settings.pause,
        settings.wait,
        int(settings.reserve * _GB),
    )


def _remote(file: Download, name: str, url: str, folder: DatasetFolder, mirror: str) -> Remote:
    return Remote(
        f"{mirror.rstrip('/')}/{name}" if mirror else url,
        folder.path / "downloads" / name,
        size=file.size,
        about=int(file.gigabytes * _GB),
        sha256=file.sha256,
    )


def _stem(name: str) -> str:
    return next(name.removesuffix(suffix) for suffix in reversed(_SUFFIXES) if name.endswith(suffix))


def _is_labelled(root: Path) -> bool:
    """Whether a folder holds a table, or folders named real or fake."""
    if any(path.suffix.lower() == ".csv" for path in root.iterdir()):
        return True
    folders = (path for path in root.glob("**/") if path.is_dir())
    return any(
        path.name.lower() in ("real", "fake") for path, _ in zip(folders, range(_LOOKED_AT), strict=False)
    )
