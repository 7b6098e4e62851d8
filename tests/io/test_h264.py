"""Pictures that went through a real H.264 encoder."""

import numpy as np
import pytest

from deepfake_cli.io.h264 import through_h264


def test_more_compression_loses_more_and_colours_stay_in_place(portrait: np.ndarray) -> None:
    face = np.ascontiguousarray(portrait[60:205, 160:291])  # odd on both sides
    losses = []
    for crf in (15, 28, 43):
        decoded = through_h264(face, crf)
        assert decoded.shape == face.shape
        losses.append(np.abs(decoded.astype(int) - face).mean())
        assert np.abs(decoded.mean((0, 1)) - face.mean((0, 1))).max() < 3
    assert losses == sorted(losses)
    assert losses[0] < 4


def test_the_same_picture_gives_the_same_result(portrait: np.ndarray) -> None:
    assert np.array_equal(through_h264(portrait, 33), through_h264(portrait, 33))


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (17, 16)])
def test_pictures_of_any_size_go_through(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 90, np.uint8)
    assert through_h264(picture, 23).shape == picture.shape
