"""Pages of which a command writes a part: only that part changes, and a page without a place for it is refused."""

from pathlib import Path

import pytest

from miraikakaku_assets.application.reporting.marked_page import put_between
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.cli.operations.measured_page import read_page

BEGIN, END = "<!-- begin -->", "<!-- end -->"
PAGE = f"above\n{BEGIN}\nold\n{END}\nbelow\n"


def test_only_what_stands_between_the_marks_changes() -> None:
    written = put_between(PAGE, BEGIN, END, "new\n")
    assert written == f"above\n{BEGIN}\nnew\n{END}\nbelow\n"
    assert put_between(written, BEGIN, END, "new") == written


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{PAGE}{PAGE}"])
def test_a_page_without_one_place_is_refused_before_anything_is_measured(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ConfigurationError, match="has no place for the figures between"):
        read_page(page, BEGIN, END)
    with pytest.raises(ConfigurationError, match="once each, in this order"):
        put_between(text, BEGIN, END, "new")


def test_a_page_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(ConfigurationError, match="FileNotFoundError"):
        read_page(page, BEGIN, END)
    page.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UnicodeDecodeError"):
        read_page(page, BEGIN, END)
