"""Measure `dfdetect data landmarks` and `data crop` on folders of clips against the way of published systems.

    python benchmarks/landmarks.py [--runs 3] [--count 8] [--clips FOLDER] [--write]

The reference is what MRI-GAN's and others' code does: facenet-pytorch's MTCNN on every 10th frame at full
resolution, one video after the other, a PNG a face. Both look at the same frames of the same clips, as whole
processes, start-up included, in turn; every figure is a median. The faces that both find are counted. The
clips are those of `footage.py`, made on the way, once if --clips names a folder to keep them in. --write puts
the tables into benchmarks/README.md. It wants a quiet machine.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from footage import SIZES as FRAMES
from footage import make_clip
from scan import HERE, README, SCAN, Bench, Command, Row, as_markdown

from deepfake_cli.core.boxes import iou
from deepfake_cli.io.index import IndexRow, Source, write_index, write_source
from deepfake_cli.io.landmarks import read_landmarks
from deepfake_cli.io.workspace import DatasetFolder

BEGIN, END = "<!-- landmarks.py --write: begin -->\n", "<!-- landmarks.py --write: end -->\n"
SIZES = ("480p", "720p-web", "1080p-web", "1080p")
SECONDS = 10.0  # of a clip
EVERY = 10  # frames
MARGIN = 0.1  # by which a box grows on each side, of its width and height
SURE = 0.9  # least probability of a face that counts, of either
LARGE = (
    0.15  # least height that counts, of the frame's: the portrait takes 0.27, stars of its flag less than 0.1
)
SAME = 0.5  # least overlap of two boxes around the same face
TARGET = 8

Found = dict[tuple[str, int], np.ndarray]  # (N, 4) boxes by clip and sampled frame


def reference(clips: Path, output: Path) -> None:
    """Find and cut faces as the reference does; leaves the boxes in ``boxes.json``."""
    import cv2
    from PIL import Image

    from deepfake_cli.models._torchvision import import_torchvision

    import_torchvision()
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, post_process=False, device="cpu")
    found = []
    for clip in sorted(clips.iterdir()):
        folder = output / clip.stem
        folder.mkdir(parents=True)
        capture, number = cv2.VideoCapture(str(clip)), 0
        while capture.grab():
            if number % EVERY == 0:
                _, pixels = capture.retrieve()
                frame = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
                boxes, sure = detector.detect(frame)
                boxes = np.zeros((0, 4)) if boxes is None else boxes.astype(float)
                for i, box in enumerate(boxes):
                    grow = MARGIN * np.tile(box[2:] - box[:2], 2) * (-1, -1, 1, 1)
                    face = (box + grow).clip(0, 2 * frame.size).round().astype(int)
                    frame.crop(face.tolist()).save(folder / f"{number:05}_{i}.png")
                counted = [box.tolist() for box, p in zip(boxes, sure, strict=False) if p >= SURE]
                found.append([clip.stem, number // EVERY, counted])
            number += 1
        capture.release()
    (output / "boxes.json").write_text(json.dumps(found))


def prepare(clips: Path, workspace: Path) -> None:
    """Index a folder of clips in a fresh workspace."""
    shutil.rmtree(workspace, ignore_errors=True)
    folder = DatasetFolder(workspace / "bench")
    folder.path.mkdir(parents=True)
    names = sorted(path.name for path in clips.iterdir())
    write_source(folder, Source("folder", clips, {}))
    rows = (IndexRow(Path(n).stem, n, "real", Path(n).stem, "", "", "", "train") for n in names)
    write_index(folder.index, rows)


def stage(name: str, workspace: Path, *more: str) -> Command:
    """Spell the command of a stage."""
    return (SCAN[0], "data", name, "bench", "--workspace", str(workspace), "--quiet", *more)


def compare(size: str, bench: Bench, clips: Path, scratch: Path, runs: int) -> list[Row]:
    """Measure one folder of clips, and compare the faces found."""
    ours, theirs = scratch / "workspace", scratch / "reference"
    every = ("--every", str(EVERY))
    name = f"{len(list(clips.iterdir()))} clips of {size}, "
    script = str(HERE / "landmarks.py")
    works: dict[str, Sequence[Command]] = {
        "reference": [(sys.executable, script, "--reference", str(clips), str(theirs))],
        "landmarks, then crop": [stage("landmarks", ours, *every), stage("crop", ours)],
        "landmarks --crops": [stage("landmarks", ours, *every, "--crops")],
    }

    def clear(command: Command) -> None:
        """Take away what a command makes: of our stages, what is finished would not be done again."""
        shutil.rmtree(theirs if "--reference" in command else ours / "bench" / "crops", ignore_errors=True)
        if "landmarks" in command:
            prepare(clips, ours)

    bench.turn(name, works, runs=runs, before=clear)
    (slow, two, one) = (bench.seconds(name + work) for work in works)
    least = LARGE * FRAMES[size.removesuffix("-web")][1]
    one_found, other = large(boxes_of_ours(ours / "bench"), least), large(boxes_of_reference(theirs), least)
    if one_found.keys() != other.keys():
        raise SystemExit(f"not the same frames: {len(one_found)} and {len(other)}")
    cut = len(list((ours / "bench" / "crops").rglob("*.png")))
    counted, missed, more = len_of(one_found), missing(other, one_found), missing(one_found, other)
    faces = (
        f"large faces in {len(one_found)} frames: {counted}, the reference {len_of(other)}; pictures: {cut}"
    )
    return [
        Row(
            f"{size}: reference / `landmarks --crops`",
            f"{slow / one:.1f}",
            f"≥ {TARGET}",
            slow / one >= TARGET,
        ),
        Row(f"{size}: reference / `landmarks`, then `crop`", f"{slow / two:.1f}"),
        Row(f"{size}: {faces}", f"{missed} of its missed, {more} beyond", "0 missed", not missed),
    ]


def boxes_of_ours(folder: Path) -> Found:
    """Read what `data landmarks` found."""
    found = {}
    for path in (folder / "landmarks").glob("*.json"):
        for frame in read_landmarks(path).frames:
            boxes = [face.box for face in frame.faces if face.probability >= SURE]
            found[path.stem, frame.frame] = np.array(boxes).reshape(-1, 4)
    return found


def boxes_of_reference(folder: Path) -> Found:
    """Read what the reference found."""
    stored = json.loads((folder / "boxes.json").read_text())
    return {(clip, frame): np.array(boxes).reshape(-1, 4) for clip, frame, boxes in stored}


def large(found: Found, least: float) -> Found:
    """Leave out faces that are lower than so many pixels: in this footage none of them is one."""
    return {key: boxes[boxes[:, 3] - boxes[:, 1] >= least] for key, boxes in found.items()}


def len_of(found: Found) -> int:
    """Count faces."""
    return sum(map(len, found.values()))


def missing(wanted: Found, found: Found) -> int:
    """Count the faces of one that the other does not have."""
    return sum(
        int((iou(boxes, found[key]).max(axis=1, initial=0) < SAME).sum()) for key, boxes in wanted.items()
    )


def folders(clips: Path, count: int, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Make a folder of clips of each size: of 480p they differ, of the others one is there several times."""
    for size in SIZES:
        folder = scratch / size
        folder.mkdir()
        for i in range(count):
            source = clips / "480p" / f"{i:02}.mp4" if size == "480p" else clips / f"{size}.mp4"
            (folder / f"{i:02}.mp4").symlink_to(source.resolve())
        yield size, folder


