"""Measure indexing a data set and writing its table of faces: time a row and memory, as rows become many.

Each measurement is a process of its own. The index reads a CSV that names so many files of one byte, half of
them fakes of the others; the table reads so many faces in ``crops.json`` files of 100 faces each.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FACES = 100  # of a video, in the measurement of the table
BEGIN, END = "<!-- tables.py --write: begin -->", "<!-- tables.py --write: end -->"


def plant_index(root: Path, rows: int) -> None:
    """Make files, hard links of one for each thousand, and the CSV that names them."""
    (root / "raw").mkdir()
    with (root / "raw" / "table.csv").open("w") as table:
        table.write("path,label,original,identity,method\n")
        for i in range(rows):
            folder = root / "raw" / f"{i // 1000:04}"
            name = f"{folder.name}/{i % 1000:03}.mp4"
            if i % 1000 == 0:
                folder.mkdir()
                (root / "raw" / name).write_bytes(b"x")
            else:
                (root / "raw" / name).hardlink_to(folder / "000.mp4")
            pair = f"{folder.name}/{i % 1000 - 1:03}.mp4"
            table.write(f"{name},fake,{pair},p{i // 20},swap\n" if i % 2 else f"{name},real,,p{i // 20},\n")


def plant_table(root: Path, rows: int) -> None:
    """Make an index of videos and the descriptions of their faces, without the pictures."""
    from deepfake_cli.io.crops import Crop, Crops, write_crops
    from deepfake_cli.io.index import IndexRow, write_index

    folder = root / "workspace" / "data"
    videos = [f"v{i:06}" for i in range(rows // FACES)]
    points = tuple(float(k) + 0.25 for k in range(10))
    faces = tuple(
        Crop(f"{k:05}_0.png", k, 0, k / 3, (12.5, 8.0, 90.25, 101.5), points, 0.9987) for k in range(FACES)
    )
    for i, video in enumerate(videos):
        (folder / "crops" / video).mkdir(parents=True)
        write_crops(folder / "crops" / video, Crops("0" * 12, videos[i - i % 2], faces))
    write_index(
        folder / "index.csv",
        (
            IndexRow(
                video, f"{video}.mp4", "fake" if i % 2 else "real", videos[i - i % 2], "", "", "", "train"
            )
            for i, video in enumerate(videos)
        ),
    )


def run(what: str, root: Path) -> None:
    """Do the work to be measured, and print seconds and megabytes."""
    from deepfake_cli.io.index import Source, write_source
    from deepfake_cli.io.workspace import DatasetFolder
    from deepfake_cli.pipeline.index import index_dataset
    from deepfake_cli.pipeline.table import make_table
    from deepfake_cli.profile import load_profile

    folder = DatasetFolder(root / "workspace" / "data")
    folder.path.mkdir(parents=True, exist_ok=True)
    write_source(folder, Source("folder", root / "raw", {}))
    profile = load_profile()
    work = index_dataset if what == "index" else make_table
    before, begun = _processor(), time.perf_counter()
    work(folder, profile)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, _processor() - before, memory]))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(sizes: list[int]) -> Iterator[str]:
    """Yield the rows of the table in the README."""
    for what, plant in (("index", plant_index), ("table", plant_table)):
        first = 0.0
        for rows in sizes:
            with tempfile.TemporaryDirectory() as place:
                plant(Path(place), rows)
                command = [sys.executable, __file__, "--run", what, place]
                done = subprocess.run(command, check=True, capture_output=True)
            seconds, work, memory = json.loads(done.stdout)
            first = first or work / rows
            yield (
                f"| {what} | {rows:,} | {seconds:.2f} s | {work:.2f} s | {work / rows * 1e6:.0f} µs |"
                f" {work / rows / first:.2f} | {memory:.0f} MB |"
            )
            print(f"{what} {rows}: {seconds:.2f} s, {work:.2f} s, {memory:.0f} MB", file=sys.stderr)


def main() -> None:
    """Measure, print, and with --write put the table into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    parser.add_argument("--run", nargs=2, metavar=("WHAT", "DIR"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run(given.run[0], Path(given.run[1]))
        return
    head = [
        "| stage | rows | time | of the processor | a row | to the first | most memory |",
        "|---|---|---|---|---|---|---|",
    ]
    text = "\n".join([*head, *measure(given.rows)])
    print(text)
    if given.write:
        readme = Path(__file__).with_name("README.md")
        before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
