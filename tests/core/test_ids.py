"""Ids: file names made from paths, safe everywhere."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.core.ids import LONGEST, identifier, longer_identifier, unmistakable_identifier

PATHS = st.text(min_size=1, max_size=300).filter(lambda path: "\0" not in path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.mp4", "a"),
        ("Celeb-real/id0_0001.mp4", "Celeb-real__id0_0001"),
        ("a b/ü.mp4", "a-b__-"),
        ("no_extension", "no_extension"),
        ("folder.v2/clip", "folder.v2__clip"),
        (".hidden/x.png", "hidden__x"),
        ("../beside/x.png", "beside__x"),
        ("/somewhere/x.png", "somewhere__x"),
    ],
)
def test_an_id_is_the_path_without_extension(path: str, name: str) -> None:
    assert identifier(path) == name


def test_a_longer_id_keeps_the_extension() -> None:
    assert longer_identifier("a/b.mp4") == "a__b.mp4"
    assert unmistakable_identifier("a/b.mp4").startswith("a__b.mp4-")


@given(PATHS)
def test_any_path_gives_a_name_that_every_file_system_takes(path: str) -> None:
    for name in (identifier(path), longer_identifier(path), unmistakable_identifier(path)):
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name)
        assert len(name) <= LONGEST


@given(st.text("ab/.", min_size=140, max_size=200), st.text("ab/.", min_size=140, max_size=200))
def test_long_paths_that_differ_give_ids_that_differ(one: str, other: str) -> None:
    if one != other:
        assert unmistakable_identifier(one) != unmistakable_identifier(other)


def test_bytes_that_are_no_text_are_no_hindrance() -> None:
    assert identifier("\udcff.mp4") == "-"
    assert unmistakable_identifier("\udcff.mp4") != unmistakable_identifier("\udcfe.mp4")
