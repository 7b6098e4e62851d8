"""Models open, and what is no model says so."""

from pathlib import Path

import numpy as np
import pytest

from deepfake_cli.errors import ModelError
from deepfake_cli.inference.face_detector import WEIGHTS
from deepfake_cli.inference.session import open_session


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_and_its_content_give_the_same_session(threads: int) -> None:
    faces = np.full((3, 3, 24, 24), 90, np.float32)
    path = WEIGHTS / "rnet.onnx"
    (one,), (two,) = (
        open_session(source, threads).run(None, {"faces": faces}) for source in (path, path.read_bytes())
    )
    assert one.shape == (3, 6)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("content", [b"", b"no model at all", None, "half"])
def test_damaged_model(
    tmp_path: Path, content: bytes | str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    whole = (WEIGHTS / "rnet.onnx").read_bytes()
    if content is not None:
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(ModelError, match=r"model\.onnx cannot be loaded: ") as caught:
        open_session(path)
    assert "\n" not in caught.value.message
    assert capfd.readouterr() == ("", "")
