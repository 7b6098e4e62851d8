from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media import ONE_PASS, OPEN_GOP, encode, numbered, read, sampling

from deepfake_cli.io import timeline
from deepfake_cli.io.foresight import with_ends

X264 = {
    "pyramid.mp4": {"preset": "medium", "crf": "24"},
    "no_pyramid.mkv": {
        "preset": "veryfast",
        "crf": "24",
        "x264-params": "b-pyramid=none:bframes=6:b-adapt=0",
    },
    "open.mp4": OPEN_GOP,
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """One of X264, made when first asked for."""
    folder = tmp_path_factory.mktemp("x264")

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else encode(path, numbered(120), options=X264[name])

    return make


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Times of all frames that come out of the decoder, sampled or not."""
    times: list[float] = []
    really = timeline.Timeline.next

    def following(self: timeline.Timeline) -> timeline.Picture | None:
        picture = really(self)
        times.extend([picture.time] if picture else [])
        return picture

    monkeypatch.setattr(timeline.Timeline, "next", following)
    return times


@pytest.mark.parametrize("name", X264)
@pytest.mark.parametrize("count", [1, 2, 7, 30, 119])
def test_frames_nobody_looks_at_are_left_out_and_the_others_stay_the_same(
    name: str,
    count: int,
    video: Callable[[str], Path],
    decoded: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, what = video(name), sampling(frames=count)
    sparing = read(path, what, seek_beyond=ONE_PASS)
    spared = len(decoded)
    monkeypatch.setattr(timeline, "_TIMED", ())
    decoded.clear()
    whole = read(path, what, seek_beyond=ONE_PASS)
    assert [frame.time for frame in sparing] == [frame.time for frame in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(sparing, whole, strict=True))
    if count <= 7:
        assert spared < 0.9 * len(decoded)


class Packet:
    """What `with_ends` knows of a packet."""

    def __init__(self, pts: int | None) -> None:
        self.pts = pts


@given(st.lists(st.integers(0, 15), min_size=1, max_size=80), st.sets(st.integers(0, 79), max_size=3))
def test_an_end_is_the_time_of_the_next_frame_or_unknown(delays: list[int], untimed: set[int]) -> None:
    # Frames are stored up to 16 places away from where they are shown.
    order = sorted(range(len(delays)), key=lambda place: (place + delays[place], place))
    packets = [Packet(None if place in untimed else 10 * place) for place in order]
    times = sorted(packet.pts for packet in packets if packet.pts is not None)
    given_back = list(with_ends(iter(packets)))  # type: ignore[arg-type]
    assert [packet.pts for packet, _ in given_back] == [packet.pts for packet in packets]
    for packet, end in given_back:
        if end is not None:
            assert packet.pts is not None
            assert end == next(time for time in times if time > packet.pts)
