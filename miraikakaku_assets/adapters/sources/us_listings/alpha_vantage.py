"""Alpha Vantage's LISTING_STATUS: a CSV of US listings with the day of the listing and of the delisting.

Refusals (rate limit, unknown key) come as HTTP 200 with a JSON body that repeats the caller's key, so nothing
of such a body is ever shown. The word ``null`` stands for nothing; fields stay text.
"""

import csv
import io
from datetime import date
from urllib.parse import quote

from miraikakaku_assets.adapters.sources.http import is_web_page, read_published
from miraikakaku_assets.application.ports import PublishedFile
from miraikakaku_assets.domain.errors import DependencyUnavailableError, InputFileError
from miraikakaku_assets.domain.market.us_listings import VendorLine

LISTING_STATUS = "listing_status.csv"
COLUMNS = ("symbol", "name", "exchange", "assetType", "ipoDate", "delistingDate", "status")
_STATUSES = {"Active": True, "Delisted": False}
_REFUSALS = (  # the limit is looked for first: its notice names the key, too
    ("rate limit", "its limit of requests is used up"),
    ("call frequency", "its limit of requests is used up"),
    ("requests per day", "its limit of requests is used up"),
    ("demo", "the demo key serves its own examples only"),
    ("apikey", "ALPHA_VANTAGE_API_KEY is refused"),
    ("api key", "ALPHA_VANTAGE_API_KEY is refused"),
)


def fetch_listing_status(base_url: str, key: str, timeout: float) -> PublishedFile:
    """Asks for today's listings.

    Args:
        base_url: Scheme and host of Alpha Vantage.
        key: API key; never part of a message.
        timeout: Seconds for the whole download.

    Raises:
        DependencyUnavailableError: It cannot be reached, or refuses.
        InputFileError: The answer is empty.
    """
    address = f"{base_url.rstrip('/')}/query"
    file = read_published(
        f"{address}?function=LISTING_STATUS&apikey={quote(key, safe='')}", timeout, LISTING_STATUS
    )
    if file.content.lstrip().startswith(b"{"):
        body = file.content.decode("utf-8", "replace").lower()
        why = next((meaning for mark, meaning in _REFUSALS if mark in body), "it gives no reason we know")
        raise DependencyUnavailableError(
            f"{address} refuses to list: {why}; try again later, or unset ALPHA_VANTAGE_API_KEY to go without it"
        )
    return file


def read_listing_status(file: PublishedFile) -> tuple[VendorLine, ...]:
    """Reads the CSV.

    Raises:
        InputFileError: Not this CSV, or a line that cannot be right.
    """
    if is_web_page(file.content) or file.content.lstrip().startswith(b"{"):
        raise InputFileError(
            file.name, "not_a_list", "it is an answer without a list (HTML or JSON); download it again"
        )
    try:
        reader = csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline=""), strict=True)
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputFileError(file.name, "not_text", f"it is no CSV ({type(error).__name__})") from None
    if not rows or tuple(rows[0][1]) != COLUMNS:
        raise InputFileError(
            file.name,
            "wrong_header",
            f"its columns are not those of LISTING_STATUS ({', '.join(COLUMNS)})",
            1,
        )
    return tuple(_line(file.name, row, cells) for row, cells in rows[1:])


def _line(name: str, row: int, cells: list[str]) -> VendorLine:
    if len(cells) != len(COLUMNS):
        raise InputFileError(name, "wrong_columns", f"{len(cells)} fields instead of {len(COLUMNS)}", row)
    fields = dict(zip(COLUMNS, cells, strict=True))
    if fields["status"] not in _STATUSES:
        raise InputFileError(name, "bad_status", f"{fields['status']!r} is neither Active nor Delisted", row)
    return VendorLine(
        symbol=fields["symbol"],
        exchange=fields["exchange"],
        asset_type=fields["assetType"],
        ipo_date=_date(name, row, fields["ipoDate"]),
        delisting_date=_date(name, row, fields["delistingDate"]),
        is_active=_STATUSES[fields["status"]],
    )


def _date(name: str, row: int, text: str) -> date | None:
    if text in {"", "null"}:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputFileError(name, "bad_date", f"{text!r} is not a date like 2004-08-19", row) from None
