"""Slices of a day are no daily bars, whatever the options; stamps of daily bars are taken."""

from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import JP, US, Universe


def _moments(column: str, zone: str | None) -> pl.Expr:
    """Of stamps with an offset: in a zone."""
    if zone is None:
        return pl.col(column).str.to_datetime()
    return pl.col(column).str.to_datetime(time_zone="UTC").dt.convert_time_zone(zone)


def written(folder: Path, column: str, *stamps: str, kind: str = "csv", zone: str | None = None) -> Path:
    path = folder / f"7203.{kind}"
    prices = dict.fromkeys(("Open", "High", "Low", "Close", "Volume"), [100.0] * len(stamps))
    table = pl.DataFrame({column: stamps} | prices)
    if kind == "csv":
        table.write_csv(path)
    else:
        table.with_columns(_moments(column, zone)).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("universe", "column", "stamps"),
    [
        (JP, "datetime", ["2025-12-22 09:00"]),
        (JP, "Datetime", ["2025-12-22 09:00:00+09:00"]),
        (JP, "timestamp", ["2025-12-22 13:05"]),
        (JP, "Date", ["2025-12-22 09:00", "2025-12-22 09:05"]),
        (JP, "date", ["2025-12-19 10:00", "2025-12-22 10:00", "2025-12-23 10:00"]),
        (JP, "date", ["2025-12-22 10:00:00+09:00", "2025-12-22 10:05:00+09:00"]),
        (US, "Datetime", ["2025-12-23 14:30:00+00:00", "2025-12-23 14:35:00+00:00"]),
        (US, "date", ["2025-12-23 04:00", "2025-12-23 04:05"]),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_bars_within_the_day_are_refused_and_the_option_is_named(
    tmp_path: Path, universe: Universe, column: str, stamps: list[str], kind: str
) -> None:
    zone = universe.time_zone if "+" in stamps[0] else None
    with pytest.raises(InputFileError, match=r"these are intraday bars.*--timeframe 5m") as refusal:
        read_bar_file(written(tmp_path, column, *stamps, kind=kind, zone=zone), universe)
    assert refusal.value.rule == "intraday_bars"


@pytest.mark.parametrize(
    ("universe", "column", "stamps"),
    [
        (JP, "Date", ["2025-12-19 09:00:00+09:00", "2025-12-22 09:00:00+09:00"]),
        (JP, "Date", ["2025-12-19 00:00:00+09:00", "2025-12-22 13:05:22+09:00"]),
        (JP, "Date", ["2025-12-19", "2025-12-22 00:00:00+09:00", "2025-12-22 15:45:03+09:00"]),
        (JP, "Date", ["2025-12-19 15:30", "2025-12-22 15:30"]),
        (JP, "timestamp", ["2025-12-19 00:00:00+00:00", "2025-12-22 00:00:00+00:00"]),
        (JP, "datetime", ["2025-12-18 15:00:00+00:00", "2025-12-21 15:00:00+00:00"]),
        (US, "Date", ["2025-12-22 00:00:00-05:00", "2025-12-23 00:00:00-05:00"]),
        (US, "Date", ["2025-12-22 09:30:00-05:00", "2025-12-23 09:30:00-05:00"]),
    ],
)
def test_stamps_of_daily_bars_are_taken(
    tmp_path: Path, universe: Universe, column: str, stamps: list[str]
) -> None:
    bars, _ = read_bar_file(written(tmp_path, column, *stamps), universe)
    assert bars.height == len(stamps)


def test_real_five_minute_bars_are_no_daily_bars(real_data: Path) -> None:
    for name, universe in (("jp_5m_50sym_2025-01_2025-05.parquet", JP), ("AAPL_5m.csv", US)):
        with pytest.raises(InputFileError, match="--timeframe 5m"):
            read_bar_file(real_data / "intraday" / name, universe)
