"""The folder of evidence: the role of each file, and the error when one is missing."""

import gzip
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.sources.files.market_data_folder import evidence_in
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, US

BARS = "Date,Close,High,Low,Open,Volume\n2024-01-04,144.5,145,143,143.5,0\n2024-01-05,145.5,146,144,144.5,0\n"
METAL = """date,lme_copper_cash_settlement,lme_copper_3_month,lme_copper_stock
1/5/2024,8300,8400.5,1
1/4/2024,8310,0,1
1/1/2024,0,0,0
,0,0,0
"""


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_a_file_gets_the_name_that_says_its_symbol(tmp_path):
    folder = written(
        tmp_path, {"fx/yahoo_JPY=X_daily_1996_2026.csv": BARS, "copper/yahoo_HG=F_daily_1.csv": BARS}
    )
    with evidence_in(folder) as evidence:
        for universe, symbol in ((FX, "USDJPY=X"), (COPPER, "HG=F")):
            (delivery,) = evidence.bars(universe).unrequested(universe, frozenset())
            assert delivery.symbols == (symbol,)
            assert delivery.bars["close"].to_list() == [144.5, 145.5]
            assert evidence.lists(universe) == []


def test_lists_come_oldest_first(tmp_path):
    names = ["data_j_20250930.xls", "data_j_20240731.xls", "CORRUPT_crlf_damaged_data_j_2026-01.xls"]
    with evidence_in(written(tmp_path, {f"jpx/{name}": "" for name in names})) as evidence:
        assert [Path(path).name for path in evidence.lists(JP)] == [
            "data_j_20240731.xls",
            "data_j_20250930.xls",
        ]


def test_directories_of_one_day_come_together(tmp_path):
    names = ["b__2025-07-21__2__otherlisted.txt", "a__2025-07-21__1__nasdaqlisted.txt"]
    names.append("c__2016-01-05__otherlisted.txt")
    with evidence_in(written(tmp_path, {f"us/{name}": name for name in names})) as evidence:
        (directory,) = evidence.lists(US)  # of 2016 there is only one of the two
        held = {path.name: path.read_text() for path in Path(directory).iterdir()}
    assert held == {"otherlisted.txt": names[0], "nasdaqlisted.txt": names[1]}


def test_what_is_not_there_is_named(tmp_path):
    with evidence_in(tmp_path) as evidence:
        with pytest.raises(ConfigurationError, match="data_j_YYYYMMDD"):
            evidence.lists(JP)
        with pytest.raises(ConfigurationError, match="nasdaqlisted"):
            evidence.lists(US)
        with pytest.raises(ConfigurationError, match="0 files are called us_daily"):
            evidence.bars(US)
    twice = {f"copper/lme_copper_cash_3m_stock_{year}.csv": METAL for year in (1, 2)}
    with (
        evidence_in(written(tmp_path, twice)) as evidence,
        pytest.raises(ConfigurationError, match="2 files"),
    ):
        evidence.metal()


def test_holidays_and_rows_without_a_date_are_no_prices(tmp_path):
    with evidence_in(written(tmp_path, {"copper/lme_copper_cash_3m_stock_1.csv": METAL})) as evidence:
        assert evidence.metal().select("symbol", "session", "close").rows() == [
            ("LME 3 months", date(2024, 1, 5), 8400.5),
            ("LME cash", date(2024, 1, 4), 8310.0),
            ("LME cash", date(2024, 1, 5), 8300.0),
        ]


def test_the_currencies_are_a_row_per_day(tmp_path):
    packed = gzip.compress(b"0.5,1.5\n0.6,1.6\n0.7,1.7\n")
    name = "benchmarks/exchange_rate.txt.gz"
    with evidence_in(written(tmp_path, {name: packed})) as evidence:
        assert evidence.currencies().rows() == [(0.5, 1.5), (0.6, 1.6), (0.7, 1.7)]
    with (
        evidence_in(written(tmp_path, {name: b"no gzip"})) as evidence,
        pytest.raises(InputFileError, match="gzip"),
    ):
        evidence.currencies()


def test_a_file_of_something_else_is_refused(tmp_path):
    other = {"copper/lme_copper_cash_3m_stock_1.csv": "day,price\n1,2\n"}
    with (
        evidence_in(written(tmp_path, other)) as evidence,
        pytest.raises(InputFileError, match="it is not such a table"),
    ):
        evidence.metal()
