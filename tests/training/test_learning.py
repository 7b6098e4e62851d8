"""How classifiers learn: every recipe resumes to the bit, and what goes wrong is told in a line."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recipes import tiny_recipe
from torch import Tensor

from deepfake_cli.errors import DataError, ModelError, UsageError
from deepfake_cli.settings import Profile
from deepfake_cli.training.classifier import Epoch, TrainingStep, train_classifier
from deepfake_cli.training.faces_once import faces_to_choose_by, video_aucs
from deepfake_cli.training.learner import Learner
from deepfake_cli.training.tables import Source

RECIPES: dict[str, dict[str, Any]] = {
    "dessa": {"head": "dessa", "hidden": 8, "dropout": 0.5, "schedule": "one-cycle", "optimizer": "adam"},
    "mri-gan": {"head": "mri-gan", "hidden": 8, "dropout": 0.5, "smoothing": 0.1, "average": 0.0},
    "sbi": {"optimizer": "sgd", "sam": 0.05, "schedule": "linear", "dropout": 0.3, "average": 0.0},
    "plateau": {"schedule": "plateau", "plateau_patience": 0, "accumulate": 2, "clip": 1.0},
    "thawing": {"freeze": ["encoder"], "thaw": 1, "treatment": "dessa", "alike": False},
}


def train(table: Path, checkpoint: Path, recipe: Profile, **more: Any) -> list[Epoch]:
    return list(train_classifier([Source(table)], recipe, checkpoint=checkpoint, **more))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_goes_on_as_if_uninterrupted(name: str, faces_table: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=3, **RECIPES[name])
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    train(faces_table, whole, recipe)
    for epoch in train_classifier([Source(faces_table)], recipe, checkpoint=parted):
        if epoch.number == 2:
            break
    (last,) = train(faces_table, parted, recipe, resume=True)
    assert last.number == 3
    assert last.last
    assert whole.read_bytes() == parted.read_bytes()


def test_loading_processes_do_not_change_what_is_learned(faces_table: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{workers}.safetensors" for workers in (0, 2)]
    for file, workers in zip(files, (0, 2), strict=True):
        train(faces_table, file, tiny_recipe(epochs=1, workers=workers))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_packed_faces_are_the_same_faces(faces_table: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{pack}.safetensors" for pack in (False, True)]
    for file, pack in zip(files, (False, True), strict=True):
        train(faces_table, file, tiny_recipe(epochs=1, pack=pack))
    assert files[0].read_bytes() == files[1].read_bytes()
    faces_table.with_suffix(".pixels").unlink()
    faces_table.with_suffix(".pixels.json").unlink()


def test_another_recipe_does_not_resume(faces_table: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "last.safetensors"
    train(faces_table, checkpoint, tiny_recipe(epochs=1))
    with pytest.raises(DataError, match=r"classifier\.size was 64, is 96; fakes\.beside was 0\.5, is 0"):
        train(faces_table, checkpoint, tiny_recipe(size=96, **{"fakes.beside": 0}), resume=True)
    assert [epoch.number for epoch in train(faces_table, checkpoint, tiny_recipe(), resume=True)] == [2]


def test_a_checkpoint_of_something_else_is_refused(faces_table: Path, tmp_path: Path) -> None:
    from deepfake_cli.training.checkpoints import save_checkpoint

    checkpoint = tmp_path / "last.safetensors"
    save_checkpoint(checkpoint, {"weights": {"stem": torch.zeros(2)}}, {}, {"epoch": 1})
    with pytest.raises(DataError, match="of another network than test_efficientnet"):
        train(faces_table, checkpoint, tiny_recipe(), resume=True)


def test_weights_to_start_from_must_fit(faces_table: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="do not fit"):
        train(faces_table, tmp_path / "last", tiny_recipe(), start={"network.stem": torch.zeros(1)})


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_epochs_before(
    faces_table: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "last.safetensors"
    train(faces_table, checkpoint, tiny_recipe(epochs=1))
    before = checkpoint.read_bytes()
    wild = tiny_recipe(epochs=3, learning_rate=1e38, optimizer="sgd", warmup=0)
    with pytest.raises(DataError, match="the loss is not a number at step"):
        train(faces_table, tmp_path / "wild.safetensors", wild)
    assert checkpoint.read_bytes() == before


def test_a_killed_loader_is_told_in_a_line(faces_table: Path, tmp_path: Path) -> None:
    def kill(step: TrainingStep) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)

    recipe = tiny_recipe(workers=1, pairs=200)
    with pytest.raises(DataError, match="a process that loads faces was killed"):
        train(faces_table, tmp_path / "last.safetensors", recipe, watch=kill)


def test_training_ends_when_it_no_longer_improves(faces_table: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=50, patience=2, learning_rate=1e-12)
    epochs = train(faces_table, tmp_path / "last.safetensors", recipe)
    assert len(epochs) < 50
    assert [epoch.last for epoch in epochs] == [False] * (len(epochs) - 1) + [True]
    assert not epochs[-1].best
    assert train(faces_table, tmp_path / "last.safetensors", recipe, resume=True) == []


def test_an_epoch_of_less_than_a_batch_is_refused(faces_table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="less than a batch"):
        train(faces_table, tmp_path / "last.safetensors", tiny_recipe(pairs=1))


def learner_after(recipe: Profile, steps: int, epoch: int = 0, batch: int = 8) -> tuple[Learner, list[float]]:
    """Learn from noise."""
    rng = np.random.default_rng(0)
    side = recipe.classifier.size
    learner = Learner(recipe.classifier)
    faces = torch.from_numpy(rng.integers(0, 256, (steps * batch, side, side, 3), np.uint8))
    labels = torch.arange(steps * batch) % 2
    batches: list[tuple[Tensor, Tensor]] = [
        (faces[i : i + batch], labels[i : i + batch].float()) for i in range(0, len(faces), batch)
    ]
    return learner, [step.loss for step in learner.learn(batches, epoch, 0, 10)]


def test_frozen_parts_stay_and_the_head_learns() -> None:
    recipe = tiny_recipe(freeze=["encoder"], average=0.0)
    before = Learner(recipe.classifier).average
    after, _ = learner_after(recipe, 3)
    changed = {name for name, tensor in after.average.items() if not torch.equal(tensor, before[name])}
    assert changed == {"network.classifier.weight", "network.classifier.bias"}
    thawed, _ = learner_after(tiny_recipe(freeze=["encoder"], thaw=1, average=0.0), 3, epoch=1)
    assert sum(not torch.equal(tensor, before[name]) for name, tensor in thawed.average.items()) > 20


def test_what_is_to_be_frozen_must_be_there() -> None:
    with pytest.raises(DataError, match="the encoder has no part layer9"):
        Learner(tiny_recipe(freeze=["layer9"]).classifier)


def test_accumulated_batches_are_a_larger_batch() -> None:
    """With a network that does not look at the batch as a whole."""
    common = {"architecture": "test_vit", "size": 160, "average": 0.0, "optimizer": "sgd"}
    small, losses = learner_after(tiny_recipe(accumulate=2, **common), 2, batch=4)
    large, loss = learner_after(tiny_recipe(**common), 1, batch=8)
    assert losses == pytest.approx(loss, abs=1e-5)
    for name, tensor in large.average.items():
        assert torch.allclose(small.average[name], tensor, atol=2e-5), name


def test_class_weights_and_smoothing_enter_the_loss() -> None:
    """An untrained head says 0: the cross-entropy of anything against a half."""
    plain, weighted = (
        learner_after(tiny_recipe(class_weights=weights), 1)[1][0] for weights in ([1, 1], [1, 3])
    )
    assert plain == pytest.approx(np.log(2), abs=0.01)
    assert weighted == pytest.approx(2 * np.log(2), abs=0.02)


def test_the_average_follows_the_weights() -> None:
    still, _ = learner_after(tiny_recipe(average=1.0, warmup=0), 5)
    none, _ = learner_after(tiny_recipe(average=0.0, warmup=0), 5)
    start = Learner(tiny_recipe().classifier).average
    name = "network.classifier.weight"
    moved = [float((learner.average[name] - start[name]).norm()) for learner in (still, none)]
    assert 0 < moved[0] < moved[1]


def test_tables_to_learn_from_are_the_base_or_what_augments_it(faces_table: Path, tmp_path: Path) -> None:
    other = faces_table.parent.parent / "other" / "faces.csv"
    other.parent.mkdir(exist_ok=True)
    (other.parent / "faces").unlink(missing_ok=True)
    (other.parent / "faces").symlink_to(faces_table.parent / "faces")
    other.write_text(faces_table.read_text())
    sources = [Source(faces_table), Source(other)]
    recipe = tiny_recipe(epochs=1, mix="augment")
    (epoch,) = train_classifier(sources, recipe, checkpoint=tmp_path / "last.safetensors")
    assert set(epoch.choose) == {"tinted", "other"}
    assert epoch.choose_auc == pytest.approx(np.mean(list(epoch.choose.values())))
    with pytest.raises(UsageError, match="no table to learn from"):
        train(faces_table, tmp_path / "none.safetensors", recipe)


def test_epochs_are_judged_by_videos(faces_table: Path) -> None:
    """The mean over the faces of a video decides: two right faces outweigh a wrong one."""
    chosen = faces_to_choose_by([Source(faces_table)], tiny_recipe())
    logits = np.where(chosen.labels == 1, 2.0, -2.0)
    assert video_aucs(chosen, logits, ["tinted"]) == {"tinted": 1.0}
    assert video_aucs(chosen, -logits, ["tinted"]) == {"tinted": 0.0}
    assert len(set(chosen.videos)) == 20
