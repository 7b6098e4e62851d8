"""Shared fixtures: a portrait, small videos made of it, and the command line in a clean environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

Image = np.ndarray  # (H, W, 3) uint8 RGB


@pytest.fixture(autouse=True)
def _no_user_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the profile and the environment of whoever runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith("DFDETECT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-config"))


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """Let Ctrl-C reach the processes that tests start, though whoever started the tests ignores it.

    A shell's background jobs ignore SIGINT, and their children inherit that; a handler is not inherited.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def portrait() -> Image:
    """One public-domain portrait, (512, 512, 3); its face lies within `portrait_box`."""
    from skimage.data import astronaut

    image = np.ascontiguousarray(astronaut())
    image.setflags(write=False)
    return image


@pytest.fixture(scope="session")
def portrait_box() -> tuple[int, int, int, int]:
    """Roughly where the face of `portrait` is: x0, y0, x1, y1."""
    return 177, 65, 275, 200


@pytest.fixture(scope="session")
def pan(portrait: Image) -> Callable[..., list[Image]]:
    """Make frames of the portrait drifting slowly: ``pan(25, width=320, height=240)``."""

    def make(count: int, width: int = 320, height: int = 240, step: float = 0.5) -> list[Image]:
        import cv2

        frames = []
        for i in range(count):
            # The whole portrait fits the height; what lies beside it is its replicated border.
            scale = height / 320
            shift = np.float32(
                [[scale, 0, width / 2 - 226 * scale + i * step], [0, scale, height / 2 - 150 * scale]]
            )
            frames.append(cv2.warpAffine(portrait, shift, (width, height), borderMode=cv2.BORDER_REPLICATE))
        return frames

    return make


def write_video(
    path: Path,
    frames: Iterable[Image],
    fps: float = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times: Sequence[float] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode frames (H, W, 3) RGB or (H, W, 4) RGBA uint8; the container follows from the path's suffix.

    Args:
        path: Where to write.
        frames: All of one size, which `pix_fmt` must allow (even for yuv420p).
        fps: Nominal rate in frames a second.
        codec: FFmpeg's name of the encoder.
        pix_fmt: FFmpeg's name of the pixel format to store.
        times: Presentation time of each frame in seconds, for a variable rate; even spacing otherwise.
        options: Encoder options such as ``{"crf": "18", "g": "10"}``.
    """
    import av

    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1  # the same bytes on every machine
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, pixels in enumerate(frames):
            if not stream.codec_context.is_open:
                stream.height, stream.width = pixels.shape[:2]
            layout = "rgba" if pixels.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=layout)
            if times is not None:
                frame.pts, frame.time_base = round(times[i] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    """`write_video`, as a fixture: ``make_video(tmp_path / "a.mp4", frames, fps=25)``."""
    return write_video


@pytest.fixture(scope="session")
def portrait_video(tmp_path_factory: pytest.TempPathFactory, pan: Callable[..., list[Image]]) -> Path:
    """One second of the drifting portrait, 320 x 240, 25 fps, H.264. Shared: read it, never write it."""
    return write_video(tmp_path_factory.mktemp("videos") / "portrait.mp4", pan(25))


@pytest.fixture
def dfdetect(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own and catch what it says: ``dfdetect("scan", path)``."""

    def run(
        *args: str | os.PathLike[str], env: dict[str, str] | None = None, **more: object
    ) -> subprocess.CompletedProcess[str]:
        settings: dict[str, object] = {"capture_output": True, "text": True, "timeout": 120, "cwd": tmp_path}
        settings.update(more)
        return subprocess.run(
            [sys.executable, "-m", "deepfake_cli", *map(os.fspath, args)],
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})},
            **settings,  # type: ignore[call-overload]
        )

    return run
