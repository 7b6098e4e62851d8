import subprocess
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from media import encode, number_of, numbered, read, sampling

from deepfake_cli.errors import MediaError, OutputError
from deepfake_cli.io.encode import Encoding, Rewritten, rewrite_video
from deepfake_cli.io.video import probe

QUICK = Encoding(crf=20, preset="ultrafast")
TICK, RATE = Fraction(1, 90_000), 48_000
# Steps from frame to frame of a video of variable rate; their sum is 2.9 seconds.
STEPS = [3000, 1501, 9000, 3003, 45000, 1500, 30000, 4000] * 2 + [66996]


def unchanged(image: np.ndarray, number: int, time: float) -> np.ndarray:
    return image


def film(
    path: Path, *, steps: Sequence[int] = STEPS, sound: str = "aac", video: str = "libx264", start: float = 0
) -> Path:
    """Write numbered frames shown for ``steps`` ticks each, with three seconds of sound."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(video, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.time_base, stream.codec_context.thread_count = TICK, 1
        voice = output.add_stream(sound, rate=RATE, layout="mono") if sound else None
        pts = round(start / TICK)
        for image, step in zip(numbered(len(steps)), steps, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base, frame.duration = pts, TICK, step
            pts += step
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        for packet in tones(voice, start) if voice else ():
            output.mux(packet)
    return path


def tones(voice: Any, start: float) -> Iterator[Any]:
    wave = np.sin(np.arange(3 * RATE) ** 1.2 / 50).astype(np.float32)[None] * 0.3
    for at in range(0, 3 * RATE, 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave[:, at : at + 1024]), "fltp", "mono")
        frame.rate, frame.pts, frame.time_base = RATE, at + round(start * RATE), Fraction(1, RATE)
        yield from voice.encode(frame)
    yield from voice.encode(None)


def times(path: Path) -> tuple[list[Fraction], Fraction]:
    """Tell when each frame is shown, and when the last one ends."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base
        shown = [(frame.pts or 0) * stream.time_base for frame in container.decode(stream)]
        return shown, (stream.duration or 0) * stream.time_base


