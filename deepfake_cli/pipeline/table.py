"""Make the table of faces that trainers read, out of all that the earlier stages have made."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from deepfake_cli.core.sampling import evenly_spread
from deepfake_cli.core.splits import within
from deepfake_cli.errors import DataError
from deepfake_cli.io.crops import Crop, Crops, read_crops
from deepfake_cli.io.face_table import Entry, read_entries, write_entries
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.maps import read_maps
from deepfake_cli.io.workspace import DatasetFolder, require
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile, TableSettings

from .forge_table import TABLE as FORGED
from .mri_tables import BLACK
from .stages import Bad, StageReport, write_report

STAGE = "table"


def make_table(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> StageReport:
    """Write ``faces.csv``: every face that was cut out, with its pair and map, and what was forged of it.

    Args:
        folder: Of the data set; its index and its faces are read, its maps and forgeries where there.
        profile: Which faces the table holds, and what they weigh.
        track: Progress.

    Returns:
        The report. It counts ``faces`` and, of them, those that are ``real``, ``fake`` and ``forged``, and
        those with a ``pair`` or ``map``; also the videos that have ``no face``.

    Raises:
        DataError: The index or the faces are missing, or there is no face at all.
        UsageError: Another process works on the data set.
        OutputError: The table cannot be written.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")
    require(folder.crops, f"dfdetect data crop {folder.name}")
    report = StageReport(STAGE)
    with folder.locked():
        total = sum(1 for _ in read_index(index))
        work = _Table(folder, profile.table, profile.data.seed, report)
        entries = work.all_entries(track(read_index(index), STAGE, total))
        first = next(entries, None)
        if first is None:
            raise DataError(f"no face of {folder.name} has been cut out", f"see {folder.report('crop')}")
        write_entries(folder.faces, chain([first], entries))
        write_report(folder, report)
    return report


def face_entry(
    folder: DatasetFolder, row: IndexRow, crops: Crops, crop: Crop, mri: str, beside: str = ""
) -> Entry:
    """Make the row of one face that was cut out, with a weight of 1.

    Args:
        folder: Of the data set.
        row: The video.
        crops: All faces of it.
        crop: The face.
        mri: Its map, relative to the table; may be empty.
        beside: What leads from the table to the folder of the data set, such as ``../``.
    """
    faces = folder.crops.name
    pair = f"{faces}/{row.original}/{crop.file}" if row.fake and crops.boxes_from == row.original else ""
    return Entry(
        image=f"{beside}{faces}/{row.id}/{crop.file}",
        box=crop.box,
        points=crop.points,
        label=row.label,
        video=row.id,
        # A fake of unknown origin is a group of its own, for whoever measures by groups.
        original=row.original or row.id,
        method=row.method,
        compression=row.compression,
        split=row.split,
        pair=f"{beside}{pair}" if pair and os.path.exists(f"{folder.path}/{pair}") else "",
        mri=mri,
        weight=1.0,
    )


class _Table:
    """Turns videos into rows, and counts them."""

    def __init__(
        self, folder: DatasetFolder, settings: TableSettings, seed: int, report: StageReport
    ) -> None:
        self._folder, self._settings, self._seed, self._report = folder, settings, seed, report
        self._forged = _Forged(folder.forged / FORGED, folder)
        self._black = f"{folder.mri.name}/{BLACK}" if (folder.mri / BLACK).exists() else ""

    def all_entries(self, rows: Iterable[IndexRow]) -> Iterator[Entry]:
        """Yield the rows of all videos."""
        for row in rows:
            yield from self._entries(row)
        self._forged.finish()

    def _entries(self, row: IndexRow) -> Iterator[Entry]:
        """Yield the rows of one video, and of what was forged of it."""
        forged = self._forged.of(row)
        if not within(f"table {row.original or row.id}", self._seed, self._settings.share):
            return
        self._report.videos += 1
        try:
            crops = read_crops(self._folder.crops / row.id)
            maps = self._maps(row)
        except DataError as error:
            missing = not (self._folder.crops / row.id).exists()
            self._bad(row, "no faces were cut out of it" if missing else error.message)
            return
        kept = _spread(crops.faces, self._settings.faces)
        names = {crop.file for crop in kept}
        made = [
            face_entry(self._folder, row, crops, crop, maps.get(crop.file, "") if row.fake else self._black)
            for crop in kept
        ]
        made += [entry for face, entry in forged if face in names]
        if not made:
            self._report.counts["no face"] += 1
        counts: dict[str, int] = {}
        for entry in made:
            counts[entry.video] = counts.get(entry.video, 0) + 1
        for entry in made:
            self._count(entry, row)
            yield replace(entry, weight=1 / counts[entry.video]) if self._per_video else entry

    @property
    def _per_video(self) -> bool:
        return self._settings.weigh == "video"

    def _maps(self, row: IndexRow) -> dict[str, str]:
        """Return the map of each face of a fake, if maps were made of it."""
        if not row.fake or not (self._folder.mri / row.id).is_dir():
            return {}
        maps = read_maps(self._folder.mri / row.id).maps
        return {one.face: f"{self._folder.mri.name}/{row.id}/{one.file}" for one in maps}

    def _count(self, entry: Entry, row: IndexRow) -> None:
        counts = self._report.counts
        counts["faces"] += 1
        counts["forged" if entry.label == "fake" and not row.fake else entry.label] += 1
        counts["with a pair"] += bool(entry.pair)
        counts["with a map"] += bool(entry.mri)

    def _bad(self, row: IndexRow, reason: str) -> None:
        self._report.bad.append(Bad(row.id, row.path, reason))


class _Forged:
    """The rows of ``forged/forged.csv``, read along with the index, whose order they have."""

    def __init__(self, table: Path, folder: DatasetFolder) -> None:
        self._table, self._folder = table, folder
        self._rows = read_entries(table) if table.exists() else iter(())
        self._next = next(self._rows, None)

    def of(self, row: IndexRow) -> list[tuple[str, Entry]]:
        """Take what was forged of a video: the face's name, and the row with paths as in ``faces.csv``."""
        found: list[tuple[str, Entry]] = []
        face = ""
        while not row.fake and self._next and self._next.original == row.id:
            entry = self._moved(self._next)
            if entry.image.startswith(f"{self._folder.crops.name}/"):
                face = entry.image.rpartition("/")[
                    2
                ]  # it stands before its forgeries, and in the table anyway
            else:
                found.append((face, entry))
            self._next = next(self._rows, None)
        return found

    def finish(self) -> None:
        """Check that all rows were taken.

        Raises:
            DataError: Some are of videos that the index does not hold, or are in another order.
        """
        if self._next:
            raise DataError(
                f"{self._table} does not fit the index",
                f"make it anew with: dfdetect data forge {self._folder.name}",
            )

    def _moved(self, entry: Entry) -> Entry:
        place = self._folder.forged.name
        image, pair = (
            os.path.normpath(f"{place}/{path}") if path else "" for path in (entry.image, entry.pair)
        )
        return replace(entry, image=image, pair=pair)


def _spread(faces: tuple[Crop, ...], most: int) -> tuple[Crop, ...]:
    """Keep at most so many faces, evenly spread over the video; 0 keeps all."""
    return tuple(evenly_spread(faces, most)) if most else faces
