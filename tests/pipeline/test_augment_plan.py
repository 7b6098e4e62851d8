import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.index import IndexRow, write_index
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.augment_draw import draw_entries
from deepfake_cli.pipeline.augment_plan import plan_augmentation, read_plan
from deepfake_cli.pipeline.augmentations import ENTRY, Chain, to_json
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

FRAME = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def row(name: str, original: str = "", split: str = "train") -> IndexRow:
    label = "real" if original == name else "fake"
    return IndexRow(name, f"{name}.mp4", label, original, "", "", "", split)


ROWS = [
    *(row(f"real{i}", f"real{i}") for i in range(40)),
    *(row(f"fake{i}", f"real{i // 2}") for i in range(80)),
    row("stray"),
    row("kept-apart", "kept-apart", "report"),
]


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    made = DatasetFolder(tmp_path / "set")
    made.path.mkdir()
    write_index(made.index, ROWS)
    return made


def profile(**more: object) -> Profile:
    return load_profile(None, {f"augment.{key}": value for key, value in more.items()})


def edited(folder: DatasetFolder, videos: Any) -> DatasetFolder:
    folder.plan.write_text(json.dumps({"settings": {}, "seed": 0, "videos": videos}))
    return folder


def test_a_plan_is_drawn_from_its_seed_alone(folder: DatasetFolder) -> None:
    plan_augmentation(folder, profile(), force=False)
    first = folder.plan.read_bytes()
    write_index(folder.index, reversed(ROWS))
    plan_augmentation(folder, profile(), force=False)  # the same plan is no other plan
    assert folder.plan.read_bytes() == first
    other = load_profile(None, {"data.seed": 1})
    plan_augmentation(folder, other, force=True)
    assert folder.plan.read_bytes() != first


def test_what_an_original_gets_does_not_depend_on_other_videos(folder: DatasetFolder) -> None:
    plan_augmentation(folder, profile(share=1.0), force=False)
    before = read_plan(folder)
    write_index(folder.index, ROWS[:1])
    plan_augmentation(folder, profile(share=1.0), force=True)
    assert read_plan(folder).entries(ROWS[0]) == before.entries(ROWS[0])


def test_an_original_and_its_fakes_are_treated_alike(folder: DatasetFolder) -> None:
    planned = plan_augmentation(folder, profile(), force=False)
    plan = read_plan(folder)
    by_name = {row.id: plan.entries(row) for row in ROWS}
    assert all(by_name[row.id] == by_name[row.original] for row in ROWS if row.original)
    assert planned.videos == sum(map(bool, by_name.values()))
    assert (planned.of_originals, planned.of_videos) == (41, 121)
    assert 0.25 < planned.originals / planned.of_originals < 0.75
    assert sum(planned.kinds.values()) == sum(len(entries) for entries in plan.videos.values())


def test_share_and_most_and_splits_are_kept(folder: DatasetFolder) -> None:
    assert plan_augmentation(folder, profile(share=0.0), force=False).videos == 0
    everything = profile(share=1.0, most=2, splits=["train", "report"])
    assert plan_augmentation(folder, everything, force=True).videos == len(ROWS)
    assert {len(entries) for entries in read_plan(folder).videos.values()} == {1, 2}
    plan_augmentation(folder, profile(share=1.0), force=True)
    assert "kept-apart" not in read_plan(folder).videos
    assert "stray" in read_plan(folder).videos  # a fake of unknown origin stands for itself


def test_edits_are_not_overwritten_unless_told(folder: DatasetFolder) -> None:
    plan_augmentation(folder, profile(), force=False)
    edited(folder, {"real1": [{"kind": "flip"}]})
    before = folder.plan.read_bytes()
    with pytest.raises(UsageError, match="another plan"):
        plan_augmentation(folder, profile(), force=False)
    assert folder.plan.read_bytes() == before
    plan_augmentation(folder, profile(), force=True)
    assert folder.plan.read_bytes() != before


