"""Measure where the detector looks: how much of its heat lies within what was forged.

usage: python benchmarks/heat.py TABLE [MODEL] [--faces 400] [--split choose]

Real faces are self-blended, so that the blending mask is known. The mass of a heat map is what of it speaks
for fake. It is compared with heat that is even, and, as detectors look at the middle of any face, with the
mean heat of all the faces. Only masks that cover less than a half of the face can tell anything.
"""

import argparse
from pathlib import Path

import numpy as np

from deepfake_cli.core.faces import cut_face
from deepfake_cli.core.forgeries import self_blend
from deepfake_cli.core.heat import spread_heat
from deepfake_cli.inference.classifier import Classifier
from deepfake_cli.pipeline.models import resolve
from deepfake_cli.training.tables import read_faces, read_picture


def main() -> None:
    """Print shares of mass and of area, and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("model", nargs="?", default="plain")
    parser.add_argument("--faces", type=int, default=400)
    parser.add_argument("--split", default="choose")
    given = parser.parse_args()
    model = resolve(given.model)
    classifier, cut = Classifier.of(model, threads=2), model.config.input
    rng = np.random.default_rng(0)
    rows = [row for row in read_faces(given.table, [given.split]) if not row.fake and row.points is not None]
    masses, masks = [], []
    for index in rng.permutation(len(rows))[: given.faces]:
        row = rows[int(index)]
        assert row.points is not None
        _, forged, mask = self_blend(read_picture(row.path), row.points, rng)
        drawn = np.repeat(np.round(mask * 255).astype(np.uint8)[..., None], 3, axis=2)
        inside = cut_face(drawn, row.box, cut.size, cut.margin)[..., 0] > 0.1 * 255
        heat = classifier.explain(cut_face(forged, row.box, cut.size, cut.margin)[None]).heat
        assert heat is not None
        mass = np.clip(spread_heat(heat[0], cut.size), 0, None)
        if 0.02 < inside.mean() < 0.5 and mass.sum() > 0:
            masses.append(mass / mass.sum())
            masks.append(inside)
    usual = np.mean(masses, axis=0)
    caught = np.array([mass[inside].sum() for mass, inside in zip(masses, masks, strict=True)])
    print(f"{len(masks)} faces: {caught.mean():.3f} of the mass lies in the mask, which is")
    for name, by_chance in (
        ("even heat", np.array([inside.mean() for inside in masks])),
        ("the mean heat of all faces", np.array([usual[inside].sum() for inside in masks])),
    ):
        draws = [rng.integers(len(masks), size=len(masks)) for _ in range(1000)]
        low, high = np.percentile([caught[d].mean() / by_chance[d].mean() for d in draws], [2.5, 97.5])
        print(f"{caught.mean() / by_chance.mean():.2f} times what {name} has there ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
