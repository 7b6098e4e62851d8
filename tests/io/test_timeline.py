from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from media import FPS, JUMPING, KINDS, ONE_PASS, encode, number_of, numbered, read, sampling

from deepfake_cli.io.timeline import Timeline

FRAMES = 100


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """One of KINDS with FRAMES frames; made when first asked for."""
    folder = tmp_path_factory.mktemp("kinds")

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else encode(path, numbered(FRAMES), **KINDS[name])

    return make


@pytest.mark.parametrize("name", KINDS)
def test_jumping_gives_the_very_same_frames_as_one_pass(name: str, video: Callable[[str], Path]) -> None:
    path = video(name)
    for what in (sampling(frames=6), sampling(frames=8, burst=4, burst_beyond=1)):
        one_pass = read(path, what)
        jumping = read(path, what, seek_beyond=JUMPING, threads=1)
        assert [frame.time for frame in one_pass] == [frame.time for frame in jumping]
        assert all(np.array_equal(a.image, b.image) for a, b in zip(one_pass, jumping, strict=True))
        assert len(one_pass) == what.frames
        assert [number_of(frame.image) for frame in one_pass] == [round(f.time * FPS) for f in one_pass]


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_comes_once_and_in_order(name: str, video: Callable[[str], Path]) -> None:
    frames = read(video(name), sampling())
    assert [number_of(frame.image) for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(FRAMES) / FPS, abs=0.0011)


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"long.mp4", "refresh.mp4", "raw.h264", "still.gif"}))
def test_a_jump_lands_at_the_keyframe_before(name: str, video: Callable[[str], Path]) -> None:
    timeline = Timeline(video(name), threads=2)
    first = timeline.next()
    assert first is not None
    moment = 55 / FPS
    assert timeline.skipped(0.0, moment) > 0
    landed = timeline.jump(0.0, moment)
    assert landed is not None
    assert moment - 21 / FPS <= landed.time <= moment
    following = timeline.next()
    timeline.close()
    assert following is not None
    assert following.time == pytest.approx(landed.time + 1 / FPS, abs=0.0011)


@pytest.mark.parametrize("name", ["long.mp4", "closed.mp4"])
def test_an_index_tells_when_a_jump_is_of_no_use(name: str, video: Callable[[str], Path]) -> None:
    timeline = Timeline(video(name), threads=1)
    timeline.next()
    assert timeline.skipped(41 / FPS, 55 / FPS) <= 0
    timeline.close()


def test_where_nothing_can_be_jumped_to_decoding_starts_over(video: Callable[[str], Path]) -> None:
    timeline = Timeline(
        video("refresh.mp4"), threads=1
    )  # has entry points, but no whole picture but the first
    timeline.next()
    landed = timeline.jump(0.0, 3.0)
    assert landed is not None
    assert landed.time == 0
    timeline.close()


def test_streams_without_times_are_counted_and_not_jumped_in(video: Callable[[str], Path]) -> None:
    timeline = Timeline(video("raw.h264"), threads=1)
    timeline.next()
    assert timeline.skipped(0.0, 3.0) == 0
    timeline.close()


def test_times_that_start_over_go_on(tmp_path: Path, video: Callable[[str], Path]) -> None:
    recording = video("open.ts").read_bytes()
    twice = tmp_path / "twice.ts"
    twice.write_bytes(recording + recording)
    frames = read(twice, sampling())
    times = np.array([frame.time for frame in frames])
    assert len(frames) > 1.9 * FRAMES
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(2 * FRAMES / FPS, abs=0.5)


def test_the_frames_do_not_depend_on_the_threads(video: Callable[[str], Path]) -> None:
    for name in ("open.mp4", "vp9.webm"):
        one, three = (read(video(name), sampling(frames=7), threads=n, seek_beyond=ONE_PASS) for n in (1, 3))
        assert all(np.array_equal(a.image, b.image) for a, b in zip(one, three, strict=True))
