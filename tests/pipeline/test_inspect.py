"""Inspecting a data set: numbers, duplicates across splits, sheets and the page."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from cut_faces import small_dataset, tree, write_faces
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.io.images import read_image
from deepfake_cli.io.index import SPLITS, read_index, write_index
from deepfake_cli.io.workspace import DatasetFolder
from deepfake_cli.pipeline.forge import forge_faces
from deepfake_cli.pipeline.inspect import inspect_dataset
from deepfake_cli.pipeline.inspect_duplicates import Divided, Duplicates
from deepfake_cli.pipeline.inspect_result import Inspection, quantile
from deepfake_cli.pipeline.mri import make_maps
from deepfake_cli.pipeline.table import make_table
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile


def profile(**options: object) -> Profile:
    named = {key.replace("_", ".", 1): value for key, value in options.items()}
    return load_profile(options={"data.jobs": 1, "mri.share": 1.0} | named)


def reindex(folder: DatasetFolder, **changes: Callable[[str], str]) -> None:
    """Change columns of the index, each by a function of the id."""
    rows = list(read_index(folder.index))
    made = [replace(row, **{name: change(row.id) for name, change in changes.items()}) for row in rows]
    write_index(folder.index, made)


def listed(folder: DatasetFolder) -> list[dict[str, str]]:
    with (folder.inspection / "duplicates.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def dataset(tmp_path: Path, portrait: np.ndarray) -> DatasetFolder:
    return small_dataset(tmp_path / "workspace", portrait)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> tuple[DatasetFolder, Inspection]:
    """A data set through all stages, inspected; read only."""
    folder = small_dataset(tmp_path_factory.mktemp("workspace"), portrait)
    write_faces(folder, "real0", [read_image(folder.crops / "real1/00000_0.png")] * 5)
    for stage in (make_maps, forge_faces, make_table):
        stage(folder, profile())
    return folder, inspect_dataset(folder, profile())


def test_everything_is_counted(whole: tuple[DatasetFolder, Inspection]) -> None:
    folder, found = whole
    assert found.bad == []
    kinds = ("real", ""), ("fake", "swap")
    assert found.files == {(*kind, split): 1 for kind in kinds for split in SPLITS}
    assert [found.faces["fake", "swap", split] for split in SPLITS] == [5, 4, 3]
    assert found.sizes["real", ""] == {110: 12}  # of the box, 87 x 110
    assert found.per_file["fake", "swap"] == {3: 1, 4: 1, 5: 1}
    maps = sum(found.maps["swap"].values())
    assert maps + sum(found.left_out.values()) == 12
    assert found.forged == {"self-blend": 12, "warp-hull": 12, "warp-rectangle": 12}
    with folder.faces.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert found.table.faces.total() == len(rows)
    assert sum(found.table.weights.values()) == pytest.approx(sum(float(row["weight"]) for row in rows))
    assert found.table.maps.total() == sum(bool(row["mri"]) for row in rows)
    assert json.loads((folder.inspection / "inspect.json").read_text()) == found.to_json()


def test_sheets_show_what_they_say(whole: tuple[DatasetFolder, Inspection]) -> None:
    folder, found = whole
    shown = {sheet.file: sheet.shown for sheet in found.sheets}
    maps = sum(found.maps["swap"].values())
    assert shown == {
        "real.png": 12,
        "fake-swap.png": 12,
        "pairs-map.png": maps,
        "left-out.png": 12 - maps,
        **{f"forged-{kind}.png": 12 for kind in found.forged},
    }
    page = (folder.inspection / "index.html").read_text()
    for sheet in found.sheets:
        picture = read_image(folder.inspection / sheet.file)
        assert (picture.shape[1], picture.shape[0]) == sheet.size
        assert f'src="{sheet.file}" alt="Contact sheet: {sheet.shown} ' in page
    # Three pictures side by side: the first pair's map, shown at the side of a cell.
    triple = read_image(folder.inspection / "pairs-map.png")[6:150, :468]
    assert triple[:, 312:].mean() < triple[:, :156].mean()
    assert triple[:, 318:462].max() > 60
    assert {path.name for path in folder.inspection.iterdir()} == {
        *shown,
        *("index.html", "inspect.json", "duplicates.csv"),
    }


def test_the_same_in_two_splits_is_found(dataset: DatasetFolder, portrait: np.ndarray) -> None:
    other = [np.ascontiguousarray(portrait[300 + i : 400 + i, 200:300]) for i in (0, 20, 40)]
    for number in range(3):
        write_faces(
            dataset,
            f"real{number}",
            [np.ascontiguousarray(face[:, :: 1 - 2 * (number == 1)]) for face in other],
        )
        write_faces(dataset, f"fake{number}", [np.rot90(face, number + 1) for face in other])
    found = inspect_dataset(dataset, profile(inspect_distance=2, inspect_hashes=3))
    assert (found.copies.hashed, found.plain) == (18, 0)
    assert found.copies.pairs == 3  # real0 and real2; all others are turned or mirrored
    assert listed(dataset) == [
        {
            **{"distance": "0", "first": "crops/real0/00000_0.png", "first_split": "train"},
            **{"first_label": "real", "second": "crops/real2/00000_0.png"},
            **{"second_split": "report", "second_label": "real"},
        }
    ]
    reindex(dataset, split=lambda _: "train")
    one = inspect_dataset(dataset, profile())
    assert (one.copies.pairs, listed(dataset)) == (0, [])
    assert one.divided == {"people": 0, "originals": 0}
    assert inspect_dataset(dataset, profile(inspect_hashes=0)).copies.hashed == 0


def test_divided_people_and_one_sided_splits_are_told(dataset: DatasetFolder) -> None:
    reindex(
        dataset,
        identity=lambda name: "Ada" if name[-1] in "01" else "Eve",
        split=lambda name: "train" if name[0] == "f" else "report",
    )
    found = inspect_dataset(dataset, profile())
    assert found.divided == {"people": 2, "originals": 3}
    assert found.one_sided == [("train", "real"), ("report", "fake")]
    page = (dataset.inspection / "index.html").read_text()
    assert "2 people are in more than one split." in page
    assert "The split train has no real files." in page


def test_black_faces_are_no_duplicates(dataset: DatasetFolder) -> None:
    for video in ("real0", "real1", "real2"):
        write_faces(dataset, video, [np.zeros((80, 80, 3), np.uint8)] * 3)
    found = inspect_dataset(dataset, profile())
    assert found.plain == 9
    assert all("real" not in copy.first.path + copy.second.path for copy in found.copies.listed)


def test_without_stages_there_is_little_to_see(tmp_path: Path, dataset: DatasetFolder) -> None:
    dataset.crops.rename(tmp_path / "gone")
    found = inspect_dataset(dataset, profile())
    assert (found.files.total(), found.faces.total(), found.sheets) == (6, 0, [])
    assert "No faces have been cut out yet." in (dataset.inspection / "index.html").read_text()
    dataset.index.unlink()
    with pytest.raises(DataError) as raised:
        inspect_dataset(dataset, profile())
    assert raised.value.hint == "make it first with: dfdetect data index small"


def test_same_seed_same_bytes(dataset: DatasetFolder) -> None:
    few = {"inspect_pictures": 3}
    inspect_dataset(dataset, profile(**few))
    first = tree(dataset.inspection)
    killed = dataset.path / ".inspect.1a2b3c4d.part"
    killed.mkdir()
    (killed / "real.png").write_bytes(b"half")
    inspect_dataset(dataset, profile(data_jobs=2, **few))
    assert tree(dataset.inspection) == first
    assert not killed.exists()
    inspect_dataset(dataset, profile(data_seed=1, **few))
    assert tree(dataset.inspection)["real.png"] != first["real.png"]


def test_damage_costs_only_itself(dataset: DatasetFolder) -> None:
    (dataset.crops / "real1/crops.json").write_text("{")
    (dataset.crops / "fake2/00001_0.png").write_bytes(b"no picture")
    found = inspect_dataset(dataset, profile())
    # In real0 a picture is missing anyway.
    assert [bad.id for bad in found.bad] == ["real0", "real1", "fake2"]
    assert [bad.reason.split(":")[0] for bad in found.bad[::2]] == ["00003_0.png", "00001_0.png"]
    assert found.faces.total() == 24 - 4  # all but those of real1, of which nothing is known
    assert "crops.json is damaged" in (dataset.inspection / "index.html").read_text()


def test_names_cannot_break_the_page(dataset: DatasetFolder) -> None:
    hostile = {"fake0": '<script>alert("1")</script>', "fake1": "../../x\udcff", "fake2": "..-..-x-"}
    reindex(dataset, method=lambda name: hostile.get(name, ""))
    found = inspect_dataset(dataset, profile())
    page = (dataset.inspection / "index.html").read_bytes().decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)" in page
    fakes = [sheet.file for sheet in found.sheets if sheet.topic[0] == "fake"]
    assert len(set(fakes)) == 3
    assert all((dataset.inspection / file).is_file() for file in fakes)
    assert len(inspect_dataset(dataset, profile(inspect_methods=1)).sheets) == len(found.sheets) - 2


def test_one_process_at_a_time(dataset: DatasetFolder) -> None:
    with dataset.locked(), pytest.raises(UsageError):
        inspect_dataset(dataset, profile())


@settings(max_examples=60, deadline=None)
@given(
    videos=st.lists(
        st.tuples(
            st.sampled_from(SPLITS), st.lists(st.sampled_from([0, 1, 3, 2**63, 2**63 + 7]), max_size=4)
        ),
        max_size=8,
    ),
    distance=st.integers(0, 4),
    most=st.integers(1, 30),
)
def test_duplicates_are_those_of_comparing_all(
    videos: list[tuple[str, list[int]]], distance: int, most: int
) -> None:
    duplicates = Duplicates()
    for number, (split, hashes) in enumerate(videos):
        duplicates.add(number, split, enumerate(hashes))
    pictures = [
        (split, (video, face), bits)
        for video, (split, hashes) in enumerate(videos)
        for face, bits in enumerate(hashes)
    ]
    near, best = 0, dict[tuple[int, int], tuple[int, tuple[int, int], tuple[int, int]]]()
    for (split, one, bits), (other, two, more) in combinations(pictures, 2):
        if split != other and (bits ^ more).bit_count() <= distance:
            near += 1
            found = ((bits ^ more).bit_count(), one, two)
            best[one[0], two[0]] = min(found, best.get((one[0], two[0]), found))
    total, matches = duplicates.search(distance, most)
    assert total == near
    assert [(match.distance, match.first, match.second) for match in matches] == sorted(best.values())[:most]


def test_one_test_card_in_all_videos_does_not_fill_memory() -> None:
    duplicates = Duplicates()
    for number in range(20_000):
        duplicates.add(number, SPLITS[number % 3], [(0, 0x1234)])
    total, matches = duplicates.search(4, 10)
    assert total == sum(20_000 * n - n * n for n in (6667, 6667, 6666)) // 2
    assert len(matches) == 10


@given(st.lists(st.tuples(st.text(max_size=2), st.sampled_from(SPLITS)), max_size=20))
def test_divided_names(names: list[tuple[str, str]]) -> None:
    divided = Divided()
    for name, split in names:
        divided.add(name, split)
    splits = Counter(name for name, _ in set(names) if name)
    assert divided.count() == sum(count > 1 for count in splits.values())


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.95, 1.0]))
def test_quantiles(values: list[int], share: float) -> None:
    assert quantile(Counter(values), share) == np.quantile(values, share, method="inverted_cdf")
