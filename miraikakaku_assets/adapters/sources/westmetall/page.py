"""The table of Westmetall's page: one row a day, headings that come again with every year."""

from html.parser import HTMLParser

from miraikakaku_assets.adapters.sources.official_prices import OfficialTable, is_official
from miraikakaku_assets.domain.errors import InputFileError


def table_of(content: bytes, name: str) -> OfficialTable:
    """The table of official prices of a page.

    Args:
        content: The page.
        name: Its address, for errors.

    Raises:
        InputFileError: It is no page with such a table, or was cut short.
    """
    reader = _Rows()
    try:
        reader.feed(content.decode("utf-8", errors="replace"))
        reader.close()
    except AssertionError as error:  # how html.parser ends at a declaration like <![x[
        raise InputFileError(name, "no_table", "the page is damaged and cannot be read as HTML") from error
    headings: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(reader.rows, start=1):
        if is_official(cells):
            headings = headings or cells
        elif headings and len(cells) == len(headings):
            rows.append((number, cells))
    if not headings or not rows:
        raise InputFileError(
            name,
            "no_table",
            "the page has no table with a date, cash and three months; has its layout changed?",
        )
    if b"</table" not in content.lower():
        raise InputFileError(name, "cut_short", "the page ends within its table")
    return OfficialTable(name, headings, rows)


class _Rows(HTMLParser):
    """Collects the cells of every table row."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Opens a row or a cell."""
        if tag == "tr":
            self.rows.append([])
            self._in_cell = False  # of a row whose end is missing
        elif tag in ("td", "th"):
            if not self.rows:
                self.rows.append([])
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        """Closes a cell."""
        if tag in ("td", "th", "tr"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        """Adds to the cell that is open."""
        if self._in_cell:
            self.rows[-1][-1] += " ".join(data.split()) if data.strip() else ""
