"""What a search may draw: told wrong before the first trial, drawn the same by whoever draws."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from deepfake_cli.errors import ProfileError, UsageError
from deepfake_cli.profile import load_profile
from deepfake_cli.training.search.space import Space, check_space, read_space
from deepfake_cli.training.search.study import make_plan
from deepfake_cli.training.tables import Source

BAD = """
[space]
"classifier.batch" = { choices = [255, 256] }
"classifier.bach" = { choices = [255, 256] }
classifier.size = { choices = [64] }
"classifier.epochs" = { low = 25, high = 15 }
"classifier.pairs" = { low = 10, high = 25, step = 10 }
"classifier.dropout" = { low = 0.5, high = 1.5 }
"classifier.hidden" = { low = 1.5, high = 3 }
"classifier.mix" = { low = 1, high = 3 }
"classifier.sam" = { low = 0, high = 3, log = true, step = 1, more = 1 }
"classifier.clip" = { low = "a", high = 3 }
"scan.frames" = { choices = [3] }
"classifier.alike" = 3
"classifier.treatment" = { choices = [] }
"classifier.start" = { choices = ["scratch", "scratch"] }
"classifier.seed" = { choices = [1, 2] }
"""
TOLD = """
classifier.batch: input should be a multiple of 2, not 255
classifier.bach: no such key of the profile; did you mean classifier.batch?
classifier: no such key of the profile; write keys in quotes
classifier.epochs: low is 25, which is not below high, 15
classifier.pairs: steps of 10 do not lead from 10 to 25
classifier.dropout: input should be less than 1, not 1.5
classifier.hidden: takes whole numbers
classifier.mix: takes no numbers to draw between, as its default is 'both'; name choices
classifier.sam: no such part of a space: more
classifier.sam: with log = true low must be above 0, not 0
classifier.sam: log = true and a step exclude each other
classifier.clip: low, high and step are numbers
scan.frames: has no part in training a classifier
classifier.alike: 3 is no space
classifier.treatment: choices are a list of one value or more
classifier.start: a choice is named twice
classifier.seed: is searched, and set on the command line
"""


def read(text: str, folder: Path) -> Space:
    (folder / "space.toml").write_text(text)
    return read_space(str(folder / "space.toml"))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        check_space(read(BAD, tmp_path), load_profile(), ["classifier.seed"])
    told = refused.value.message
    missing = [line for line in TOLD.strip().splitlines() if f"\n  {line}" not in told]
    assert not missing
    assert "17 mistakes" in told


def test_mistakes_beside_the_keys_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        read('preset = "none"\ntrials = 0\nsampler = "grid"\npruner = 1\nworkers = 2', tmp_path)
    told = refused.value.message
    assert "6 mistakes" in told
    for name in (
        "preset: there is no 'none'",
        "trials: 0",
        "sampler",
        "pruner",
        "workers: no such entry",
        "[space]",
    ):
        assert name in told


def test_what_is_no_file_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no such file") as refused:
        read_space("desa")
    assert "dessa" in refused.value.hint
    with pytest.raises(ProfileError, match="is not TOML"):
        read("[space", tmp_path)


def test_values_that_only_contradict_each_other_are_left_to_the_trials(tmp_path: Path) -> None:
    heads = '"classifier.head" = { choices = ["linear", "mri-gan"] }'
    text = f'[space]\n{heads}\n"classifier.hidden" = {{ choices = [0, 9] }}'
    check_space(read(text, tmp_path), load_profile())


def test_whole_ends_of_other_numbers_have_more_in_between(tmp_path: Path) -> None:
    text = '[space]\n"classifier.sam" = { low = 0, high = 1 }\n"classifier.epochs" = { low = 1, high = 2 }'
    space = check_space(read(text, tmp_path), load_profile())
    assert repr(space.entries["classifier.sam"]) == "{'low': 0.0, 'high': 1.0}"
    assert repr(space.entries["classifier.epochs"]) == "{'low': 1, 'high': 2}"


def test_the_published_space_is_sound() -> None:
    space = read_space("dessa")
    assert space.trials == 140
    recipe = load_profile(preset=space.preset)
    assert len(check_space(space, recipe).entries) == 10
    assert recipe.classifier.architecture == "resnet18.tv_in1k"


def test_tables_must_allow_every_mixture(faces_table: Path) -> None:
    space = read_space("dessa")
    with pytest.raises(UsageError, match="no table to learn from"):
        make_plan([Source(faces_table)], load_profile(preset=space.preset), space)
    make_plan([Source(faces_table), Source(faces_table)], load_profile(preset=space.preset), space)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["faces.csv"], "no space is named"),
        (["--space", "dessa"], "no table is named"),
        (["--set", "classifier.epochs=2"], "no table is named"),
        (["--report"], "holds no study"),
    ],
)
def test_what_is_missing_is_told(
    args: list[str], told: str, dfdetect: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    done = dfdetect("classifier", "search", *args, "--output", "out")
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "out").exists()
