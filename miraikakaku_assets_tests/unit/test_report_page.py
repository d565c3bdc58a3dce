"""The page builder: nothing that is shown is read as markup, and a picture says what its numbers say."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from miraikakaku_assets.application.reporting.page import (
    Section,
    heat_map,
    line_chart,
    page,
    paragraph,
    table,
)

NOW = datetime(2025, 9, 30, 16, 5, tzinfo=UTC)
EVIL = "<script>alert('x')</script>&"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.seen.add(tag)
        if tag not in {"meta", "rect", "line", "polyline"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "line", "polyline"}:
            assert self.open.pop() == tag


def test_whatever_is_shown_is_text() -> None:
    blocks = [
        paragraph(EVIL, "bad"),
        table((EVIL,), [(EVIL,), (1,), (0.5,), (None,), (True,)], caption=EVIL),
        heat_map([EVIL], [EVIL, "b"], [[0.5, None]]),
    ]
    text = page(EVIL, NOW, [Section(EVIL, blocks)])
    reader = Tags()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert "script" not in reader.seen
    assert "2025-10-01 01:05:00 Asia/Tokyo" in text


def test_heat_map_has_a_cell_per_row_and_column() -> None:
    picture = heat_map(["a", "b"], ["x", "y", "z"], [[1.0, 0.9, 0.0], [None, 0.5, 0.999]])
    assert picture.count("<rect ") == 6
    assert "<title>a y: 90.00 %</title>" in picture
    assert "<title>b x: nothing expected</title>" in picture
    assert picture.count('fill="rgb(40,140,90)"') == 1  # all of it, and nothing else
    assert picture.count('fill="rgb(180,60,20)"') == 2  # half of it or less


def test_line_has_a_point_per_value_and_a_threshold() -> None:
    points = [(NOW + timedelta(hours=6 * n), 90.0 + n) for n in range(5)]
    picture = line_chart(points, line=95.0, unit=" %")
    assert picture.split('points="')[1].split('"')[0].count(",") == 5
    assert "stroke-dasharray" in picture
    assert "95 %" in picture
    assert "Too few" in line_chart(points[:1])
