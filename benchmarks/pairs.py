"""Measure what tells aligned pairs of faces from misaligned ones, and changed from unchanged ones.

usage: python benchmarks/pairs.py TABLE PICTURES [COUNT [SEED]]

TABLE is a CSV with the columns `name`, `aligned_with` (for a fake: the real picture of the same frame and
box) and `original`; PICTURES a folder with NAME.jpg, of which COUNT pairs (300) are drawn. Unchanged are
real faces and compressed copies of them; misaligned ones are aligned pairs shifted or scaled, or fakes beside
the face of another video. Prints Markdown; the last output is in ../docs/mri.md.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_cli.core.likeness import likeness
from deepfake_cli.core.mri import METRICS, dissimilarity
from deepfake_cli.core.perturbations import jpeg, video_intra
from deepfake_cli.pipeline.mri import compare
from deepfake_cli.profile import load_profile

SETTINGS = load_profile().mri
SIDE = 256

Image = NDArray[np.uint8]
Pair = tuple[Image, Image]


def read_pairs(table: Path, pictures: Path, count: int, rng: np.random.Generator) -> list[tuple[str, Pair]]:
    """Draw aligned pairs, each with the name of its original."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["aligned_with"]]
    there = {path.stem for path in pictures.glob("*.jpg")}
    rows = [row for row in rows if {row["name"], row["aligned_with"]} <= there]
    chosen = [rows[i] for i in rng.permutation(len(rows))[:count]]
    return [
        (row["original"], (read(pictures, row["aligned_with"]), read(pictures, row["name"])))
        for row in chosen
    ]


def read(pictures: Path, name: str) -> Image:
    """Read a face at the size of a map."""
    image = cv2.imread(str(pictures / f"{name}.jpg"), cv2.IMREAD_COLOR_RGB)
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def moved(pairs: Iterable[Pair], pixels: float, scale: float, rng: np.random.Generator) -> Iterator[Pair]:
    """Shift the fakes in random directions, and scale them."""
    for real, fake in pairs:
        matrix = cv2.getRotationMatrix2D(((SIDE - 1) / 2,) * 2, 0, scale)
        angle = rng.uniform(0, 2 * np.pi)
        matrix[:, 2] += pixels * np.cos(angle), pixels * np.sin(angle)
        yield real, cv2.warpAffine(fake, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)


def row(name: str, pairs: Iterable[Pair]) -> str:
    """Measure one kind of pairs."""
    pairs = list(pairs)
    found = [likeness(*pair) for pair in pairs]
    outcomes = Counter(compare(*pair, SETTINGS) for pair in pairs)
    cells = [
        *np.percentile([one.shift * SIDE for one in found], [50, 95]).round(1),
        *np.percentile([one.around for one in found], [1, 50, 99]).round(2),
        *np.percentile([one.inside for one in found], [1, 50, 99]).round(2),
        *(f"{outcomes[kind] / len(pairs):.1%}" for kind in ("misaligned", "unchanged")),
    ]
    return f"| {name} | {len(pairs)} | " + " | ".join(map(str, cells)) + " |"


def main(table: str, pictures: str, count: str = "300", seed: str = "0") -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(int(seed))
    named = read_pairs(Path(table), Path(pictures), int(count), rng)
    pairs = [pair for _, pair in named]
    print("| pairs | n | shift, px: 50 % | 95 % | around: 1 % | 50 % | 99 % |", end="")
    print(" inside: 1 % | 50 % | 99 % | misaligned | unchanged |\n" + "|---" * 12 + "|")
    print(row("aligned", pairs))
    others = zip(named, named[1:] + named[:1], strict=True)
    print(row("of two videos", ((one[1][0], two[1][1]) for one, two in others if one[0] != two[0])))
    for pixels in (1, 2, 3, 4, 6, 12):
        print(row(f"shifted by {pixels} px", moved(pairs, pixels, 1, rng)))
    for scale in (1.02, 1.05, 1.1):
        print(row(f"scaled by {scale}", moved(pairs, 0, scale, rng)))
    for quality in (75, 50, 30):
        print(row(f"real, JPEG {quality}", ((real, jpeg(real, quality)) for real, _ in pairs)))
    for quality in (50, 20, 10):
        print(row(f"real, VP8 {quality}", ((real, video_intra(real, quality)) for real, _ in pairs)))
    kept = [pair for pair in pairs if compare(*pair, SETTINGS) == "aligned"]
    print("\n| metric | mean of the maps: 5 % | 50 % | 95 % |\n|---|---|---|---|")
    for metric in METRICS:
        means = [dissimilarity(*pair, metric).mean() for pair in kept]
        print(
            f"| `{metric}` | "
            + " | ".join(f"{part:.3f}" for part in np.percentile(means, [5, 50, 95]))
            + " |"
        )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:5])
