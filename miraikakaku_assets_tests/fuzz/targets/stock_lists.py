"""Lists of issues: JPX's workbook, Nasdaq Trader's directories, Alpha Vantage's listing status."""

from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.adapters.sources.us_listings.alpha_vantage import LISTING_STATUS, read_listing_status
from miraikakaku_assets.adapters.sources.us_listings.directories import UsAddresses, UsDirectories
from miraikakaku_assets.adapters.sources.us_listings.nasdaq_trader import (
    NASDAQ_LISTED,
    OTHER_LISTED,
    read_directory,
)
from miraikakaku_assets.application.ports import Publication, PublishedFile
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.master import StockList
from miraikakaku_assets_tests.fuzz.target import Form, Target, ready

BETWEEN = b"\n=====\n"
"""Stands between the files of one publication in an input."""


def _jpx(content: bytes) -> None:
    _check(JpxList(1.0).parse(Publication((PublishedFile("data_j.xls", content),))))


def _nasdaq_listed(content: bytes) -> None:
    _directory(content, NASDAQ_LISTED)


def _other_listed(content: bytes) -> None:
    _directory(content, OTHER_LISTED)


def _directory(content: bytes, part: str) -> None:
    directory = read_directory(PublishedFile(part, content, part))
    symbols = [line.symbol for line in directory.lines]
    assert symbols
    assert len(set(symbols)) == len(symbols)
    assert all(symbol == symbol.strip() != "" for symbol in symbols)


def _listing_status(content: bytes) -> None:
    for line in read_listing_status(PublishedFile(LISTING_STATUS, content, LISTING_STATUS)):
        assert isinstance(line.is_active, bool)


def _us_list(content: bytes) -> None:
    """All three files at once, as one list is made of them."""
    parts = (NASDAQ_LISTED, OTHER_LISTED, LISTING_STATUS)
    files = zip(parts, content.split(BETWEEN), strict=False)
    publication = Publication(tuple(PublishedFile(part, file, part) for part, file in files))
    _check(UsDirectories(1.0, UsAddresses(NASDAQ_LISTED, OTHER_LISTED)).parse(publication))


def _check(listed: StockList) -> None:
    assert listed.issues
    codes = [issue.code for issue in listed.issues]
    symbols = [issue.symbol for issue in listed.issues]
    assert len(set(codes)) == len(codes)
    assert len(set(symbols)) == len(symbols)
    for issue in listed.issues:
        assert issue.code.strip()
        assert issue.name.strip()
        for text in (issue.code, issue.name, issue.market, issue.symbol):
            assert "\0" not in text, issue  # PostgreSQL stores none
            text.encode()


TARGETS = (
    Target("jpx_list", ready(_jpx), (InputFileError,), Form.BINARY),
    Target("nasdaq_listed", ready(_nasdaq_listed), (InputFileError,), Form.TEXT),
    Target("other_listed", ready(_other_listed), (InputFileError,), Form.TEXT),
    Target("listing_status", ready(_listing_status), (InputFileError,), Form.TEXT),
    Target("us_list", ready(_us_list), (InputFileError,), Form.TEXT),
)
