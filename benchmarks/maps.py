"""Time the dissimilarity maps of a pair of faces, and compare the structural one with scikit-image's.

usage: python benchmarks/maps.py

The pair is scikit-image's portrait and a forged copy, 256 x 256. Times are CPU milliseconds of one thread,
medians of 31 with the candidates taking turns, so that other work counts alike. Prints Markdown; the last
output is in README.md.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut
from skimage.metrics import structural_similarity

from deepfake_cli.core.likeness import likeness
from deepfake_cli.core.mri import METRICS, dissimilarity
from deepfake_cli.core.warping import warp_hull

RUNS = 31
POINTS = np.array([(205.0, 112.0), (246.0, 108.0), (228.0, 132.0), (212.0, 152.0), (248.0, 149.0)])
LEFT, TOP, SIDE = 160, 55, 128  # of the face in the portrait


def pair() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make a real face and a forged one."""
    real = cv2.resize(astronaut()[TOP : TOP + SIDE, LEFT : LEFT + SIDE], (256, 256))
    points = (POINTS - (LEFT, TOP)) * 2
    return real, warp_hull(real, points, (0.4, 0.4), 0.2, np.random.default_rng(0))[0]


def reference(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Make the map as MRI-GAN's code does."""
    _, similar = structural_similarity(
        one, two, full=True, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2
    )
    return np.clip(1 - similar, 0, 1)


def main() -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    real, fake = pair()
    candidates: dict[str, Callable[[], object]] = {"scikit-image, SSIM": partial(reference, real, fake)}
    candidates |= {f"`{metric}`": partial(dissimilarity, real, fake, metric) for metric in METRICS}
    candidates["likeness (aligned? changed?)"] = partial(likeness, real, fake)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(RUNS):
        for name, run in candidates.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1e3)
    median = {name: statistics.median(spent) for name, spent in times.items()}
    slowest = median["scikit-image, SSIM"]
    print("| of a pair of 256 x 256 | ms | of scikit-image's time |\n|---|---|---|")
    for name, spent in median.items():
        print(f"| {name} | {spent:.2f} | {spent / slowest:.2f} |")
    farthest = np.abs(reference(real, fake) - dissimilarity(real, fake, "ssim")).max()
    print(f"\n`ssim` and scikit-image differ by at most {farthest:.0e}.")


if __name__ == "__main__":
    main()
