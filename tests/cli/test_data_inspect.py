import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cut_faces import small_dataset

from deepfake_cli.io.workspace import DatasetFolder

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def dataset(tmp_path: Path, portrait: np.ndarray) -> DatasetFolder:
    return small_dataset(tmp_path / "workspace", portrait)


def test_what_there_is_to_see(dataset: DatasetFolder, dfdetect: Cli) -> None:
    run = dfdetect("data", "inspect", "small", "--jobs", "1")
    assert run.returncode == 0, run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    assert lines[0] == ["label", "method", "train", "choose", "report", "files", "faces"]
    assert lines[1] == ["real", "-", "1", "1", "1", "3", "12"]
    assert lines[2] == ["fake", "swap", "1", "1", "1", "3", "12"]
    assert ["real", "-", "12", "110", "110", "110", "110", "110", "4"] in lines
    assert "crops/real0/00000_0.png" in run.stdout
    assert "duplicates: " in run.stdout
    assert run.stderr.endswith("workspace/small/inspect/index.html\n")
    assert (dataset.inspection / "real.png").is_file()

    same = dfdetect("data", "inspect", "small", "--jobs", "1", "--json", "--quiet")
    assert (same.returncode, same.stderr) == (0, "")
    assert json.loads(same.stdout) == json.loads((dataset.inspection / "inspect.json").read_text())


def test_options_reach_the_profile(dataset: DatasetFolder, dfdetect: Cli) -> None:
    run = dfdetect("data", "inspect", "small", "--hashes", "0", "--pictures", "1", "--json", "-j", "1")
    assert json.loads(run.stdout)["duplicates"]["hashed"] == 0
    refused = dfdetect("data", "inspect", "small", env={"DFDETECT_INSPECT__SIDE": "4"})
    assert refused.returncode == 2
    assert "inspect.side" in refused.stderr


def test_without_an_index_the_way_out_is_told(dfdetect: Cli) -> None:
    run = dfdetect("data", "inspect", "nothing")
    assert run.returncode == 2
    assert "hint: make it first with: dfdetect data index nothing" in run.stderr
