"""Every so many-th frame is that of all frames, though others are left out of decoding."""

from pathlib import Path

import numpy as np
import pytest
from media import KINDS, encode, numbered, read, sampling


@pytest.mark.parametrize("kind", KINDS)
def test_every_nth_is_that_of_all(tmp_path: Path, kind: str) -> None:
    path = encode(tmp_path / kind, numbered(61), **KINDS[kind])
    everything = read(path, sampling(every=1))
    for step in (2, 5, 10):
        some, wanted = read(path, sampling(every=step), threads=1), everything[::step]
        assert [frame.time for frame in some] == [frame.time for frame in wanted]
        assert all(np.array_equal(one.image, two.image) for one, two in zip(some, wanted, strict=True))


def test_interlaced_video_is_counted_frame_by_frame(tmp_path: Path) -> None:
    options = {"x264-params": "interlaced=1:bframes=3:b-pyramid=none"}
    path = encode(tmp_path / "interlaced.mp4", numbered(61), options=options)
    assert [round(frame.time, 2) for frame in read(path, sampling(every=10))] == [
        0,
        0.4,
        0.8,
        1.2,
        1.6,
        2,
        2.4,
    ]
