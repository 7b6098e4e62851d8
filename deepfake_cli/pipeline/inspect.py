"""Look at a data set before training: what there is, how large faces are, what is in two splits at once."""

import csv
import json
import os
from array import array
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from deepfake_cli.io.crops import read_crops
from deepfake_cli.io.face_table import read_entries
from deepfake_cli.io.files import write_atomically
from deepfake_cli.io.index import IndexRow, read_index
from deepfake_cli.io.workspace import DatasetFolder, remove_folder, require, write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import Profile

from .inspect_duplicates import Divided, Duplicates, Match
from .inspect_look import Look, Looker
from .inspect_page import write_page
from .inspect_result import Copies, Copy, Inspection, Picture
from .inspect_sheets import Samples, draw_sheets
from .stages import Bad
from .workers import Done, Lost, supervise

COPIES, RESULT = "duplicates.csv", "inspect.json"
COLUMNS = ("distance", "first", "first_split", "first_label", "second", "second_split", "second_label")


def inspect_dataset(folder: DatasetFolder, profile: Profile, *, track: Track = untracked) -> Inspection:
    """Look at everything the stages have made so far, and write a page about it.

    ``inspect`` gets ``index.html`` and its contact sheets, ``duplicates.csv`` and ``inspect.json``.

    Args:
        folder: Of the data set; its index is read, and its faces, maps, forgeries and table where there.
        profile: What to look for, how large to draw, how many videos at once, and the seed.
        track: Progress.

    Returns:
        What was found.

    Raises:
        DataError: There is no index, or the index or the table make no sense.
        UsageError: Another process works on the data set.
        OutputError: Something cannot be written.
    """
    index = require(folder.index, f"dfdetect data index {folder.name}")
    settings, found = profile.inspect, Inspection(folder.name)
    samples, duplicates = Samples(profile.data.seed, settings.pictures), Duplicates()
    with folder.locked():
        for left in folder.path.glob(f".{folder.inspection.name}.*.part"):
            remove_folder(left)  # of a run that was killed
        cut = _count_files(folder, index, found)
        bad: dict[int, Bad] = {}
        looks = _looks(folder, index, profile)
        with closing(looks):
            for number, row, look in track(looks, "looking", cut):
                if problem := look if isinstance(look, str) else look.problem:
                    bad[number] = Bad(row.id, row.path, problem)
                if isinstance(look, str):
                    continue
                found.add(row, look)
                samples.offer(row, look)
                duplicates.add(number, row.split, look.hashes)
        found.bad = [bad[number] for number in sorted(bad)]
        if folder.faces.exists():
            for entry in read_entries(folder.faces):
                found.table.add(entry)
        pairs, matches = duplicates.search(settings.distance, settings.duplicates)
        found.copies = Copies(len(duplicates), found.plain, pairs, _named(folder, index, matches))
        with write_folder(folder.inspection) as target:
            found.sheets = list(draw_sheets(folder, samples, settings, profile.data.seed, target))
            _write(target, found)
            write_page(target, found, settings)
    return found


def _count_files(folder: DatasetFolder, index: Path, found: Inspection) -> int:
    """Count the files of the index, and tell how many had their faces cut out."""
    people, originals, cut = Divided(), Divided(), 0
    for row in read_index(index):
        found.files[row.label, row.method, row.split] += 1
        people.add(row.identity, row.split)
        originals.add(row.original, row.split)
        cut += _is_cut(folder, row)
    found.divided = {"people": people.count(), "originals": originals.count()}
    return cut


def _is_cut(folder: DatasetFolder, row: IndexRow) -> bool:
    return os.path.isdir(f"{folder.crops}/{row.id}")


def _looks(
    folder: DatasetFolder, index: Path, profile: Profile
) -> Generator[tuple[int, IndexRow, Look | str], None, None]:
    """Look in worker processes at all videos whose faces were cut.

    Yields:
        Number in the index, row, and what was seen, or what is wrong.
    """
    numbers = array("L")
    rows: dict[int, IndexRow] = {}

    def tasks() -> Iterator[IndexRow]:
        for number, row in enumerate(read_index(index)):
            if _is_cut(folder, row):
                rows[len(numbers)] = row
                numbers.append(number)
                yield row

    jobs = profile.data.jobs or len(os.sched_getaffinity(0))
    work = Looker(folder, profile.inspect.hashes)
    with closing(supervise(work, tasks(), jobs=jobs, timeout=profile.data.timeout)) as events:
        for event in events:
            if isinstance(event, Done | Lost):
                seen = event.reason if isinstance(event, Lost) else event.value
                yield numbers[event.task], rows.pop(event.task), seen


def _named(folder: DatasetFolder, index: Path, matches: list[Match]) -> list[Copy]:
    """Name the videos and pictures of matches, which are known by their numbers."""
    wanted = {number for match in matches for number, _ in (match.first, match.second)}
    rows = {number: row for number, row in enumerate(read_index(index)) if number in wanted}

    def picture(number: int, face: int) -> Picture:
        row = rows[number]
        file = read_crops(folder.crops / row.id).faces[face].file
        return Picture(f"{folder.crops.name}/{row.id}/{file}", row.split, row.label)

    return [Copy(one.distance, picture(*one.first), picture(*one.second)) for one in matches]


def _write(target: Path, found: Inspection) -> None:
    with write_atomically(target / RESULT) as file:
        file.write(json.dumps(found.to_json(), indent=2) + "\n")
    with write_atomically(target / COPIES) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for copy in found.copies.listed:
            one, two = copy.first, copy.second
            writer.writerow((copy.distance, one.path, one.split, one.label, two.path, two.split, two.label))
