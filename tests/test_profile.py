import os
import pickle
import re
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfake_cli.errors import ProfileError
from deepfake_cli.profile import (
    default_path,
    load_profile,
    meanings,
    read_profile,
    user_path,
    values_of,
    variable_of,
)


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own profile goes, in a folder made for this test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_path().parent.mkdir(parents=True)
    return user_path()


def mistakes(path: Path | None = None, options: dict[str, object] | None = None) -> str:
    with pytest.raises(ProfileError) as caught:
        load_profile(path, options)
    return caught.value.message


def test_defaults_are_complete_and_known_to_the_models() -> None:
    effective = read_profile()
    assert set(effective.origins.values()) == {"default"}
    assert values_of(effective.profile)["scan.frames"] == effective.profile.scan.frames == 32


def test_every_key_tells_its_meaning_on_its_line() -> None:
    lines = default_path().read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if re.match(r"\w+ =", line)]
    assert len(keys) == len(meanings()) == len(values_of(load_profile()))
    assert all(len(meaning) > 10 for meaning in meanings().values())


def test_later_sources_win_key_by_key(
    user_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file.write_text("[scan]\nframes = 8\nevery = 5\njobs = 1\ntimeout = 9\n")
    given_file = tmp_path / "mine.toml"
    given_file.write_text("[scan]\nevery = 6\njobs = 2\ntimeout = 10\n")
    monkeypatch.setenv("DFDETECT_SCAN__JOBS", "3")
    monkeypatch.setenv("DFDETECT_SCAN__TIMEOUT", "11")

    effective = read_profile(given_file, {"scan.timeout": 12.5, "scan.model": None})

    scan = effective.profile.scan
    assert (scan.frames, scan.every, scan.jobs, scan.timeout) == (8, 6, 3, 12.5)
    assert scan.model == "plain"
    assert effective.origins["scan.frames"] == str(user_file)
    assert effective.origins["scan.every"] == str(given_file)
    assert effective.origins["scan.jobs"] == "DFDETECT_SCAN__JOBS"
    assert effective.origins["scan.timeout"] == "command line"
    assert effective.origins["scan.model"] == "default"


def test_lists_are_written_in_the_environment_as_in_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFDETECT_SCAN__FAIL_ON", '["fake", "unreadable"]')
    assert load_profile().scan.fail_on == ("fake", "unreadable")


def test_all_mistakes_of_all_sources_are_told_at_once(
    user_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file.write_text("[scan]\nfrmaes = 8\n[detectr]\nmin_face = 20\n")
    given_file = tmp_path / "mine.toml"
    given_file.write_text("frames = 3\n[detector]\nthresholds = [0.5, 2.0, 0.5]\n")
    monkeypatch.setenv("DFDETECT_SCAN__TIMEOUT", "soon")
    monkeypatch.setenv("DFDETECT_SCAN__JOBZ", "1")

    told = mistakes(given_file, {"scan.every": -1}).splitlines()

    assert told[0] == "the profile has 7 mistakes"
    for expected in [
        f"scan.frmaes ({user_file}): no such key; did you mean scan.frames?",
        f"detectr ({user_file}): no such section; did you mean detector?",
        f"frames ({given_file}): not within a section",
        f"detector.thresholds ({given_file}): ",
        "scan.timeout (DFDETECT_SCAN__TIMEOUT): ",
        "DFDETECT_SCAN__JOBZ: no such variable; did you mean DFDETECT_SCAN__JOBS?",
        "scan.every (command line): ",
    ]:
        assert any(line.strip().startswith(expected) for line in told), expected


def test_a_mistake_says_what_the_key_takes() -> None:
    told = mistakes(options={"scan.fail_on": ["fake", "real"]})
    assert told.startswith("the profile has a mistake\n")
    assert "not 'real'" in told
    assert meanings()["scan.fail_on"] in told


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 0, "", None])
def test_durations_are_positive_and_finite(value: object, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"[scan]\ntimeout = {value if isinstance(value, float | int) else repr(value or '')}\n")
    assert "scan.timeout" in mistakes(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"[scan\n", "not TOML"), (b"[scan]\nmodel = '\xff'\n", "not UTF-8"), (b"[scan]\nframes\n", "not TOML")],
)
def test_a_file_that_is_no_profile(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert f"{path}: {complaint}" in mistakes(path)


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    assert "cannot be read" in mistakes(tmp_path)
    assert "no such profile" in mistakes(tmp_path / "missing.toml")


def test_a_whole_section_cannot_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFDETECT_SCAN", '{"frames": 3}')
    assert "DFDETECT_SCAN: no such variable" in mistakes()


def test_settings_cannot_be_changed_once_read() -> None:
    profile = load_profile()
    with pytest.raises(ValueError, match="frozen"):
        profile.scan.frames = 3  # type: ignore[misc]


def test_a_profile_survives_the_way_to_a_worker() -> None:
    profile = load_profile(options={"scan.frames": 7})
    assert pickle.loads(pickle.dumps(profile)) == profile


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.integers(0, 10**6), timeout=st.floats(1e-3, 1e9), path=st.text("ab/._-é ", min_size=1))
def test_what_a_file_says_is_what_counts(frames: int, timeout: float, path: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        f"[scan]\nframes = {frames}\ntimeout = {timeout!r}\n[workspace]\npath = '{path}'\n", "utf-8"
    )
    profile = load_profile(file)
    assert (profile.scan.frames, profile.scan.timeout) == (frames, timeout)
    assert profile.workspace.path == Path(path)


def test_each_key_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in values_of(load_profile()).items():
        text = str(value) if not isinstance(value, list) else repr(value).replace("'", '"')
        monkeypatch.setenv(variable_of(key), text)
    assert set(read_profile().origins.values()) == {variable_of(key) for key in meanings()}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("")
    path.chmod(stat.S_IWUSR)
    assert "cannot be read: permission denied" in mistakes(path).lower()
