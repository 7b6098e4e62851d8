from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from deepfake_cli.io.curves import Curves, draw_curves

NUMBER = st.floats(-1e6, 1e6)
LINE = st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=8)


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    st.dictionaries(st.sampled_from('abcdef<&"'), LINE),
)
def test_any_curves_are_a_drawing_within_its_frame(
    caption: str, lines: dict[str, list[tuple[float, float]]]
) -> None:
    drawn = "\n".join(draw_curves(Curves(caption, "step", lines)))
    if not lines:
        assert drawn == ""
        return
    svg = ElementTree.fromstring(drawn)
    assert svg.get("role") == "img"
    ways = svg.findall("polyline")[1:]
    assert len(ways) == len(lines)
    for way, line in zip(ways, lines.values(), strict=True):
        places = [tuple(map(float, place.split(","))) for place in way.get("points", "").split()]
        assert len(places) == len(line)
        assert all(0 <= x <= 640 and 0 <= y <= 240 for x, y in places)


def test_higher_values_are_higher_up() -> None:
    svg = ElementTree.fromstring(
        "\n".join(draw_curves(Curves("AUC", "step", {"auc": [(1, 0.5), (2, 0.75)]})))
    )
    first, last = (
        tuple(map(float, p.split(","))) for p in svg.findall("polyline")[1].get("points", "").split()
    )
    assert first[0] < last[0]
    assert first[1] > last[1]
    assert "auc ends at 0.75" in str(svg.get("aria-label"))


def test_the_same_value_throughout_is_a_level_line() -> None:
    svg = ElementTree.fromstring("\n".join(draw_curves(Curves("loss", "step", {"G": [(1, 2.0), (2, 2.0)]}))))
    first, last = svg.findall("polyline")[1].get("points", "").split()
    assert first.split(",")[1] == last.split(",")[1]
    assert first != last
