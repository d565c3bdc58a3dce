"""Symbol directories in the forms Nasdaq Trader has published, and folders of them."""

from collections.abc import Iterable
from pathlib import Path

from miraikakaku_assets.application.ports import PublishedFile

NASDAQ_2016 = "Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size"
NASDAQ = f"{NASDAQ_2016}|ETF|NextShares"
OTHER = "ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol"
VENDOR = "symbol,name,exchange,assetType,ipoDate,delistingDate,status"
CREATED = "0721202521:31"

AAPL = "AAPL|Apple Inc. - Common Stock|Q|N|N|100|N|N"
NA = "NA|Nano Labs Ltd - Class A Ordinary Shares|G|N|N|100|N|N"
QQQ = "QQQ|Invesco QQQ Trust, Series 1|G|N|N|100|Y|N"
ZVZZT = "ZVZZT|NASDAQ TEST STOCK|G|Y|N|100||N"
BRK = "BRK.B|Berkshire Hathaway Inc. Class B Common Stock|N|BRK.B|N|100|N|BRK.B"
SPY = "SPY|SPDR S&P 500|P|SPY|Y|100|N|SPY"
BAC = "BAC$B|Bank of America Corporation Pfd Ser B|N|BACpB|N|100|N|BAC-B"


def directory(header: str, lines: Iterable[str], created: str = CREATED, end: str = "\r\n") -> bytes:
    """A directory with its trailer."""
    trailer = f"File Creation Time: {created}" + "|" * header.count("|")
    return end.join([header, *lines, trailer, ""]).encode()


def nasdaq_listed(*lines: str, created: str = CREATED) -> bytes:
    return directory(NASDAQ, lines or (AAPL, NA, QQQ, ZVZZT), created)


def other_listed(*lines: str, created: str = CREATED) -> bytes:
    return directory(OTHER, lines or (BRK, SPY, BAC), created)


def listing_status(*lines: str) -> bytes:
    return "\r\n".join([VENDOR, *lines, ""]).encode()


def published(content: bytes, part: str) -> PublishedFile:
    return PublishedFile(f"lists/{part}", content, part)


def folder_of(
    folder: Path, nasdaq: bytes, other: bytes, vendor: bytes | None = None, before: str = ""
) -> Path:
    """A folder that holds one publication; `before` stands before each name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{before}nasdaqlisted.txt").write_bytes(nasdaq)
    (folder / f"{before}otherlisted.txt").write_bytes(other)
    if vendor is not None:
        (folder / f"{before}listing_status.csv").write_bytes(vendor)
    return folder