def measure(clips: Path, args: argparse.Namespace) -> str:
    """Make the clips and measure everything; return the tables."""
    (clips / "480p").mkdir(parents=True, exist_ok=True)
    for i in range(args.count):
        make_clip(clips / "480p" / f"{i:02}.mp4", "480p", SECONDS, i)
    for size in SIZES[1:]:
        make_clip(clips / f"{size}.mp4", size, SECONDS, 0)
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as place:
        own = {name: value for name, value in os.environ.items() if not name.startswith("DFDETECT_")}
        bench = Bench(own | {"XDG_CONFIG_HOME": home, "NO_COLOR": "1"}, args.runs)
        rows: list[Row] = []
        for size, folder in folders(clips, args.count, Path(place)):
            if size in args.only:
                rows += compare(size, bench, folder, Path(place), args.runs)
        return as_markdown(rows, bench, args.runs)


def main() -> None:
    """Measure, print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="runs whose median counts")
    parser.add_argument("--count", type=int, default=8, help="clips in a folder")
    parser.add_argument("--clips", type=Path, help="folder for the clips; kept, and used again")
    parser.add_argument("--only", choices=SIZES, nargs="+", default=SIZES, help="some of the sizes")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    parser.add_argument("--reference", nargs=2, type=Path, help="be the reference: CLIPS OUTPUT")
    args = parser.parse_args()
    if args.reference:
        reference(*args.reference)
        return
    with tempfile.TemporaryDirectory() as folder:
        tables = measure(args.clips or Path(folder), args)
    print(tables)
    if args.write:
        before, rest = README.read_text(encoding="utf-8").split(BEGIN)
        README.write_text(before + BEGIN + tables + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
