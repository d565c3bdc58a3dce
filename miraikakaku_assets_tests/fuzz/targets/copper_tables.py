"""Copper: Westmetall's page, and the files that are dropped into a folder."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.sources.copper_files.source import CopperFolder
from miraikakaku_assets.adapters.sources.official_prices import official_quotes
from miraikakaku_assets.adapters.sources.westmetall.page import table_of
from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES, RAW_STOCKS, judge_quotes, judge_stocks
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets_tests.fuzz.target import Form, Parse, Target, ready
from miraikakaku_assets_tests.support.moments import NOW


def _page(content: bytes) -> None:
    _check(*official_quotes(table_of(content, "westmetall.html")))


@contextmanager
def _folder(_: str) -> Iterator[Parse]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def parse(content: bytes) -> None:
            (folder / "copper.csv").write_bytes(content)
            delivery = CopperFolder(folder).deliver(None)
            _check(delivery.quotes, delivery.stocks)

        yield parse


def _check(quotes: pl.DataFrame, stocks: pl.DataFrame) -> None:
    assert dict(quotes.schema) == RAW_QUOTES
    assert dict(stocks.schema) == RAW_STOCKS
    judged = judge_quotes(quotes, NOW)
    assert judged.accepted.height + judged.refused.height == quotes.height
    accepted = judged.accepted.select("contract", "session")
    assert accepted.is_unique().all()
    assert (judged.accepted["price"] > 0).all()
    assert judged.accepted["price"].is_finite().all()
    kept = judge_stocks(stocks, NOW)
    assert kept["session"].is_unique().all()
    assert (kept["tonnes"] >= 0).all()


TARGETS = (
    Target("westmetall_page", ready(_page), (InputFileError,), Form.TEXT),
    Target("copper_files", _folder, (InputFileError,), Form.TEXT),
)
