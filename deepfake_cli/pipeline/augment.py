"""Carry out a plan of augmentations, video by video.

Beside ``augmented/<id>.mp4`` stands ``<id>.json`` with the fingerprint of what was done. It is removed before
the video and written after it, so that a video without its note counts as unfinished, whenever the work was
interrupted, and a note never stands beside a video of another plan.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from deepfake_cli.errors import OutputError
from deepfake_cli.io.encode import Encoding, rewrite_video
from deepfake_cli.io.files import check_readable, reason, write_atomically
from deepfake_cli.io.images import kind_of
from deepfake_cli.io.index import IndexRow, read_index, read_source
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .augment_plan import Plan, read_plan
from .augmentations import Chain, to_json
from .stages import StageReport, fingerprint, run_stage

_RULES = 1  # changes when the same entry begins to mean something else


def apply_augmentation(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> StageReport:
    """Write the augmented videos of a plan; later stages read them in place of the raw ones.

    Videos that are no longer in the plan lose theirs. Pictures stay as they are, and are counted.

    Args:
        folder: Of the data set; its plan is read.
        profile: How to encode, and how many at once.
        track: Progress.

    Raises:
        DataError: The plan, the index or the source is missing or makes no sense.
        UsageError: Another process works on the data set.
        OutputError: A video cannot be written.
    """
    plan, source = read_plan(folder), read_source(folder)
    planned = {row.id for row in read_index(folder.index) if plan.entries(row)}
    with folder.locked():
        _remove_others(folder, planned)
    encoding = Encoding(profile.augment.crf, profile.augment.preset)
    return run_stage(
        folder,
        "augment",
        _Augment(folder, source.root, plan, encoding),
        (row for row in read_index(folder.index) if row.id in planned),
        output=folder.augmented,
        jobs=profile.data.jobs,
        timeout=profile.data.timeout,
        track=track,
        total=len(planned),
    )


@dataclass(frozen=True)
class _Augment:
    """Writes the augmented video of one row."""

    folder: DatasetFolder
    root: Path
    plan: Plan
    encoding: Encoding

    def __call__(self, row: IndexRow) -> dict[str, int]:
        """Write it, unless it is there."""
        cv2.setNumThreads(1)  # the others have work for the other cores
        video, note = self.folder.augmented / f"{row.id}.mp4", self.folder.augmented / f"{row.id}.json"
        entries = self.plan.entries(row)
        described = [to_json(entry) for entry in entries]
        source = self.root / row.path
        settings = fingerprint(_RULES, described, self.encoding, check_readable(source).st_size)
        done = _read_note(note)
        if done.get("settings") == settings and video.exists():
            return {"videos": 1, "frames": int(done["frames"])}
        _remove(note, video)
        if kind_of(source) == "image":
            return {"pictures left as they are": 1}
        made = rewrite_video(source, video, Chain(entries), encoding=self.encoding)
        content = {
            "settings": settings,
            "frames": made.frames,
            "sound": made.sound,
            "augmentations": described,
        }
        with write_atomically(note) as file:
            file.write(json.dumps(content, indent=2) + "\n")
        return {"videos": 1, "frames": made.frames}


def _read_note(path: Path) -> dict[str, Any]:
    """Read what was done; nothing where there is no note or none that makes sense."""
    try:
        note = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) and isinstance(note.get("frames"), int) else {}


def _remove_others(folder: DatasetFolder, planned: Collection[str]) -> None:
    """Remove the augmented videos that the plan does not ask for."""
    for note in sorted(folder.augmented.glob("*.json")):
        if note.stem not in planned:
            _remove(note)
    for video in sorted(folder.augmented.glob("*.mp4")):
        if video.stem not in planned:
            _remove(video)


def _remove(*paths: Path) -> None:
    """Remove files in this order, if they are there."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot remove {path}: {reason(error)}", "see that you may write there"
            ) from error
