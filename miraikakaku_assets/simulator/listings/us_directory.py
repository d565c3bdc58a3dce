"""Files of US issues: Nasdaq Trader's symbol directory and Alpha Vantage's listing status."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from miraikakaku_assets.simulator.listings.us_listings import Kind, UsListing
from miraikakaku_assets.simulator.listings.us_names import security_name

_NASDAQ_HEADER = (
    "Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares"
)
_OTHER_HEADER = "ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol"
# As in the files of 2025-07-21, the empty ETF column included.
_NASDAQ_TESTS = (
    "ZAZZT|Tick Pilot Test Stock Class A Common Stock|G|Y|N|100||N",
    "ZBZZT|Test Pilot Test Stock Class B Common Stock|G|Y|N|100||N",
    "ZCZZT|Tick Pilot Test Stock Class C |G|Y|N|100||N",
    "ZJZZT|NASDAQ TEST STOCK|Q|Y|N|100||N",
    "ZVZZT|NASDAQ TEST STOCK|G|Y|N|100||N",
    "ZWZZT|NASDAQ TEST STOCK|S|Y|N|100||N",
    "ZXYZ.A|Nasdaq Symbology Test Common Stock|Q|Y|N|100||N",
    "ZXZZT|NASDAQ TEST STOCK|G|Y|N|100||N",
)
_OTHER_TESTS = (
    "ATEST|Tick Pilot Test Control Common Stock|A|ATEST|N|100|Y|ATEST",
    "ATEST.A|Tick Pilot Test Group 1 Common Stock|A|ATEST.A|N|100|Y|ATEST.A",
    "CBO|CBO (Listing Market - NYSE - Networks A/E) Common Stock|N|CBO|N|100|Y|CBO",
    "CTEST|NYSE Test One Common Stock|N|CTEST|N|100|Y|CTEST",
    "IGZ|IGZ (Listing Market NYSE Arca Network B F) Common Stock|P|IGZ|N|100|Y|IGZ",
    "MTEST|NYSE Texas, Inc. TEST Common Stock|M|MTEST|N|100|Y|MTEST",
    "NTEST|NYSE Tick Pilot Test Sym-Control|N|NTEST|N|100|Y|NTEST",
    "ZBZX|BATS BZX Exchange test issue|Z|ZBZX|N|100|Y|ZBZX",
    "ZEXIT|IEX Test Company Test Symbol Two for IEX|V|ZEXIT|N|100|Y|ZEXIT",
    "ZTEST|BATS BZX Exchange Common Stock (test issue)|Z|ZTEST|N|100|Y|ZTEST",
    "ZVV|NYSE ARCA test stock|P|ZVV|N|100|Y|ZVV",
)

_STATUS_HEADER = "symbol,name,exchange,assetType,ipoDate,delistingDate,status"
_STATUS_EXCHANGES = {"N": "NYSE", "A": "NYSE MKT", "P": "NYSE ARCA", "Z": "BATS"}
_STATUS_TESTS = (("ZVZZT", "NASDAQ TEST STOCK", "NASDAQ"), ("ZTEST", "TEST TICKER FOR UTP", "BATS"))
_WRITTEN_AT_MINUTE = 31


def nasdaq_listed(listings: Iterable[UsListing], now: datetime) -> bytes:
    """Return nasdaqlisted.txt.

    Args:
        listings: All issues listed on that day; those of other exchanges are left out.
        now: Clock in New York.
    """
    lines = [
        f"{listing.directory_symbol}|{security_name(listing)}|{listing.market}|N|N|100|{_yes(listing)}|N"
        for listing in listings
        if listing.on_nasdaq
    ]
    return _directory(_NASDAQ_HEADER, [*lines, *_NASDAQ_TESTS], now)


def other_listed(listings: Iterable[UsListing], now: datetime) -> bytes:
    """Return otherlisted.txt; see `nasdaq_listed`."""
    lines = [
        f"{listing.directory_symbol}|{security_name(listing)}|{listing.market}|{listing.tape_symbol}|{_yes(listing)}"
        f"|{1 if listing.symbol == 'BRK-A' else 100}|N|{listing.nasdaq_symbol}"
        for listing in listings
        if not listing.on_nasdaq
    ]
    return _directory(_OTHER_HEADER, [*lines, *_OTHER_TESTS], now)


def listing_status(listings: Iterable[UsListing], day: date, *, delisted: bool) -> bytes:
    """Return Alpha Vantage's LISTING_STATUS as CSV with CRLF; a missing date is the word ``null``.

    Args:
        listings: All issues of the world.
        day: As of when.
        delisted: Whether to list what has been delisted instead of what is active.
    """
    lines = []
    for listing in listings:
        gone = listing.delisted if listing.delisted is not None and listing.delisted <= day else None
        if listing.listed > day or (gone is not None) != delisted:
            continue
        asset = "ETF" if listing.kind is Kind.FUND else "Stock"
        exchange = _STATUS_EXCHANGES.get(listing.market, "NASDAQ")
        name = security_name(listing).partition(" - ")[0].replace(",", "")
        status = "Delisted" if delisted else "Active"
        lines.append(
            f"{listing.alpha_vantage_symbol},{name},{exchange},{asset},{listing.listed},{gone or 'null'},{status}"
        )
    if not delisted:
        lines += [
            f"{symbol},{name},{place},Stock,2015-05-29,null,Active" for symbol, name, place in _STATUS_TESTS
        ]
    return "\r\n".join((_STATUS_HEADER, *sorted(lines), "")).encode()


def _directory(header: str, lines: list[str], now: datetime) -> bytes:
    # The file is written anew every hour of the day.
    written = now if now.minute >= _WRITTEN_AT_MINUTE else now - timedelta(hours=1)
    stamp = written.replace(minute=_WRITTEN_AT_MINUTE).strftime("%m%d%Y%H:%M")
    # The trailer of otherlisted.txt has one column less than its header, in 2016 as in 2025.
    empty = header.count("|") - (header == _OTHER_HEADER)
    trailer = f"File Creation Time: {stamp}{'|' * empty}"
    return "\n".join((header, *sorted(lines, key=_first_column), trailer, "")).encode()


def _first_column(line: str) -> str:
    return line.partition("|")[0]


def _yes(listing: UsListing) -> str:
    return "Y" if listing.kind is Kind.FUND else "N"