def sounds(path: Path) -> tuple[list[bytes], list[Fraction]]:
    """Return the packets of sound and when they are heard."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [bytes(packet) for packet in packets], [(p.pts or 0) * p.time_base for p in packets]


@pytest.mark.parametrize(
    ("name", "sound", "video"),
    [
        ("a.mp4", "aac", "libx264"),
        ("a.mkv", "flac", "libx264"),
        ("a.webm", "libopus", "libvpx"),
        ("a.mov", "pcm_s16le", "libx264"),
        ("b.mkv", "pcm_f32le", "libx264"),  # does not say which speaker is which
    ],
)
def test_every_frame_keeps_its_time_and_the_sound_is_copied(
    tmp_path: Path, name: str, sound: str, video: str
) -> None:
    source, target = film(tmp_path / name, sound=sound, video=video), tmp_path / "out.mp4"
    assert rewrite_video(source, target, unchanged, encoding=QUICK) == Rewritten(len(STEPS), "copied")
    assert times(target)[0] == times(source)[0]
    assert sounds(target)[0] == sounds(source)[0]
    # Matroska rounds to milliseconds, in MP4 PCM has its own clock.
    assert np.allclose(*(np.array(sounds(path)[1], float) for path in (target, source)), rtol=0, atol=1e-3)
    assert [number_of(frame.image) for frame in read(target, sampling())] == list(range(len(STEPS)))
    assert probe(target).codec == "h264"


def test_the_last_frame_stays_as_long_as_it_did(tmp_path: Path) -> None:
    options = {"bf": "0", "preset": "ultrafast"}
    pts = [0, 40, 80, 500, 520]
    source = encode(tmp_path / "a.mp4", numbered(5), options=options, pts=pts)
    rewrite_video(source, tmp_path / "out.mp4", unchanged, encoding=QUICK)
    assert times(tmp_path / "out.mp4") == times(source)


def test_a_late_start_becomes_zero_and_sound_stays_in_step(tmp_path: Path) -> None:
    source, target = film(tmp_path / "a.ts", start=10.0), tmp_path / "out.mp4"
    rewrite_video(source, target, unchanged, encoding=QUICK)
    (before, _), (after, _) = times(source), times(target)
    assert before[0] > 9
    assert [time - after[0] for time in after] == [time - before[0] for time in before]
    step = float(sounds(source)[1][0] - before[0])
    assert float(sounds(target)[1][0] - after[0]) == pytest.approx(step, abs=1e-3)  # MP4 tells starts in ms
    assert min(after[0], sounds(target)[1][0]) == pytest.approx(0, abs=0.03)


def test_sound_that_mp4_cannot_hold_is_encoded_anew(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.avi"), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        voice = output.add_stream("adpcm_ms", rate=RATE, layout="mono")
        for image in numbered(50):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
        for packet in tones(voice, 0):
            output.mux(packet)
    made = rewrite_video(tmp_path / "a.avi", tmp_path / "out.mp4", unchanged, encoding=QUICK)
    assert made == Rewritten(50, "encoded")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(heard) / RATE == pytest.approx(3.0, abs=0.1)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_what_is_done_to_frames_is_what_is_written(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", sound="")
    seen = []

    def change(image: np.ndarray, number: int, time: float) -> np.ndarray:
        seen.append((number, round(time, 6), number_of(image)))
        return np.full((60, 80, 3), number * 10, np.uint8)

    made = rewrite_video(source, tmp_path / "out.mp4", change, encoding=QUICK)
    assert made.sound == "none"
    starts = np.cumsum([0, *STEPS[:-1]]) * float(TICK)
    assert seen == [(i, round(float(start), 6), i) for i, start in enumerate(starts)]
    frames = read(tmp_path / "out.mp4", sampling())
    assert frames[0].image.shape == (60, 80, 3)
    assert [round(float(frame.image.mean()), -1) for frame in frames] == [i * 10 for i in range(len(STEPS))]


def test_only_the_beginning_is_written_if_asked(tmp_path: Path) -> None:
    source, target = film(tmp_path / "a.mp4"), tmp_path / "out.mp4"
    made = rewrite_video(source, target, unchanged, encoding=QUICK, seconds=1.0)
    assert made.frames == sum(float(time) < 1 for time in times(source)[0])
    assert float(sounds(target)[1][-1]) < 1.0


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_videos_are_written_upright(tmp_path: Path, degrees: int) -> None:
    def turn(stream: Any) -> None:
        stream.set_display_rotation(degrees)

    source = encode(tmp_path / "a.mp4", numbered(3), options={"crf": "10"}, prepare=turn)
    rewrite_video(source, tmp_path / "out.mp4", unchanged, encoding=QUICK)
    before, after = read(source, sampling())[0].image, read(tmp_path / "out.mp4", sampling())[0].image
    assert probe(tmp_path / "out.mp4").rotation == 0
    assert before.shape == after.shape
    assert np.abs(before.astype(int) - after).mean() < 3


@pytest.mark.parametrize(("width", "height"), [(161, 121), (160, 121), (161, 120)])
def test_odd_sizes_grow_by_one(tmp_path: Path, width: int, height: int) -> None:
    source = encode(tmp_path / "a.mkv", numbered(3, width, height), "ffv1")
    rewrite_video(source, tmp_path / "out.mp4", unchanged, encoding=QUICK)
    before, after = read(source, sampling())[0].image, read(tmp_path / "out.mp4", sampling())[0].image
    assert after.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(before.astype(int) - after[:height, :width]).mean() < 4


@pytest.mark.parametrize("space", [None, 1, 5])  # untagged, BT.709, BT.601
@pytest.mark.parametrize("height", [480, 720])
def test_colours_stay(tmp_path: Path, space: int | None, height: int) -> None:
    def tag(stream: Any) -> None:
        if space:
            stream.codec_context.colorspace = space

    image = np.repeat(
        np.random.default_rng(0).integers(0, 256, (1, 8, 3), dtype=np.uint8), 80, axis=1
    ).repeat(height, axis=0)
    source = encode(tmp_path / "a.mp4", [image] * 2, options={"crf": "1"}, prepare=tag)
    rewrite_video(source, tmp_path / "out.mp4", unchanged, encoding=Encoding(1, "ultrafast"))
    before, after = read(source, sampling())[0].image, read(tmp_path / "out.mp4", sampling())[0].image
    # Not even by the one level that quick conversion loses.
    assert np.abs((before.astype(int) - after).mean((0, 1))).max() < 0.5


def test_same_input_same_bytes(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mkv", sound="flac")
    hashes = set()
    for name in ("one.mp4", "two.mp4"):
        rewrite_video(source, tmp_path / name, unchanged, encoding=QUICK)
        hashes.add(sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from deepfake_cli.io.encode import Encoding, rewrite_video
source = Path(sys.argv[1])
rewrite_video(source, source.with_suffix(".out"), lambda image, *_: image, encoding=Encoding(30, "ultrafast"))
# Not ru_maxrss, which counts what the parent had when it started us.
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""
    peaks = []
    for count in (20, 100):
        path = encode(tmp_path / f"{count}.mp4", numbered(count, 960, 540), options={"preset": "ultrafast"})
        run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
        peaks.append(int(run.stdout))
    assert peaks[1] - peaks[0] < 40  # megabytes; 80 more frames are 120


def test_a_damaged_video_is_written_as_far_as_it_goes(tmp_path: Path) -> None:
    source = film(tmp_path / "a.ts")
    data = bytearray(source.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    source.write_bytes(data)
    assert 0 < rewrite_video(source, tmp_path / "out.mp4", unchanged, encoding=QUICK).frames < len(STEPS)


def test_what_is_no_video_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(MediaError):
        rewrite_video(tmp_path / "a.mp4", tmp_path / "out.mp4", unchanged, encoding=QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("room", [100, 3000])  # within the header, within the frames
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, room: int) -> None:
    source = film(tmp_path / "a.mp4")
    script = f"""
import resource, signal
from pathlib import Path
from deepfake_cli.errors import OutputError
from deepfake_cli.io.encode import Encoding, rewrite_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
try:
    rewrite_video(Path("a.mp4"), Path("out.mp4"), lambda image, *_: image, encoding=Encoding(0, "ultrafast"))
except OutputError as error:
    print(error.message)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == "cannot write out.mp4: file too large\n"
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, portrait_video: Path) -> None:
    with pytest.raises(OutputError):
        rewrite_video(portrait_video, tmp_path / "no" / "out.mp4", unchanged, encoding=QUICK)
