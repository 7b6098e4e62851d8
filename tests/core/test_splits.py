"""Splits that follow from names, and groups that stay whole."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.core.splits import Groups, split_of, within

SHARES = {"train": 0.8, "choose": 0.1, "report": 0.1}
NAMES = st.binary(min_size=1, max_size=3)


@pytest.mark.parametrize(
    "shares", [SHARES, {"train": 2, "choose": 1, "report": 1}, {"train": 1, "report": 1}]
)
def test_splits_have_their_shares(shares: dict[str, float]) -> None:
    counts = Counter(split_of(b"%d" % i, 0, shares) for i in range(20_000))
    for name, share in shares.items():
        assert counts[name] / 20_000 == pytest.approx(share / sum(shares.values()), abs=0.015)


def test_a_split_without_a_share_stays_empty() -> None:
    assert {split_of(b"%d" % i, 0, {"train": 0, "choose": 1, "report": 0}) for i in range(100)} == {"choose"}
    with pytest.raises(ValueError, match="no split"):
        split_of(b"a", 0, {"train": 0, "choose": 0})


@given(st.binary(), st.integers(0, 2**40))
def test_a_split_follows_from_name_and_seed_alone(group: bytes, seed: int) -> None:
    assert split_of(group, seed, SHARES) == split_of(group, seed, dict(SHARES))


def test_this_very_division_stays() -> None:
    """What was divided once must not move with a new version."""
    told = [split_of(b"who id%d" % i, 0, SHARES) for i in range(12)]
    assert [i for i, split in enumerate(told) if split != "train"] == [0, 5, 10]
    assert (told[0], told[5], told[10]) == ("choose", "report", "choose")


def test_another_seed_divides_otherwise() -> None:
    half = {"train": 1, "report": 1}
    assert [split_of(b"%d" % i, 0, half) for i in range(50)] != [
        split_of(b"%d" % i, 1, half) for i in range(50)
    ]


@given(st.text(), st.integers(0, 9), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_holds_a_smaller(key: str, seed: int, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert within(key, seed, large) or not within(key, seed, small)
    assert within(key, seed, 1)
    assert not within(key, seed, 0)


def test_half_of_all_is_half_of_every_split() -> None:
    names = [f"{i}" for i in range(20_000)]
    for split in SHARES:
        members = [name for name in names if split_of(name.encode(), 0, SHARES) == split]
        assert sum(within(name, 0, 0.5) for name in members) / len(members) == pytest.approx(0.5, abs=0.05)


@given(st.lists(st.tuples(NAMES, NAMES), max_size=30), st.randoms(use_true_random=False))
def test_what_was_joined_in_any_order_is_one_group(pairs: list[tuple[bytes, bytes]], random: object) -> None:
    ordered, shuffled = Groups(), Groups()
    for one, other in pairs:
        ordered.join(one, other)
    random.shuffle(pairs)  # type: ignore[attr-defined]
    for one, other in pairs:
        shuffled.join(other, one)
    for one, other in pairs:
        assert ordered.name_of(one) == ordered.name_of(other) == shuffled.name_of(one)
        assert ordered.name_of(one) <= min(one, other)
    assert ordered.joined() == shuffled.joined()


@given(NAMES, NAMES)
def test_who_was_never_joined_is_alone(one: bytes, other: bytes) -> None:
    groups = Groups()
    assert groups.name_of(one) == one
    groups.join(one, one)
    assert groups.joined() == []
    assert (groups.name_of(one) == groups.name_of(other)) == (one == other)
