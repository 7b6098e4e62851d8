"""Generators in training: what stops them, and how their data are named."""

import json
from pathlib import Path

import pytest
import torch

from deepfake_cli.errors import DataError
from deepfake_cli.models.generator import build_generator
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import GanSettings
from deepfake_cli.training.checkpoints import save_tensors
from deepfake_cli.training.gan.run import run_gan
from deepfake_cli.training.tables import Source

SMALL = {
    **{"architecture": "unet", "width": 4, "depth": 3, "discriminator_width": 4, "discriminator_depth": 2},
    **{"size": 32, "pairs": 4, "batch": 4, "epochs": 1, "judged": 0, "samples": 1, "workers": 0},
}


def recipe(**changes: object) -> GanSettings:
    options = {f"gan.{key}": str(value) for key, value in {**SMALL, **changes}.items()}
    return load_profile(options=options).gan


@pytest.mark.parametrize(("pairs", "batch", "found"), [(1, 4, 1), (0, 32, 10)])
def test_an_epoch_that_fills_no_batch_is_refused(
    faces_table: Path, tmp_path: Path, pairs: int, batch: int, found: int
) -> None:
    with pytest.raises(DataError, match=f"the {found} pairs of an epoch do not fill a batch of {batch}"):
        next(run_gan([Source(faces_table)], recipe(pairs=pairs, batch=batch), tmp_path))


def test_a_loss_that_is_no_number_ends_the_run(faces_table: Path, tmp_path: Path) -> None:
    weights = build_generator("unet", width=4, depth=3, dropout=0.5).state_dict()
    start = tmp_path / "start.safetensors"
    save_tensors(start, {name: torch.full_like(tensor, torch.nan) for name, tensor in weights.items()})
    with pytest.raises(DataError, match="loss of epoch 1 is not a number") as caught:
        next(run_gan([Source(faces_table)], recipe(), tmp_path / "run", start=start))
    assert "lower gan.learning_rate" in caught.value.hint


def test_the_folder_names_the_data_though_it_is_not_in_the_path(
    faces_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(faces_table.parent)
    list(run_gan([Source(Path("faces.csv"))], recipe(), tmp_path))
    assert json.loads((tmp_path / "model" / "config.json").read_text())["trained_on"] == ["tinted"]
