import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfake_cli.errors import DataError, DfdetectError, OutputError
from deepfake_cli.io.archives import DamagedArchiveError, Limits, unpack

LIMITS = Limits(total=10**9, expansion=100, members=1000, reserve=0)
FILES = {"top/a.txt": b"first", "top/deep/er/b.bin": bytes(range(256)) * 300, "top/empty": b""}


def make_tar(
    path: Path, mode: str = "w:gz", files: dict[str, bytes] = FILES, *extra: tarfile.TarInfo
) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return path


def make_zip(path: Path, files: dict[str, bytes] = FILES, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refuses(archive: Path, folder: Path, match: str, limits: Limits = LIMITS) -> DfdetectError:
    before = set(folder.parent.rglob("*"))
    with pytest.raises(DfdetectError, match=match) as caught:
        unpack(archive, folder, limits)
    assert set(folder.parent.rglob("*")) == before, "something was left"
    return caught.value


MAKERS: dict[str, Callable[[Path], Path]] = {
    "zip": make_zip,
    "stored zip": lambda path: make_zip(path, compression=zipfile.ZIP_STORED),
    "tar": lambda path: make_tar(path, "w"),
    "gz": lambda path: make_tar(path, "w:gz"),
    "bz2": lambda path: make_tar(path, "w:bz2"),
    "xz": lambda path: make_tar(path, "w:xz"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_archives_of_every_kind_are_unpacked_without_their_only_folder(tmp_path: Path, kind: str) -> None:
    archive = MAKERS[kind](tmp_path / "archive")
    assert unpack(archive, tmp_path / "new" / "out", LIMITS) == 3
    assert tree(tmp_path / "new" / "out") == {name.removeprefix("top/"): text for name, text in FILES.items()}
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["out"]


def test_a_folder_named_like_its_only_child_is_kept_apart(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"x/x/1": b"1", "x/y": b"2"})
    unpack(archive, tmp_path / "x", LIMITS)
    assert tree(tmp_path / "x") == {"x/1": b"1", "y": b"2"}


def test_what_file_managers_leave_is_left_out(tmp_path: Path) -> None:
    names = ["a/1.jpg", "__MACOSX/a/._1.jpg", "a/.DS_Store", "a/._2.jpg"]
    archive = make_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    assert unpack(archive, tmp_path / "out", LIMITS) == 1
    assert tree(tmp_path / "out") == {"1.jpg": b"x"}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:/x", "a\\..\\x", "..", "a/.."])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_name_leads_out(tmp_path: Path, kind: str, name: str) -> None:
    files = {"fine": b"x", name: b"evil"}
    archive = tmp_path / "a"
    make_zip(archive, files) if kind == "zip" else make_tar(archive, "w:gz", files)
    refuses(archive, tmp_path / "out", "leads out of it")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "../out2/x"])
def test_no_link_leads_out(tmp_path: Path, kind: bytes, target: str) -> None:
    archive = make_tar(tmp_path / "a", "w", FILES, special("link", kind, target))
    refuses(archive, tmp_path / "out", "link that leads out")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """The classic: a link to a folder outside, then a file below it."""
    archive = tmp_path / "a"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(special("door", tarfile.SYMTYPE, str(tmp_path)))
        info = tarfile.TarInfo("door/evil")
        tar.addfile(info)
    refuses(archive, tmp_path / "out", "link that leads out")
    assert not (tmp_path / "evil").exists()


def test_links_within_become_copies(tmp_path: Path) -> None:
    links = [
        special("soft", tarfile.SYMTYPE, "top/a.txt"),
        special("top/deep/up", tarfile.SYMTYPE, "../a.txt"),
        special("hard", tarfile.LNKTYPE, "top/a.txt"),
        special("chain", tarfile.SYMTYPE, "soft"),
    ]
    archive = make_tar(tmp_path / "a", "w", FILES, *links)
    assert unpack(archive, tmp_path / "out", LIMITS) == 7
    found = tree(tmp_path / "out")
    assert {found[name] for name in ("soft", "top/deep/up", "hard", "chain")} == {b"first"}
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


@pytest.mark.parametrize("links", [[("a", "nowhere")], [("a", "b"), ("b", "a")], [("a", "a")]])
def test_links_to_nothing_are_refused(tmp_path: Path, links: list[tuple[str, str]]) -> None:
    infos = [special(name, tarfile.SYMTYPE, target) for name, target in links]
    refuses(make_tar(tmp_path / "a", "w", FILES, *infos), tmp_path / "out", "link to no file")


def test_links_in_zips_are_judged_alike(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, "../../etc/passwd")
    refuses(archive, tmp_path / "out", "link that leads out")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    refuses(make_tar(tmp_path / "a", "w", FILES, special("dev", kind)), tmp_path / "out", "device")


