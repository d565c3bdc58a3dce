"""The list of TSE issues as JPX publishes it: a genuine BIFF8 workbook with one sheet."""

import io
from collections.abc import Sequence
from datetime import date

from miraikakaku_assets.simulator.core.sessions import SessionGrid, day_of
from miraikakaku_assets.simulator.listings.issues import Listing

COLUMNS = (
    "日付",
    "コード",
    "銘柄名",
    "市場・商品区分",
    "33業種コード",
    "33業種区分",
    "17業種コード",
    "17業種区分",
    "規模コード",
    "規模区分",
)
_SHEET = "Sheet1"
_NONE = "-"


def list_day(tokyo: SessionGrid, now: int) -> date:
    """Return the day the list of an instant is dated: the last session of the month before."""
    first_of_month = tokyo.local_day(now).replace(day=1)
    return day_of(int(tokyo.days[tokyo.last_before(first_of_month)]))


def workbook_of(listings: Sequence[Listing], day: date) -> bytes:
    """Write the workbook of some issues.

    Codes are numbers where they can be (``1301.0``) and text otherwise (``130A``), the date is the number
    ``20250930.0``, and ``-`` stands where an issue has no sector or size, as in the real file.

    Args:
        listings: Issues, in the order of the rows.
        day: The list's date.
    """
    # Only a running simulator writes workbooks.
    import xlwt

    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet(_SHEET)
    for column, title in enumerate(COLUMNS):
        sheet.write(0, column, title)
    stamp = float(day.strftime("%Y%m%d"))
    for row, listing in enumerate(listings, start=1):
        for column, value in enumerate(_cells(listing, stamp)):
            sheet.write(row, column, value)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cells(listing: Listing, stamp: float) -> tuple[float | str, ...]:
    sector = listing.sector
    return (
        stamp,
        float(listing.code) if listing.code.isdigit() else listing.code,
        listing.name,
        listing.market,
        float(sector.code33) if sector else _NONE,
        sector.name33 if sector else _NONE,
        float(sector.code17) if sector else _NONE,
        sector.name17 if sector else _NONE,
        float(listing.size_code) if listing.size_code is not None else _NONE,
        listing.size,
    )
