"""Adjusted prices in files: taken back to quoted prices, once, with a notice."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted
from miraikakaku_assets.domain.bars.file_basis import FileBasis, on_tick
from miraikakaku_assets.domain.market.instruments import JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import sessions_between

DAYS = sessions_between("XTKS", date(2024, 1, 4), date(2025, 3, 31))
PAID = {60: 40.0, 180: 45.0, 240: 50.0}  # position of the ex-date → yen per share
PRICES = ("Open", "High", "Low", "Close")


def quoted() -> list[float]:
    """Closes on the ticks, as they were quoted."""
    steps = [-10.0, -1.0, 0.0, 2.5, 12.0]
    closes = [2_000.0]
    for at in range(1, len(DAYS)):
        closes.append(min(max(closes[-1] + steps[at * at * 7 % 5], 1_500.0), 2_900.0))
    return closes


def adjusted(closes: list[float]) -> list[float]:
    """The same as yfinance adjusts them, in single precision."""
    factors = [1.0] * len(closes)
    for at, amount in PAID.items():
        for before in range(at):
            factors[before] *= 1 - amount / closes[at - 1]
    rounded = pl.Series([close * factor for close, factor in zip(closes, factors, strict=True)])
    return rounded.cast(pl.Float32).cast(pl.Float64).to_list()


def frame(closes: list[float], **more: list[float]) -> pl.DataFrame:
    columns = {"Date": DAYS} | dict.fromkeys(PRICES, closes) | {"Volume": [100] * len(closes)}
    paid = [PAID.get(at, 0.0) for at in range(len(closes))]
    return pl.DataFrame(columns | {"Dividends": paid, "Stock Splits": [0.0] * len(closes)} | more)


def written(folder: Path, table: pl.DataFrame, name: str = "7203.csv") -> Path:
    path = folder / name
    table.write_csv(path) if name.endswith(".csv") else table.write_parquet(path)
    return path


def delivered(location: Path, universe: Universe = JP) -> tuple[pl.DataFrame, list[tuple[str, str, int]]]:
    """Bars of one symbol, and the notice about its prices."""
    source = ArchiveSource(location)
    requests = [BarRequest(symbol, date.min, date.max) for symbol in source.symbols(universe)]
    (delivery,) = source.deliver(universe, Timeframe.D1, requests)
    return delivery.bars, delivery.bases.rows()


@pytest.mark.parametrize("name", ["7203.csv", "7203.parquet"])
def test_dividends_are_taken_out_of_prices_that_contain_them(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, frame(adjusted(quoted())), name)

    bars, bases = delivered(path)

    assert bars["close"].to_list() == pytest.approx(quoted(), rel=1e-6)
    assert bars.select(on_tick(pl.col("close")).all()).item()
    assert bases == [("7203.T", FileBasis.UNDONE, 3)]
    again, actions = read_bar_file(path, JP)
    assert again["close"].to_list() == bars["close"].to_list()  # an archive and a file of a self-test alike
    assert dividend_adjusted(again, actions)["close"].to_list() == pytest.approx(adjusted(quoted()))


def test_columns_may_be_called_dividends_and_splits(tmp_path: Path) -> None:
    table = frame(adjusted(quoted())).rename(str.lower).rename({"stock splits": "splits"})
    table = table.with_columns(pl.col("close", "dividends", "splits").cast(pl.Float32))
    split = pl.when(pl.col("date") == DAYS[10]).then(pl.lit(2.0, pl.Float32)).otherwise("splits")

    bars, actions = read_bar_file(written(tmp_path, table.with_columns(splits=split), "7203.parquet"), JP)

    assert bars["close"].to_list() == pytest.approx(quoted(), rel=1e-6)
    assert actions.filter(pl.col("kind") == "split").rows() == [("7203.T", DAYS[10], "split", 2.0)]


def test_quoted_prices_beside_an_adjusted_close_stay(tmp_path: Path) -> None:
    table = frame(quoted(), **{"Adj Close": adjusted(quoted())})

    bars, bases = delivered(written(tmp_path, table))

    assert bars["close"].to_list() == quoted()
    assert bases == [("7203.T", FileBasis.QUOTED, 0)]


def test_prices_that_lie_on_the_ticks_as_they_are_stay(tmp_path: Path) -> None:
    """The column Adj Close is missing."""
    bars, bases = delivered(written(tmp_path, frame(quoted())))

    assert bars["close"].to_list() == quoted()
    assert bases == [("7203.T", FileBasis.QUOTED, 0)]


def test_a_dear_share_is_no_exception(tmp_path: Path) -> None:
    """What a vendor rounds of four million yen is many times the tick of a cheap share."""
    table = frame(adjusted(quoted())).with_columns(pl.col(*PRICES, "Dividends") * 2_000)

    bars, bases = delivered(written(tmp_path, table))

    assert bars["close"].to_list() == pytest.approx([2_000 * close for close in quoted()], rel=1e-6)
    assert bases == [("7203.T", FileBasis.UNDONE, 3)]


def test_without_ticks_the_layout_decides(tmp_path: Path) -> None:
    bars, bases = delivered(written(tmp_path, frame(adjusted(quoted())), "AAPL.csv"), US)

    assert bars["close"].to_list() == pytest.approx(quoted(), rel=1e-6)
    assert bases == [("AAPL", FileBasis.UNDONE, 3)]


def test_a_history_that_ends_before_a_dividend_says_so_and_is_not_adjusted_twice(tmp_path: Path) -> None:
    table = frame(adjusted(quoted())).head(239)  # the last dividend is in the prices and not in the file

    path = written(tmp_path, table)
    bars, bases = delivered(path)

    assert bases == [("7203.T", FileBasis.BEYOND, 2)]
    _, actions = read_bar_file(path, JP)
    assert dividend_adjusted(bars, actions)["close"].to_list() == pytest.approx(table["Close"].to_list())


def test_adjusted_prices_without_dividends_beside_them_say_so_and_stay(tmp_path: Path) -> None:
    table = frame(adjusted(quoted())).head(100).drop("Dividends", "Stock Splits")

    bars, bases = delivered(written(tmp_path, table))

    assert bars["close"].to_list() == table["Close"].to_list()
    assert bases == [("7203.T", FileBasis.BEYOND, 0)]


@pytest.mark.parametrize("made", ["at once, and sliced", "one by one"])
def test_months_of_an_adjusted_history_are_put_together(tmp_path: Path, made: str) -> None:
    closes, edges = quoted(), [0, 120, 210, len(DAYS)]
    for start, end in pairwise(edges):
        whole = frame(adjusted(closes))
        if made == "one by one":  # the later dividends were not yet paid when the file was made
            mine = {at: amount for at, amount in PAID.items() if at < end}
            factors = [1.0] * len(closes)
            for at, amount in mine.items():
                for before in range(at):
                    factors[before] *= 1 - amount / closes[at - 1]
            prices = [close * factor for close, factor in zip(closes, factors, strict=True)]
            whole = frame(prices)
        written(tmp_path, whole[start:end], f"part_{start}.csv")
    for path in tmp_path.glob("part_*.csv"):  # tables that name their symbol
        table = pl.read_csv(path).with_columns(symbol=pl.lit("7203.T"))
        table.write_csv(path)

    bars, bases = delivered(tmp_path)

    assert bars["refusal"].null_count() == len(DAYS)
    assert bars["close"].to_list() == pytest.approx(closes, rel=1e-6)
    assert bases == [("7203.T", FileBasis.UNDONE, 3)]


@pytest.mark.parametrize("code", ["7203", "8919", "9984"])
def test_real_files_land_on_the_ticks_and_adjust_to_what_they_were(real_data: Path, code: str) -> None:
    path = real_data / "jp_daily" / f"{code}.csv"
    delivered_as = pl.read_csv(path)["Close"]

    bars, actions = read_bar_file(path, JP)

    split = actions.filter(
        (pl.col("kind") == "split") & (pl.col("ex_date") != date(2021, 10, 1))
    )  # 7203's came twice
    ratio = pl.lit(1.0)
    for ex_date, value in split.select("ex_date", "value").iter_rows():
        ratio = ratio * pl.when(pl.col("session") < ex_date).then(value).otherwise(1.0)
    assert bars.select(on_tick(pl.col("close") * ratio).mean()).item() > 0.98
    assert (bars["close"] > 0).all()  # 8919's were negative before 2016
    sessions = bars.filter(
        pl.col("session").is_in(sessions_between("XTKS", date(1999, 1, 1), date(2022, 12, 31)))
    )
    if code != "8919":  # whose dividends exceed its prices: no price is adjusted by them again
        again = dividend_adjusted(sessions, actions).join(
            bars.select("session", came=delivered_as), on="session"
        )
        assert again["close"].to_list() == pytest.approx(again["came"].to_list(), rel=1e-9)
