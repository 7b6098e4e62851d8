"""Files that are no videos, and videos that are no longer whole."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from media import JUMPING, OPEN_GOP, VP9, X264, encode, notes, number_of, numbered, read, sampling

from deepfake_cli.errors import MediaError
from deepfake_cli.io.video import probe, read_frames

FRAMES = 100


@pytest.fixture(autouse=True)
def _silence(capfd: pytest.CaptureFixture[str]):
    """No library may write to the user's terminal."""
    yield
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("whole")
    kinds = {
        "a.mp4": {"options": X264},
        "fast.mp4": {"options": X264, "container_options": {"movflags": "faststart"}},
        "a.mkv": {"options": OPEN_GOP},
        "a.ts": {"options": OPEN_GOP},
        "a.webm": {"codec": "libvpx-vp9", "options": VP9},
        "a.avi": {"codec": "mpeg4", "options": {"g": "20", "bf": "2"}},
        "a.flv": {"options": OPEN_GOP},
        "a.h264": {"options": OPEN_GOP, "container": "h264"},
        "a.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    }

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else encode(path, numbered(FRAMES), **kinds[name])

    return make


@pytest.mark.parametrize("name", ["fast.mp4", "a.mkv", "a.ts", "a.webm", "a.avi", "a.flv", "a.h264", "a.gif"])
def test_of_a_cut_off_video_what_is_there_is_sampled_evenly(
    name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    data = whole(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * 55 // 100])
    frames = read(path, sampling(frames=10))
    assert len(frames) >= 9
    found = np.array([number_of(frame.image) for frame in frames])
    assert np.ptp(np.diff(found)[:-1]) <= 1  # the last one may be the last frame of all
    assert 20 < found[-1] < 80
    again = read(path, sampling(frames=10), seek_beyond=JUMPING)
    assert [frame.time for frame in again] == [frame.time for frame in frames]


@pytest.mark.parametrize("name", ["fast.mp4", "a.mkv", "a.webm", "a.flv"])
def test_a_video_shorter_than_its_header_says_is_noted(
    name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    data = whole(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) // 2])
    assert any(re.search(r"cut off: .* of 4\.\d seconds", note) for note in notes(path, sampling(frames=10)))
    assert probe(path).duration < 3


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm", "a.avi", "a.flv", "a.h264"])
def test_damage_in_the_middle_costs_the_middle(
    name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    data = bytearray(whole(name).read_bytes())
    start, length = len(data) * 2 // 5, len(data) // 10
    data[start : start + length] = np.random.default_rng(0).bytes(length)
    path = tmp_path / name
    path.write_bytes(data)
    frames = read(path, sampling())
    assert len(frames) >= FRAMES // 2
    assert number_of(frames[0].image) == 0
    assert number_of(frames[-1].image) >= 90


def test_damage_is_noted(whole: Callable[[str], Path], tmp_path: Path) -> None:
    data = bytearray(whole("a.mp4").read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert any("damaged" in note for note in notes(path, sampling()))


def test_an_mp4_without_its_end_is_told_apart(whole: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "download.mp4"
    path.write_bytes(whole("a.mp4").read_bytes()[:-3000])
    with pytest.raises(MediaError, match="incomplete MP4") as error:
        probe(path)
    assert "again" in error.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\0" * 50_000, "not a video"),
        (b"hello world\n" * 1000, "not a video"),
        (np.random.default_rng(0).bytes(50_000), "not a video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\na.ts\n#EXT-X-ENDLIST\n", "not a video"),
        (b"ffconcat version 1.0\nfile a.ts\n", "not a video"),
    ],
    ids=["empty", "zeros", "text", "random", "playlist", "concat"],
)
@pytest.mark.parametrize("suffix", ["mp4", "txt", "m3u8"])
def test_what_is_no_video(
    content: bytes, words: str, suffix: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "a.ts").write_bytes(whole("a.ts").read_bytes())
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=words) as error:
        probe(path)
    assert error.value.hint
    assert "\n" not in error.value.message


def test_places_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    places = {
        tmp_path: "folder",
        tmp_path / "pipe": "pipe",
        tmp_path / "loop": "circle",
        tmp_path / "missing": "no such file",
        tmp_path / "file" / "below": "not a directory",
        tmp_path / "nul\0": "path",
        Path("/dev/zero"): "device",
    }
    for place, words in places.items():
        with pytest.raises(MediaError, match=words):
            read_frames(place, sampling(), threads=1, seek_beyond=1.0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_of_others(whole: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(whole("a.mp4").read_bytes())
    path.chmod(0)
    with pytest.raises(MediaError, match="permission"):
        probe(path)


@pytest.mark.parametrize(
    "name", [b"a:b.mp4", b"http:x.mp4", b"100%d.mp4", b"a b #?.mp4", b"\xff\xfe.mp4", b"-y"]
)
def test_any_name_will_do(
    name: bytes, whole: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    path.write_bytes(whole("a.mp4").read_bytes())
    assert probe(path).frames == FRAMES


def test_sound_with_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        audio = output.add_stream("aac", rate=8000, layout="mono")
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        silence.rate = 8000
        output.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        output.mux(cover.encode())
        output.mux(audio.encode(silence))
        output.mux(audio.encode())
    with pytest.raises(MediaError, match="no video stream"):
        probe(path)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as output:
        audio = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        silence.rate = 8000
        output.mux(audio.encode(silence))
    with pytest.raises(MediaError, match="no video stream"):
        probe(path)


def test_frames_that_claim_to_be_huge_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = encode(tmp_path / "bomb.gif", numbered(3), codec="gif", pix_fmt="rgb8")
    data = path.read_bytes()
    path.write_bytes(data[:6] + b"\xff\xff\xff\xff" + data[10:])
    with pytest.raises(MediaError, match="absurd frame size|too large"):
        probe(path)


def test_a_size_that_grows_huge_on_the_way_costs_those_frames(tmp_path: Path) -> None:
    small = encode(
        tmp_path / "small.mjpeg", numbered(5), codec="mjpeg", pix_fmt="yuvj420p", container="mjpeg"
    )
    frame = bytearray(small.read_bytes()[: small.stat().st_size // 5])
    at = frame.index(b"\xff\xc0") + 5
    frame[at : at + 4] = b"\xff\x00\xff\x00"
    end = small.read_bytes()
    small.write_bytes(end + frame + end)
    frames = read(small, sampling())
    assert 9 <= len(frames) <= 11
    assert {frame.image.shape for frame in frames} == {(120, 160, 3)}
