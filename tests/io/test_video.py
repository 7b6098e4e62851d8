import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media import FPS, JUMPING, X264, encode, notes, number_of, numbered, read, sampling

from deepfake_cli.errors import MediaError
from deepfake_cli.io.video import probe, read_frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, 100 numbered frames, H.264."""
    return encode(tmp_path_factory.mktemp("video") / "clip.mp4", numbered(100), options=X264)


def numbers(path: Path, **what: int) -> list[int]:
    return [number_of(frame.image) for frame in read(path, sampling(**what))]


# Which frames


def test_the_frame_on_screen_at_each_moment_is_taken(clip: Path) -> None:
    assert numbers(clip, frames=4) == [12, 37, 62, 87]  # at 0.5, 1.5, 2.5, 3.5 seconds


def test_every_nth_frame(clip: Path) -> None:
    assert numbers(clip, every=30) == [0, 30, 60, 90]


def test_a_film_shorter_than_asked_for_gives_each_frame_once(clip: Path) -> None:
    assert numbers(clip, frames=100) == list(range(100))
    assert numbers(clip, frames=5000) == list(range(100))


def test_one_frame(tmp_path: Path) -> None:
    path = encode(tmp_path / "one.mp4", numbered(1), options=X264)
    assert numbers(path, frames=32) == [0]


def test_variable_rate_is_sampled_by_time(tmp_path: Path) -> None:
    pts = [0, 40, 80, 120, 2000, 2040, 3000, 3900]  # milliseconds
    path = encode(tmp_path / "variable.mkv", numbered(8), options=X264, pts=pts)
    assert [round(frame.time * 1000) for frame in read(path, sampling())] == pts
    # At 0.5, 1.5, 2.5 and 3.5 seconds the screen shows frames 3, 3, 5 and 6.
    assert numbers(path, frames=4) == [3, 5, 6]


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    for start in (-200, 5000):
        pts = [start + 40 * i for i in range(50)]
        path = encode(tmp_path / f"{start}.mkv", numbered(50), options=X264, pts=pts)
        frames = read(path, sampling(frames=5), seek_beyond=JUMPING)
        assert [round(frame.time, 2) for frame in frames] == [0.2, 0.6, 1.0, 1.4, 1.8]
        assert [number_of(frame.image) for frame in frames] == [5, 15, 25, 35, 45]


# What it says about itself


def test_probe(clip: Path) -> None:
    info = probe(clip)
    assert (info.width, info.height, info.duration, info.fps, info.frames) == (160, 120, 4.0, 25.0, 100)
    assert (info.codec, info.pixel_format, info.rotation, info.has_audio) == ("h264", "yuv420p", 0, False)
    assert "mp4" in info.container


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("live.webm", {"codec": "libvpx-vp9", "container_options": {"live": "1"}}),
        ("raw.h264", {"container": "h264"}),
        ("raw.mjpeg", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "container": "mjpeg"}),
        ("anim.gif", {"codec": "gif", "pix_fmt": "rgb8"}),
    ],
)
def test_duration_is_found_where_the_file_does_not_tell_it(
    name: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = encode(tmp_path / name, numbered(30), **options)
    info = probe(path)
    assert info.duration == pytest.approx(30 / FPS, abs=0.05)
    assert info.frames == 30
    assert numbers(path, frames=3) == [5, 15, 25]


def test_sound_is_told(tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(clip)) as source, av.open(str(path), "w") as output:
        video = output.add_stream_from_template(source.streams.video[0])
        audio = output.add_stream("aac", rate=8000, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                output.mux(packet)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        silence.rate = 8000
        output.mux(audio.encode(silence))
        output.mux(audio.encode())
    assert probe(path).has_audio
    assert numbers(path, frames=2) == [25, 75]


def test_the_largest_moving_stream_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "several.mkv"
    with av.open(str(path), "w") as output:
        small, large = (output.add_stream("libx264", rate=FPS, options=X264) for _ in range(2))
        small.width, small.height, small.pix_fmt = 80, 60, "yuv420p"
        large.width, large.height, large.pix_fmt = 160, 120, "yuv420p"
        for a, b in zip(numbered(10, 80, 60), numbered(10), strict=True):
            output.mux(small.encode(av.VideoFrame.from_ndarray(a[::-1], format="rgb24")))
            output.mux(large.encode(av.VideoFrame.from_ndarray(b, format="rgb24")))
        output.mux(small.encode())
        output.mux(large.encode())
    assert probe(path).width == 160
    assert numbers(path) == list(range(10))


# How frames look


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_frames_come_upright(degrees: int, mirrored: bool, tmp_path: Path) -> None:
    upright = next(numbered(1, 160, 120))
    upright[60:, 80:] = 0  # no symmetry is left
    stored = np.rot90(upright, -degrees // 90)
    if mirrored:
        stored = stored[:, ::-1]

    def turn(stream: av.VideoStream) -> None:
        # PyAV turns first and mirrors then; the file above was turned back and then mirrored.
        stream.set_display_rotation(-degrees if mirrored else degrees, hflip=mirrored)

    options = {**X264, "crf": "5"}
    path = encode(tmp_path / "turned.mp4", [np.ascontiguousarray(stored)], options=options, prepare=turn)
    info = probe(path)
    assert (info.width, info.height) == (160, 120)
    (frame,) = read(path, sampling())
    assert np.abs(frame.image.astype(int) - upright).mean() < 4


def test_pixels_are_made_square(tmp_path: Path) -> None:
    def wide(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    path = encode(tmp_path / "dv.mp4", numbered(2, 176, 144), options=X264, prepare=wide)
    info = probe(path)
    assert (info.width, info.height) == (256, 144)
    frames = read(path, sampling())
    assert frames[1].image.shape == (144, 256, 3)
    assert number_of(frames[1].image) == 1


@pytest.mark.parametrize("size", [(161, 121), (16, 16), (2, 2), (98, 66)])
def test_odd_and_tiny_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    path = encode(tmp_path / "odd.mkv", [frame], codec="ffv1", pix_fmt="bgr0")
    (found,) = read(path, sampling(frames=32))
    assert np.array_equal(found.image, frame)
    even = encode(tmp_path / "odd420.mkv", [frame], codec="ffv1", pix_fmt="yuv420p")
    assert read(even, sampling())[0].image.shape == frame.shape


COLOURS = np.array([(200, 30, 30), (30, 200, 30), (30, 30, 200), (240, 240, 240), (128, 128, 128), (8, 8, 8)])


@pytest.mark.parametrize("size", [(384, 64), (96, 720)])
@pytest.mark.parametrize("layout", ["yuv420p", "yuvj420p", "yuv420p10le", "yuv444p", "yuv422p", "bgr0"])
@pytest.mark.parametrize("tagged", ["", "ITU709", "ITU601"])
def test_colours_are_those_that_players_show(
    layout: str, tagged: str, size: tuple[int, int], tmp_path: Path
) -> None:
    width, height = size
    patches = np.repeat(np.repeat(COLOURS[None], width // 6, 1), height, 0).astype(np.uint8)
    # Untagged, players take HD for BT.709 and anything smaller for BT.601.
    space = tagged or ("ITU709" if height >= 720 else "ITU601")
    space_number = {"ITU709": 1, "ITU601": 5}[space]
    full = layout == "yuvj420p"
    source = av.VideoFrame.from_ndarray(patches, format="rgb24")
    stored = source.reformat(
        format=layout.replace("yuvj", "yuv"),
        dst_colorspace=None if layout == "bgr0" else space,
        dst_color_range=2 if full else 1,
    )
    path = tmp_path / "colours.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=FPS)
        stream.width, stream.height = stored.width, stored.height
        stream.pix_fmt = stored.format.name
        if layout != "bgr0":
            stream.codec_context.color_range = 2 if full else 1
            stream.codec_context.colorspace = space_number if tagged else 2
            stored.color_range = 2 if full else 1
            stored.colorspace = space_number if tagged else 2
        output.mux(stream.encode(stored))
        output.mux(stream.encode())
    (frame,) = read(path, sampling())
    centres = frame.image[height // 2, width // 12 :: width // 6]
    assert np.abs(centres.astype(int) - COLOURS).max() <= 4


def test_what_is_transparent_is_blended_over_black(tmp_path: Path) -> None:
    frame = np.full((64, 64, 4), 200, np.uint8)
    frame[:32, :, 3], frame[32:, :32, 3], frame[32:, 32:, 3] = 255, 128, 0
    path = encode(tmp_path / "alpha.mov", [frame], codec="qtrle", pix_fmt="argb")
    (found,) = read(path, sampling())
    assert (found.image[:32] == 200).all()
    assert np.abs(found.image[32:, :32].astype(int) - 100).max() <= 1
    assert (found.image[32:, 32:] == 0).all()


def test_interlaced_video_is_read(tmp_path: Path) -> None:
    options = {**X264, "x264-params": "tff=1"}
    assert numbers(encode(tmp_path / "tff.mp4", numbered(30), options=options), frames=3) == [5, 15, 25]


def test_the_size_may_change_on_the_way(tmp_path: Path) -> None:
    parts = [
        encode(tmp_path / f"{width}.h264", numbered(10, width, 120), options=X264, container="h264")
        for width in (160, 320)
    ]
    both = tmp_path / "both.h264"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = read(both, sampling())
    assert {frame.image.shape for frame in frames} == {(120, 160, 3), (120, 320, 3)}
    assert [number_of(frame.image) for frame in frames] == [*range(10), *range(10)]


@pytest.mark.slow
def test_large_frames(tmp_path: Path) -> None:
    frame = np.zeros((8000, 8000, 3), np.uint8)
    frame[:, 4000:] = 255
    path = encode(tmp_path / "large.avi", [frame], codec="mjpeg", pix_fmt="yuvj420p")
    (found,) = read(path, sampling(frames=32))
    assert found.image.shape == frame.shape
    assert found.image[100, 100].max() < 5
    assert found.image[100, -100].min() > 250


def test_animated_webp(tmp_path: Path) -> None:
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in numbered(20))
    path = tmp_path / "anim.webp"
    first.save(path, save_all=True, append_images=others, duration=[40] * 10 + [80] * 10, lossless=True)
    info = probe(path)
    assert (info.width, info.height, info.frames, info.codec) == (160, 120, 20, "webp")
    assert info.duration == pytest.approx(1.2)
    assert numbers(path) == list(range(20))
    assert numbers(path, frames=6) == [2, 7, 11, 13, 16, 18]  # at 0.1, 0.3, 0.5, 0.7, 0.9, 1.1 seconds


def test_animated_png_and_avif(tmp_path: Path) -> None:
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in numbered(8))
    for suffix in ("png", "avif"):
        path = tmp_path / f"anim.{suffix}"
        first.save(path, save_all=True, append_images=others, duration=100)
        assert numbers(path) == list(range(8))


# How it is read


def test_frames_come_one_by_one_in_bounded_memory(tmp_path: Path) -> None:
    frames = (np.full((480, 640, 3), number, np.uint8) for number in range(200))
    path = encode(tmp_path / "many.mp4", frames, options=X264)
    script = (
        "import resource, sys; from pathlib import Path; from media import read_frames, sampling\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "with read_frames(Path(sys.argv[1]), sampling(), threads=2, seek_beyond=1e9) as reader:\n"
        "    next(reader); before = peak()\n"
        "    assert sum(1 for _ in reader) == 199\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert int(done.stdout) < 60  # MiB; the frames together have 176


def test_reading_can_end_early_and_closes_the_file(clip: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    with read_frames(clip, sampling(), threads=2, seek_beyond=JUMPING) as reader:
        next(reader)
    assert open_files() == before
    with pytest.raises(StopIteration):
        next(reader)
    assert sum(1 for _ in read_frames(clip, sampling(frames=3), threads=1, seek_beyond=JUMPING)) == 3
    assert open_files() == before
    with pytest.raises(MediaError):
        probe(Path(__file__))
    assert open_files() == before


def test_hdr_is_noted(tmp_path: Path) -> None:
    def hlg(stream: av.VideoStream) -> None:
        stream.codec_context.color_trc = 18

    path = encode(tmp_path / "hlg.mp4", numbered(3), pix_fmt="yuv420p10le", options=X264, prepare=hlg)
    assert any("HDR" in note for note in notes(path, sampling()))
    assert numbers(path) == [0, 1, 2]


def test_a_healthy_video_has_no_notes(clip: Path, make_video: Callable[..., Path]) -> None:
    with read_frames(clip, sampling(frames=3), threads=2, seek_beyond=JUMPING) as reader:
        assert len(list(reader)) == 3
        assert reader.notes == []
