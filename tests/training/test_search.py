"""Searches in this process: what is kept of trials, what ends them, and what a study refuses."""

import csv
import json
import os
import sqlite3
import tomllib
from pathlib import Path

import pytest
from optuna import create_trial
from optuna.distributions import IntDistribution
from optuna.trial import TrialState
from recipes import tiny_recipe

from deepfake_cli.errors import DataError, OutputError, UsageError
from deepfake_cli.io.model_folder import load_model_folder
from deepfake_cli.profile import load_profile
from deepfake_cli.settings import ClassifierSettings
from deepfake_cli.training.search import study
from deepfake_cli.training.search.report import write_search_report
from deepfake_cli.training.search.results import Result, best_first, best_of, write_trials
from deepfake_cli.training.search.run import all_results, run_trials
from deepfake_cli.training.search.space import Space, check_space, suggest
from deepfake_cli.training.search.study import Plan, Search, make_plan, open_search
from deepfake_cli.training.search.trial import Outside
from deepfake_cli.training.search.workers import environment_of
from deepfake_cli.training.tables import Source


def nothing_inside(settings: ClassifierSettings) -> None:
    assert settings.input == "plain"


OUTSIDE = Outside(nothing_inside)


def plan_of(table: Path, entries: dict[str, object], pruner: str = "none", **values: object) -> Plan:
    recipe = tiny_recipe(**values)
    space = check_space(Space("tiny", entries, None, None, "random", pruner), recipe)
    return make_plan([Source(table)], recipe, space)


