import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from deepfake_cli.errors import MediaError
from deepfake_cli.io.images import kind_of, read_image

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"]


@pytest.fixture
def photo(portrait: np.ndarray) -> Image.Image:
    """300 x 200, not symmetric in any way."""
    return Image.fromarray(portrait[40:240, 100:400])


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def as_pillow_shows(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_of_every_kind(kind: str, photo: Image.Image, tmp_path: Path) -> None:
    path = saved(tmp_path / "picture.bin", encoded(photo, kind))
    assert kind_of(path) == "image"
    image = read_image(path)
    assert (image.shape, image.dtype) == ((200, 300, 3), np.uint8)
    assert image.flags.c_contiguous
    assert difference(image, as_pillow_shows(path)) < 0.5


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_png_of_every_depth(mode: str, photo: Image.Image, tmp_path: Path) -> None:
    if mode == "I;16":
        grey = np.asarray(photo.convert("L"))
        content = encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")
        expected = np.repeat(grey[..., None], 3, 2)
    else:
        content = encoded(photo.convert(mode), "PNG")
        expected = np.asarray(photo.convert(mode).convert("RGB"))
    assert np.array_equal(read_image(saved(tmp_path / "a.png", content)), expected)


def test_sixteen_bit_colours(photo: Image.Image, tmp_path: Path) -> None:
    deep = cv2.imencode(".png", np.asarray(photo)[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    assert np.array_equal(read_image(saved(tmp_path / "a.png", deep)), np.asarray(photo))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks(kind: str, photo: Image.Image, tmp_path: Path) -> None:
    path = saved(tmp_path / "cmyk", encoded(photo.convert("CMYK"), kind))
    assert difference(read_image(path), np.asarray(photo)) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_and_mirrored_pictures_come_upright(
    kind: str, orientation: int, photo: Image.Image, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "turned", encoded(photo, kind, exif=exif))
    assert difference(read_image(path), as_pillow_shows(path)) < 0.5


def test_broken_exif_data_are_no_reason_to_refuse_a_picture(photo: Image.Image, tmp_path: Path) -> None:
    content = encoded(photo, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert np.array_equal(read_image(saved(tmp_path / "a.png", content)), np.asarray(photo))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_is_blended_over_black(kind: str, photo: Image.Image, tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (200, 1))
    photo.putalpha(Image.fromarray(alpha))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    image = read_image(saved(tmp_path / "a", encoded(photo, kind, **options)))
    expected = np.asarray(photo)[..., :3] * (alpha[..., None] / 255)
    assert np.abs(image - expected).max() <= 1


def test_the_fourth_channel_of_a_bitmap_is_not_taken_for_alpha(photo: Image.Image, tmp_path: Path) -> None:
    expected = np.asarray(photo).copy()
    photo.putalpha(0)
    assert np.array_equal(read_image(saved(tmp_path / "a.bmp", encoded(photo, "BMP"))), expected)


def test_several_pictures_for_the_same_moment_are_one_picture(photo: Image.Image, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mpo", encoded(photo, "MPO", save_all=True, append_images=[photo.rotate(9)]))
    assert kind_of(path) == "image"
    assert difference(read_image(path), np.asarray(photo)) < 5


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_videos(kind: str, photo: Image.Image, tmp_path: Path) -> None:
    turned = [photo.rotate(angle) for angle in (10, 20)]
    path = saved(tmp_path / "a", encoded(photo, kind, save_all=True, append_images=turned, duration=100))
    assert kind_of(path) == "video"


def test_kinds_are_told_by_content(portrait_video: Path, photo: Image.Image, tmp_path: Path) -> None:
    assert kind_of(saved(tmp_path / "picture.mp4", encoded(photo, "PNG"))) == "image"
    assert kind_of(saved(tmp_path / "video.jpg", portrait_video.read_bytes())) == "video"
    assert kind_of(saved(tmp_path / "film.jpg", encoded(photo, "JPEG") * 3)) == "video"
    assert kind_of(saved(tmp_path / "text.jpg", b"no picture at all")) == "video"
    assert kind_of(saved(tmp_path / "one.gif", encoded(photo, "GIF"))) == "image"
    assert kind_of(saved(tmp_path / "sound.wav", b"RIFF\x24\0\0\0WAVEfmt ")) == "video"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("left", [12, 40, 0.5, 0.99])
def test_cut_off_pictures_are_refused_in_silence(
    kind: str, left: float, photo: Image.Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = encoded(photo, kind)
    path = saved(tmp_path / "cut", whole[: left if isinstance(left, int) else int(len(whole) * left)])
    assert kind_of(path) == "image"
    with pytest.raises(MediaError, match="damaged or incomplete"):
        read_image(path)
    assert capfd.readouterr() == ("", "")


def test_a_png_with_a_flipped_bit_is_refused_in_silence(
    photo: Image.Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(encoded(photo, "PNG"))
    content[len(content) // 2] ^= 1
    with pytest.raises(MediaError, match="damaged"):
        read_image(saved(tmp_path / "a.png", bytes(content)))
    assert capfd.readouterr() == ("", "")


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(MediaError, match="too large: 30000 x 30000"):
        read_image(saved(tmp_path / "bomb.png", content))


@pytest.mark.slow
def test_large_pictures(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((8000, 8000), 90, np.uint8))
    image = read_image(saved(tmp_path / "large.jpg", encoded(grey, "JPEG")))
    assert image.shape == (8000, 8000, 3)
    assert abs(int(image[4000, 4000, 0]) - 90) <= 1


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "HEIC"),
        (b"\xff\x0a" + bytes(64), "JPEG XL"),
        (b"8BPS\0\1" + bytes(64), "Photoshop"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_known_pictures_that_cannot_be_read_are_named(content: bytes, name: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "picture", content)
    assert kind_of(path) == "image"
    with pytest.raises(MediaError, match=name) as error:
        read_image(path)
    assert "PNG or JPEG" in error.value.hint


def test_what_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="unknown format"):
        read_image(saved(tmp_path / "a.png", b"hello"))
    with pytest.raises(MediaError, match="empty"):
        read_image(saved(tmp_path / "b.png", b""))
    with pytest.raises(MediaError, match="no such file"):
        kind_of(tmp_path / "missing.png")
    with pytest.raises(MediaError, match="folder"):
        kind_of(tmp_path)
