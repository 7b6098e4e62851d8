import time
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.core.phash import FARTHEST, near_pairs, perceptual_hash


def bits(one: int | None, two: int | None) -> int:
    assert one is not None
    assert two is not None
    return (one ^ two).bit_count()


def found(hashes: np.ndarray, members: np.ndarray, distance: int) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for some in near_pairs(hashes, members, distance) for a, b in some]


def test_the_same_picture_keeps_its_hash_through_scaling_and_compression(portrait: np.ndarray) -> None:
    face = portrait[50:210, 150:300]
    small = cv2.resize(face, (75, 80), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    for copy in (small, jpeg, np.clip(face * 0.9 + 10, 0, 255).astype(np.uint8)):
        assert bits(perceptual_hash(face), perceptual_hash(copy)) <= 3


def test_other_pictures_have_other_hashes(portrait: np.ndarray) -> None:
    face, other = portrait[50:210, 150:300], portrait[250:410, 150:300]
    assert bits(perceptual_hash(face), perceptual_hash(other)) > 15
    assert bits(perceptual_hash(face), perceptual_hash(np.ascontiguousarray(face[:, ::-1]))) > 15


def test_a_plain_picture_has_none() -> None:
    assert perceptual_hash(np.full((50, 60, 3), 90, np.uint8)) is None
    noise = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    assert perceptual_hash(noise) is not None


@st.composite
def crowds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Some hashes and others near them, so that there are pairs of every distance."""
    distance = draw(st.integers(0, FARTHEST))
    hashes = set(draw(st.lists(st.integers(0, 2**64 - 1), max_size=12)))
    for base in list(hashes):
        for flipped in draw(st.lists(st.sets(st.integers(0, 63), max_size=distance + 2), max_size=4)):
            hashes.add(base ^ sum(1 << bit for bit in flipped))
    unique = np.array(sorted(hashes), np.uint64)
    members = draw(st.lists(st.integers(1, 7), min_size=len(unique), max_size=len(unique)))
    return unique, np.array(members, np.uint8), distance


@settings(max_examples=150, deadline=None)
@given(crowds())
def test_the_search_finds_what_comparing_all_with_all_finds(
    crowd: tuple[np.ndarray, np.ndarray, int],
) -> None:
    hashes, members, distance = crowd
    expected = [
        (a, b)
        for a, b in combinations(range(len(hashes)), 2)
        if int(hashes[a] ^ hashes[b]).bit_count() <= distance and int(members[a] | members[b]).bit_count() > 1
    ]
    pairs = found(hashes, members, distance)
    assert sorted(pairs) == expected  # each once


def test_what_is_in_one_group_costs_nothing() -> None:
    """Thousands of near pictures in one split would be millions of pairs."""
    rng = np.random.default_rng(1)
    base = rng.integers(0, 2**63, dtype=np.uint64)
    crowd = np.unique(base ^ rng.integers(0, 2**15, 9000, dtype=np.uint64))
    hashes = np.concatenate([crowd, crowd[:1] ^ np.uint64(1 << 60)])
    members = np.ones(len(hashes), np.uint8)
    assert found(hashes, members, 0) == found(hashes, members, 1) == []
    started = time.process_time()
    assert found(hashes, members, 3) == []
    assert time.process_time() - started < 5


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count: int) -> None:
    assert found(np.arange(count, dtype=np.uint64), np.full(count, 7, np.uint8), 3) == []