@pytest.mark.parametrize("second", ["a", "a/b"])
def test_double_entries_are_refused(tmp_path: Path, second: str) -> None:
    archive = tmp_path / "a"
    with tarfile.open(archive, "w") as tar:
        for name in ("a", second):
            tar.addfile(tarfile.TarInfo(name))
    refuses(archive, tmp_path / "out", "twice")


def test_encrypted_archives_are_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a": b"x" * 100}, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(data)
    refuses(archive, tmp_path / "out", "encrypted")


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_bombs_are_refused(tmp_path: Path, kind: str) -> None:
    zeros = {"zeros": bytes(12_000_000)}
    archive = tmp_path / "a"
    make_zip(archive, zeros) if kind == "zip" else make_tar(archive, f"w:{kind}", zeros)
    error = refuses(archive, tmp_path / "out", "unpacks to more than 10 MB|bomb")
    assert isinstance(error, DataError)
    refuses(archive, tmp_path / "out", "more than 5 MB", replace(LIMITS, total=5_000_000))
    assert unpack(archive, tmp_path / "out", replace(LIMITS, expansion=1e9)) == 1


def test_a_bomb_of_entries_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {str(i): b"" for i in range(11)})
    refuses(archive, tmp_path / "out", "more than 10 files", replace(LIMITS, members=10))


def test_a_bomb_of_overlapping_entries_is_refused(tmp_path: Path) -> None:
    """Two entries of the list at the end name the same bytes."""
    archive = make_zip(tmp_path / "a.zip", {"a": b"x" * 5000}, zipfile.ZIP_STORED)
    data = archive.read_bytes()
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[start:end]
    tail = bytearray(data[end:])
    tail[8:10] = tail[10:12] = (2).to_bytes(2, "little")
    tail[12:16] = (2 * len(entry)).to_bytes(4, "little")
    archive.write_bytes(data[:end] + entry.replace(b"a", b"b") + tail)
    refuses(archive, tmp_path / "out", "bomb: its entries overlap")


def test_a_bomb_in_a_header_does_not_fill_the_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    with gzip.open(tmp_path / "a", "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(10_000_000))
    refuses(tmp_path / "a", tmp_path / "out", "header of unlikely length")


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.97])
def test_cut_off_archives_are_damaged(tmp_path: Path, kind: str, share: float) -> None:
    archive = MAKERS[kind](tmp_path / "a")
    data = archive.read_bytes()
    # A tar ends in padding that nobody misses.
    end = len(data.rstrip(b"\0")) if kind == "tar" else len(data)
    archive.write_bytes(data[: int(end * share)])
    error = refuses(archive, tmp_path / "out", "is damaged")
    assert isinstance(error, DamagedArchiveError)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"<html>Log in</html>", b"PK\3\4nonsense", b"\x1f\x8bnonsense"]
)
def test_what_is_no_archive_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    refuses(tmp_path / "a", tmp_path / "out", "web page" if b"<" in content else "is damaged")


def test_a_tar_with_a_ruined_header_in_the_middle_is_damaged(tmp_path: Path) -> None:
    """Python's tarfile takes such a header for the end of the archive."""
    archive = make_tar(tmp_path / "a", "w", {"a": b"x" * 600, "b": b"y", "c": b"z"})
    data = bytearray(archive.read_bytes())
    data[1536 + 150] ^= 0xFF
    archive.write_bytes(data)
    refuses(archive, tmp_path / "out", "is damaged")


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(MAKERS)), place=st.integers(0, 10**6), byte=st.integers(1, 255))
def test_whatever_byte_is_wrong_there_is_a_reason_or_the_files_are_safe(
    tmp_path_factory: pytest.TempPathFactory, kind: str, place: int, byte: int
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    archive = MAKERS[kind](folder / "a")
    data = bytearray(archive.read_bytes())
    data[place % len(data)] ^= byte
    archive.write_bytes(data)
    try:
        unpack(archive, folder / "out", LIMITS)
    except DfdetectError:
        assert [path.name for path in folder.iterdir()] == ["a"]


def test_an_older_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    good, bad = make_zip(tmp_path / "good"), tmp_path / "bad"
    bad.write_bytes(good.read_bytes()[:-30])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    refuses(bad, tmp_path / "out", "is damaged")
    assert tree(tmp_path / "out") == {"old": b""}
    unpack(good, tmp_path / "out", LIMITS)
    assert "old" not in tree(tmp_path / "out")


def test_a_disk_that_is_too_small_is_told_of_before(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip")
    error = refuses(archive, tmp_path / "out", "are free", replace(LIMITS, reserve=1 << 60))
    assert isinstance(error, OutputError)


def test_compressed_twice_is_no_tar(tmp_path: Path) -> None:
    for squeeze in (gzip.compress, bz2.compress, lzma.compress):
        (tmp_path / "a").write_bytes(squeeze(b"no tar at all" * 100))
        refuses(tmp_path / "a", tmp_path / "out", "is damaged")