@pytest.fixture(scope="module")
def searched(faces_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A finished search of two trials: one complete, one of a recipe that cannot be."""
    entries = {
        "classifier.head": {"choices": ["linear", "mri-gan"]},
        "classifier.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "classifier.balance": {"choices": [["label"], ["label", "video"]]},
    }
    search = open_search(tmp_path_factory.mktemp("search"), plan_of(faces_table, entries), 3)
    assert [result.number for result in run_trials(search, OUTSIDE)] == [0, 1, 2]
    return search


def test_a_recipe_that_cannot_be_costs_its_trial_only(searched: Search) -> None:
    results = all_results(searched)
    assert {one.state for one in results} == {"complete", "failed"}
    for one in results:
        assert (one.state == "failed") == (one.settings["classifier.head"] == "mri-gan")
        assert ("must be 1 or more" in one.message) == (one.state == "failed")
    assert next(run_trials(searched, OUTSIDE), None) is None


def test_all_that_came_of_a_trial_is_kept(searched: Search) -> None:
    best = best_of(all_results(searched))
    assert best is not None
    folder = searched.folder_of(best.number)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["state"] == "complete"
    assert metrics["by_table"] == {"tinted": metrics["auc"]}
    rows = list(csv.DictReader((folder / "epochs.csv").open()))
    assert max(float(row["choose_auc"]) for row in rows) == pytest.approx(metrics["auc"], abs=1e-5)
    assert len(rows) == metrics["epochs"] == 2
    assert load_model_folder(folder / "model").config.input.size == 64
    assert (folder / "report.html").exists()
    assert not list(folder.glob("*.safetensors"))
    samples = list(csv.DictReader((folder / "samples.csv").open()))
    assert {one["label"] for one in samples} == {"real", "fake"}
    assert all(Path(one["image"]).is_file() and 0 <= float(one["score"]) <= 1 for one in samples)
    assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_the_recipe_of_a_trial_makes_it_again(searched: Search) -> None:
    for one in all_results(searched):
        file = searched.folder_of(one.number) / "recipe.toml"
        if one.state == "failed":
            assert not file.exists()
            continue
        recipe = load_profile(file)
        assert recipe.classifier == study.recipe_of(searched.plan, one.settings).classifier
        assert (
            tomllib.loads(file.read_text())["classifier"]["learning_rate"] == recipe.classifier.learning_rate
        )


def test_draws_depend_on_the_trial_alone(searched: Search, tmp_path: Path) -> None:
    other = open_search(tmp_path, searched.plan, 3)
    for one in all_results(searched):
        trial = other.begin()
        assert trial is not None
        assert suggest(trial, other.plan.space.entries) == one.settings
        other.end(trial, TrialState.FAIL)


def test_the_report_works_offline(searched: Search) -> None:
    page = write_search_report(searched, all_results(searched)).read_text()
    best = best_of(all_results(searched))
    assert best is not None
    assert f"Trial {best.number} is best" in page
    assert f"trials/{best.number:04d}/recipe.toml" in page
    assert page.count("plotly.js v") == 1
    assert '"type":"parcoords"' in page
    assert '"showSendToCloud": false' in page
    for far in ('src="http', "src='http", 'href="http', "@import"):
        assert (
            far
            not in page.split("</script>", 1)[0].split("<script>")[0]
            + page.rpartition("</script>\n</head>")[2]
        )
    assert "the head mri-gan has a hidden layer" in page


def test_the_report_says_why_importance_is_missing(faces_table: Path, tmp_path: Path) -> None:
    search = open_search(tmp_path, plan_of(faces_table, {"classifier.epochs": {"low": 1, "high": 2}}), 1)
    page = write_search_report(search, all_results(search)).read_text()
    assert "it takes 2 complete trials to tell, and there are 0" in page
    assert "none is the best" in page


def test_a_loss_that_is_no_number_costs_its_trial_only(faces_table: Path, tmp_path: Path) -> None:
    entries = {"classifier.learning_rate": {"choices": [1e30]}}
    search = open_search(tmp_path, plan_of(faces_table, entries, optimizer="sgd", schedule="constant"), 1)
    (one,) = run_trials(search, OUTSIDE)
    assert one.state == "failed"
    assert "not a number" in one.message


def test_an_interrupted_trial_is_gone_on_with(faces_table: Path, tmp_path: Path) -> None:
    search = open_search(tmp_path, plan_of(faces_table, {"classifier.epochs": {"choices": [3]}}), 1)

    def stop(number: int, step: object) -> None:
        if step.epoch == 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(run_trials(search, Outside(nothing_inside, watch=stop)))
    assert all_results(search)[0].state == "running"
    seen: list[int] = []
    again = open_search(tmp_path)  # nothing but the folder
    (one,) = run_trials(again, Outside(nothing_inside, watch=lambda number, step: seen.append(step.epoch)))
    assert (one.number, one.state, one.epochs) == (0, "complete", 3)
    assert set(seen) == {2, 3}


def test_a_trial_that_kills_its_process_again_and_again_fails(faces_table: Path, tmp_path: Path) -> None:
    search = open_search(tmp_path, plan_of(faces_table, {"classifier.epochs": {"choices": [1]}}), 1)
    trial = search.begin()
    assert trial is not None
    trial.set_user_attr("sittings", 3)
    (one,) = run_trials(search, OUTSIDE)
    assert (one.state, one.message) == ("failed", "its process was killed 3 times in the same epoch")


def test_a_trial_that_is_worse_than_others_is_pruned(faces_table: Path, tmp_path: Path) -> None:
    entries = {"classifier.epochs": {"low": 3, "high": 4}}
    search = open_search(tmp_path, plan_of(faces_table, entries, pruner="median"), 6)
    for _ in range(5):
        search.study.add_trial(
            create_trial(
                value=1.0,
                params={"classifier.epochs": 3},
                distributions={"classifier.epochs": IntDistribution(3, 4)},
                intermediate_values={1: 1.0, 2: 1.0, 3: 1.0},
            )
        )
    (one,) = run_trials(search, OUTSIDE)
    assert (one.number, one.state, one.epochs) == (5, "pruned", 1)
    folder = search.folder_of(5)
    assert {file.name for file in folder.glob("*.safetensors")} == {"last.safetensors", "best.safetensors"}
    assert json.loads((folder / "metrics.json").read_text())["state"] == "pruned"


def test_a_study_of_something_else_is_refused(faces_table: Path, searched: Search) -> None:
    entries = {**searched.plan.space.entries, "classifier.epochs": {"choices": [1]}}
    del entries["classifier.balance"]
    plan = plan_of(faces_table, entries, pruner="median", size=96, workers=1)
    with pytest.raises(DataError) as refused:
        open_search(searched.folder, plan, 3)
    told = refused.value.message
    assert "classifier.size was 64, is 96" in told
    assert 'the space of classifier.epochs was not searched, is {"choices": [1]}' in told
    assert "the space of classifier.balance was" in told
    assert 'the pruner was "none", is "median"' in told
    assert "classifier.workers" not in told


def test_tables_that_changed_are_refused(faces_table: Path, searched: Search) -> None:
    before = searched.plan
    changed = Plan(before.sources, ("other",), before.base, before.space)
    with pytest.raises(DataError, match=r"faces.csv has changed since"):
        open_search(searched.folder, changed, 3)
    doubled = Plan((Source(faces_table, 0.5),), before.hashes, before.base, before.space)
    with pytest.raises(DataError, match=r"faces.csv=1, are .*faces.csv=0.5"):
        open_search(searched.folder, doubled, 3)


def test_a_study_that_cannot_be_used_is_told(
    faces_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(faces_table, {"classifier.epochs": {"choices": [1]}})
    with pytest.raises(UsageError, match="how many trials"):
        open_search(tmp_path / "new", plan)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "study.db").write_text("not a database, but text that is long enough" * 20)
    with pytest.raises(DataError, match="is not a study"):
        open_search(tmp_path / "other", plan, 1)
    monkeypatch.setattr(study, "_PATIENCE", 0.1)
    search = open_search(tmp_path / "held", plan, 1)
    with sqlite3.connect(tmp_path / "held" / "study.db", isolation_level=None) as held:
        held.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutputError, match="database is locked") as refused:
            search.begin()
        held.execute("ROLLBACK")
    assert "nothing is lost" in refused.value.hint


def test_the_best_come_first(tmp_path: Path) -> None:
    results = [
        Result(0, "complete", {"a": [1]}, auc=0.7, by_table={"x": 0.6, "y": 0.8}),
        Result(1, "pruned", {"a": [2]}, auc=0.95, by_table={"x": 0.9, "y": 1.0}),
        Result(2, "failed", {"a": [3]}, message="why"),
        Result(3, "complete", {"a": [4]}, auc=0.8),
        Result(4, "running", {"a": [5]}, auc=0.99),
        Result(5, "complete", {"a": [5]}, auc=0.8),
    ]
    assert [one.number for one in best_first(results)] == [3, 5, 0, 1]
    best = best_of(results)
    assert best is not None
    assert best.number == 3
    assert best_of(results[1:3]) is None
    write_trials(tmp_path, results)
    rows = list(csv.DictReader((tmp_path / "trials.csv").open()))
    assert rows[0]["auc x"] == "0.6"
    assert (rows[2]["auc"], rows[2]["message"], rows[2]["a"]) == ("", "why", "[3]")


def test_processes_share_processor_and_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert environment_of(0, 1, []) == {"OMP_NUM_THREADS": str(os.cpu_count())}
    assert environment_of(0, 1000, []) == {"OMP_NUM_THREADS": "1"}
    assert [environment_of(n, 3, ["4", "6"])["CUDA_VISIBLE_DEVICES"] for n in range(3)] == ["4", "6", "4"]
