"""The table of faces: what is written comes back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.errors import DataError
from deepfake_cli.io.face_table import ALL_COLUMNS, COLUMNS, Entry, read_entries, read_faces, write_entries

ENTRY = Entry(
    image="crops/v1/00000_0.png",
    box=(1.0, 2.25, 30.5, 40.0),
    points=tuple(float(k) for k in range(10)),
    label="fake",
    video="v1",
    original="v0",
    method="swap",
    compression="c23",
    split="train",
    pair="crops/v0/00000_0.png",
    mri="mri/v1/00000_0.png",
    weight=0.25,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


def test_a_row_is_read_with_paths_beside_the_table(tmp_path: Path) -> None:
    write_entries(tmp_path / "faces.csv", [ENTRY, replace(ENTRY, split="report", pair="", mri="", points=())])
    face, other = read_faces(tmp_path / "faces.csv", ["train", "report"])
    assert face.path == tmp_path / "crops/v1/00000_0.png"
    assert face.pair == tmp_path / "crops/v0/00000_0.png"
    assert face.mri == tmp_path / "mri/v1/00000_0.png"
    assert face.points is not None
    assert face.points.shape == (5, 2)
    assert np.array_equal(face.box, ENTRY.box)
    assert (other.pair, other.mri, other.points) == (None, None, None)
    assert len(read_faces(tmp_path / "faces.csv", ["report"])) == 1


@settings(max_examples=20, deadline=None)  # each waits for the disk
@given(
    method=TEXT,
    video=TEXT,
    box=st.tuples(*[st.integers(-999_999, 999_999).map(lambda hundredths: hundredths / 100)] * 4),
    weight=st.integers(1, 10_000).map(lambda faces: 1 / faces),
)
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, method: str, video: str, box: tuple[float, ...], weight: float
) -> None:
    entry = replace(ENTRY, method=method, video=video, box=box, weight=weight)
    table = tmp_path_factory.getbasetemp() / "faces.csv"
    write_entries(table, [entry])
    (read,) = read_entries(table)
    assert replace(read, weight=0) == replace(entry, weight=0)
    assert read.weight == pytest.approx(weight, rel=1e-5)


def test_tables_without_maps_and_weights_are_read(tmp_path: Path) -> None:
    write_entries(tmp_path / "faces.csv", [replace(ENTRY, mri="", weight=1)])
    text = (tmp_path / "faces.csv").read_text()
    (tmp_path / "faces.csv").write_text(text.replace(",mri,weight", "").replace(",,1\n", "\n"))
    (read,) = read_entries(tmp_path / "faces.csv")
    assert (read.mri, read.weight) == ("", 1)
    assert ALL_COLUMNS[: len(COLUMNS)] == COLUMNS


@pytest.mark.parametrize("weight", ["0", "-1", "much", "nan"])
def test_a_weight_that_makes_no_sense_is_told(tmp_path: Path, weight: str) -> None:
    write_entries(tmp_path / "faces.csv", [ENTRY])
    text = (tmp_path / "faces.csv").read_text().replace(",0.25\n", f",{weight}\n")
    (tmp_path / "faces.csv").write_text(text)
    with pytest.raises(DataError, match="line 2"):
        list(read_entries(tmp_path / "faces.csv"))
