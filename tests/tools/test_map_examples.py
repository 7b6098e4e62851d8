"""The example maps of a generator's card: drawn again by the command that the card names."""

import re
import subprocess
import sys
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[2]


def test_the_embedded_generator_paints_forgeries_brighter_than_real_faces(tmp_path: Path) -> None:
    picture = tmp_path / "examples.jpg"
    done = subprocess.run(
        [sys.executable, "tools/map_examples.py", "mri-gan", picture],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"40 (\w+) faces: means of maps from ([\d.]+) over ([\d.]+) to ([\d.]+)", done.stdout)
    means = {kind: tuple(map(float, values)) for kind, *values in found}
    assert means["fake"][1] > 2 * means["real"][1]  # medians
    sheet = cv2.imread(str(picture))
    shown = cv2.imread(str(ROOT / "deepfake_cli" / "weights" / "mri-gan" / "examples.jpg"))
    assert sheet.shape == shown.shape
