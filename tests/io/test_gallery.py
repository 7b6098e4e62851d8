import tempfile
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.io.gallery import PAGE, Bars, Grid, Section, Sheet, write_gallery

VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Collects text and pictures, and checks that tags are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"]), min_size=1)


@given(st.lists(TEXT, min_size=5, max_size=5))
def test_any_text_is_shown_as_it_is(texts: list[str]) -> None:
    title, remark, cell, kind, alt = texts
    parts = [
        Grid("a table", ("name", "number"), [(cell, 1)]),
        Bars("bars", ("kind", "count"), [(kind, 2), ("none", 0)]),
        Sheet("a b.png", "a caption", alt, (3, 4)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        write_gallery(Path(folder), title, [Section("part", [remark], parts)])
        page = (Path(folder) / PAGE).read_text(encoding="utf-8")
    reader = Reader(page)
    for text in (title, remark, cell, kind):
        assert text in reader.texts
    assert [picture["alt"] for picture in reader.pictures] == [alt]


def test_bars_are_as_long_as_what_they_count(tmp_path: Path) -> None:
    write_gallery(tmp_path, "t", [Section("s", (), [Bars("b", ("k", "n"), [("x", 1), ("y", 4), ("z", 0)])])])
    page = (tmp_path / PAGE).read_text()
    assert page.count("width: 25.0%") == page.count("width: 100.0%") == 1
    assert page.count("<span") == 2


def test_what_cannot_be_shown_becomes_a_mark(tmp_path: Path) -> None:
    write_gallery(tmp_path, "a\x1b[31m\udcff\0b", [])
    assert "<h1>a\ufffd[31m\ufffd\ufffdb</h1>" in (tmp_path / PAGE).read_bytes().decode("utf-8")