def test_a_fakes_own_entries_hold_for_it_alone(folder: DatasetFolder) -> None:
    plan = read_plan(
        edited(folder, {"real0": [{"kind": "flip"}], "fake0": [], "fake1": [{"kind": "flip"}] * 2})
    )
    found = {row.id: len(plan.entries(row)) for row in ROWS if plan.entries(row) or row.original == "real0"}
    assert found == {"real0": 1, "fake0": 0, "fake1": 2}


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=1), seed=st.integers(0, 2**40))
def test_whatever_is_drawn_is_valid_and_in_range(name: str, seed: int) -> None:
    chosen = profile(share=1.0, most=13).augment
    entries = draw_entries(name, chosen, seed)
    assert entries == draw_entries(name, chosen, seed)
    kinds = [entry.kind for entry in entries]
    assert kinds == [kind for kind in chosen.kinds if kind in kinds]  # each at most once, in this order
    described = [to_json(entry) for entry in entries]
    assert [ENTRY.validate_json(json.dumps(entry)) for entry in described] == list(entries)
    for entry in described:
        assert 7 <= entry.get("kernel", 7) <= 12
        assert -15 <= entry.get("degrees", 0) <= 15
        assert -20 <= entry["amount"] <= 20 if entry["kind"] in ("contrast", "brightness") else True
        assert entry.get("size", "800x600") in (*chosen.sizes, *chosen.shape_sizes)
    changed = Chain(entries)(FRAME, 3, 0.12)
    assert changed.shape in ((60, 80, 3), (600, 800, 3), (720, 1280, 3))
    assert np.array_equal(changed, Chain(entries)(FRAME, 3, 0.12))


def test_noise_is_new_in_every_frame_and_the_same_in_every_run() -> None:
    entry = ENTRY.validate_python({"kind": "noise", "noise": "gaussian", "variance": 0.01, "seed": 5})
    one, two = (entry.apply(FRAME, frame, 0.0) for frame in (0, 1))
    assert not np.array_equal(one, two)
    assert np.array_equal(two, entry.apply(FRAME, 1, 9.9))


MISTAKES: list[tuple[Any, Sequence[str]]] = [
    ([{"kind": "blurr"}], ["real0, entry 1", "blurr", "'blur'"]),
    ([{"kernel": 7}], ["real0, entry 1", "kind"]),
    ([{"kind": "blur", "kernel": 100}], ["real0, entry 1", "kernel", "less than or equal to 99"]),
    ([{"kind": "blur", "kernel": 7.5}], ["real0, entry 1", "kernel", "integer"]),
    ([{"kind": "blur", "kernel": "7"}], ["real0, entry 1", "kernel", "integer"]),
    ([{"kind": "flip"}, {"kind": "rotation", "degrees": 200}], ["real0, entry 2", "degrees"]),
    ([{"kind": "rotation", "degrees": 5, "angle": 5}], ["real0, entry 1", "angle", "not permitted"]),
    ([{"kind": "rescale", "size": "800x601"}], ["real0, entry 1", "size"]),
    ([{"kind": "noise", "noise": "salt", "variance": 0.1, "seed": 1}], ["salt noise takes amount"]),
    ([{"kind": "noise", "noise": "pink", "variance": 0.1, "seed": 1}], ["noise", "'gaussian'"]),
    ([{"kind": "static-text", "text": "x", "height": 0.1, "colour": "mauve", "x": 0, "y": 0}], ["colour"]),
    ([{"kind": "flip"}, 7], ["real0, entry 2"]),
    ("flip", ["real0", "not a list"]),
]


@pytest.mark.parametrize(("entries", "told"), MISTAKES)
def test_mistakes_in_entries_are_told_with_their_place(
    folder: DatasetFolder, entries: Any, told: Sequence[str]
) -> None:
    with pytest.raises(DataError) as error:
        read_plan(edited(folder, {"real0": entries}))
    assert all(word in error.value.message for word in told), error.value.message


def test_all_mistakes_are_told_at_once(folder: DatasetFolder) -> None:
    with pytest.raises(DataError) as error:
        read_plan(edited(folder, {"reel0": [], "real1": [{"kind": "flop"}], "real2": [{"kind": "blur"}]}))
    lines = error.value.message.splitlines()
    assert len(lines) == 4
    assert lines[-1].strip() == "reel0: no such video in the index"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"videos": {', "not JSON"),
        ('{"videos": {"real0": [], "real0": []}}', "'real0' stands twice"),
        ("[]", "lacks its videos"),
        ('{"videos": {"real0": [{"kind": "rotation", "degrees": NaN}]}}', "degrees"),
    ],
)
def test_a_broken_plan_is_told(folder: DatasetFolder, text: str, told: str) -> None:
    folder.plan.write_text(text)
    with pytest.raises(DataError, match=told):
        read_plan(folder)


def test_what_comes_first_is_named(tmp_path: Path, folder: DatasetFolder) -> None:
    with pytest.raises(DataError) as error:
        read_plan(folder)
    assert error.value.hint == "make it first with: dfdetect data augment plan set"
    plan: Callable[..., object] = plan_augmentation
    with pytest.raises(DataError) as error:
        plan(DatasetFolder(tmp_path / "other"), profile(), force=False)
    assert error.value.hint == "make it first with: dfdetect data index other"
