import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deepfake_cli.core.sampling import Sampling, sample_times


def make(**changes: float) -> Sampling:
    usual = {"frames": 32, "every": 0, "burst": 4, "burst_seconds": 0.5, "burst_beyond": 60.0}
    return Sampling(**{**usual, **changes})


durations = st.floats(0, 1e5)
samplings = st.builds(
    make,
    frames=st.integers(1, 300),
    burst=st.integers(1, 8),
    burst_seconds=st.floats(0.05, 5),
    burst_beyond=st.floats(0, 1000),
)


@given(durations, samplings)
def test_as_many_moments_as_asked_ascending_within_the_video(duration: float, sampling: Sampling) -> None:
    times = sample_times(duration, sampling)
    assert times.shape == (sampling.frames,)
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert times[-1] <= duration


@given(durations, samplings)
def test_both_ends_are_treated_alike(duration: float, sampling: Sampling) -> None:
    if sampling.frames % sampling.burst:
        return  # then the fuller bursts come first
    times = sample_times(duration, sampling)
    assert times == pytest.approx(duration - times[::-1], abs=1e-6)


def test_short_videos_are_sampled_at_the_centres_of_equal_parts() -> None:
    assert sample_times(10, make(frames=5)).tolist() == [1, 3, 5, 7, 9]


def test_long_videos_are_sampled_in_bursts() -> None:
    times = sample_times(7200, make()).reshape(8, 4)
    assert times.mean(1) == pytest.approx((np.arange(8) + 0.5) * 900)
    assert np.ptp(times, axis=1) == pytest.approx(0.5)
    assert np.diff(times, axis=1) == pytest.approx(0.5 / 3)


@given(st.floats(60, 1e5), st.integers(1, 200), st.integers(2, 8))
def test_bursts_differ_by_one_sample_at_most(duration: float, frames: int, burst: int) -> None:
    assume(duration > frames * 0.5)
    bursts = -(-frames // burst)
    nearest = np.round(sample_times(duration, make(frames=frames, burst=burst)) / duration * bursts - 0.5)
    sizes = np.bincount(nearest.astype(int))
    assert len(sizes) == bursts
    assert np.ptp(sizes) <= 1


def test_bursts_that_would_overlap_are_not_made() -> None:
    sampling = make(frames=200, burst_beyond=60)
    assert np.diff(sample_times(90, sampling)) == pytest.approx(90 / 200)


def test_bursts_of_one_are_none() -> None:
    assert np.diff(sample_times(7200, make(burst=1))) == pytest.approx(225)


@pytest.mark.parametrize(("frames", "every", "stride"), [(32, 0, 0), (32, 5, 5), (0, 0, 1), (0, 3, 3)])
def test_a_stride_wins_over_a_number_of_frames(frames: int, every: int, stride: int) -> None:
    assert make(frames=frames, every=every).stride == stride


def test_a_stride_has_no_times() -> None:
    with pytest.raises(ValueError, match="stride"):
        sample_times(10, make(every=2))


@pytest.mark.parametrize("duration", [-1.0, float("nan"), float("inf")])
def test_a_video_without_a_duration_has_no_times(duration: float) -> None:
    with pytest.raises(ValueError, match="duration"):
        sample_times(duration, make())


@pytest.mark.parametrize(
    "wrong", [{"frames": -1}, {"every": -1}, {"burst": 0}, {"burst_seconds": 0}, {"burst_beyond": -1}]
)
def test_senseless_sampling_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        make(**wrong)
