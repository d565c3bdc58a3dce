"""5-minute bars of real deliveries: every row is accepted or refused, by the rule expected."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.domain.bars.frame import RAW_INTRADAY
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.validation import ValidatedBars
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe
from miraikakaku_assets.domain.market.sessions import slots_per_session
from miraikakaku_assets_tests.support.bars.raw_intraday import raw, tick

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def delivery(table: pl.DataFrame, stamp: str, zone: str, symbol: str | None = None) -> pl.DataFrame:
    table = table.rename({name: name.lower() for name in table.columns})
    volume = pl.col("volume").cast(pl.Float64) if "volume" in table.columns else pl.lit(None, pl.Float64)
    local = pl.col(stamp).str.slice(0, 19).str.to_datetime(time_unit="us").dt.replace_time_zone(zone)
    named = {"symbol": pl.lit(symbol)} if symbol else {}
    return (
        table.with_row_index("row", offset=2)
        .with_columns(
            pl.col("row").cast(pl.Int64),
            stamp=local.dt.convert_time_zone("UTC"),
            volume=volume,
            refusal=pl.lit(None, pl.String),
            **named,
        )
        .select(*RAW_INTRADAY)
    )


def judged(bars: pl.DataFrame, universe: Universe, now: datetime = NOW) -> tuple[ValidatedBars, Counter[str]]:
    validated = validate_intraday(bars, BarContext(universe, now))
    rows = pl.concat([validated.accepted["row"], validated.refused["row"]])
    assert rows.sort().equals(bars["row"].sort())
    assert validated.accepted["flag"].null_count() == validated.accepted.height
    return validated, Counter(validated.refused["rule"])


def test_four_months_of_fifty_tokyo_issues(real_data: Path) -> None:
    table = pl.read_parquet(real_data / "intraday/jp_5m_50sym_2025-01_2025-05.parquet")
    validated, rules = judged(delivery(table, "timestamp", "Asia/Tokyo"), JP)
    assert rules == {
        "lunch_break": 45_171,  # 11 of 12 rows of each lunch, and 60 mornings that closed without a trade
        "no_price": 4_851,
        "closing_call": 3_765,
        "closing_print": 492,
        "price_out_of_range": 112,  # 9749.T after its squeeze-out, at 59 billion yen
    }
    assert validated.accepted.height == 265_940
    kept = validated.accepted.group_by("symbol", "session").len()
    most = kept.join(slots_per_session("XTKS"), on="session")
    # The prices that close the morning and, now and then, the afternoon come on top of what is due.
    assert (most["len"] <= most["slots"] + 2).all()
    assert most.filter(pl.col("len") >= pl.col("slots") - 2).height / most.height > 0.95


@pytest.mark.parametrize(
    ("file", "rows", "short"), [("AAPL_5m", 4_521, 5), ("NVDA_5m", 4_519, 6), ("SPY_5m", 4_520, 5)]
)
def test_sixty_days_of_new_york_across_a_change_of_clocks(
    real_data: Path, file: str, rows: int, short: int
) -> None:
    table = pl.read_csv(real_data / f"intraday/{file}.csv")
    validated, rules = judged(delivery(table, "datetime", "UTC", file), US)
    assert (validated.accepted.height, rules) == (rows, {})
    kept = validated.accepted.group_by("session").len().join(slots_per_session("XNYS"), on="session")
    assert (kept["len"] <= kept["slots"]).all()
    assert kept.filter(pl.col("len") < pl.col("slots")).height == short
    assert kept.filter(pl.col("session") == date(2025, 12, 24))["slots"].item() == 42


def test_bars_before_and_after_the_session_are_told_apart(real_data: Path) -> None:
    table = pl.read_csv(real_data / "intraday/SPY_5m_extended_hours_2025.csv")
    validated, rules = judged(delivery(table, "datetime", "UTC"), US)
    assert (validated.accepted.height, rules) == (4_642, {"outside_hours": 6_659})
    kept = validated.accepted.group_by("session").len().join(slots_per_session("XNYS"), on="session")
    short = kept.filter(pl.col("len") != pl.col("slots"))
    assert kept.height == 60
    assert short.rows() == [(date(2025, 7, 3), 40, 42)]  # half a day, two bars of it missing


def test_a_year_of_a_currency_in_the_clock_of_a_broker(real_data: Path) -> None:
    names = ["day", "time", "open", "high", "low", "close", "volume"]
    table = pl.read_csv(
        real_data / "fx/usdjpy_5m_mt4_2024-10_2025-11.csv", has_header=False, new_columns=names
    )
    stamp = pl.col("day").str.replace_all(".", "-", literal=True) + " " + pl.col("time") + ":00"
    bars = delivery(table.with_columns(stamp=stamp), "stamp", "Europe/Helsinki", "JPY=X")
    validated, rules = judged(bars, FX)
    assert (validated.accepted.height, rules) == (65_000, {})
    sunday = validated.accepted.filter(pl.col("ts").dt.weekday() == 7)
    assert sunday.height > 1_000
    assert set(sunday["session"].dt.weekday()) == {1}


def test_a_week_of_a_currency_from_yahoo(real_data: Path) -> None:
    files = sorted((real_data / "fx/yahoo_5m_jst").glob("*.csv"))
    table = pl.concat([pl.read_csv(file) for file in files])
    validated, rules = judged(delivery(table, "datetime_jst", "Asia/Tokyo", "JPY=X"), FX)
    assert (validated.accepted.height, rules) == (1_704, {"closing_print": 1})
    per_session = dict(validated.accepted.group_by("session").len().iter_rows())
    assert per_session[date(2026, 8, 14)] == 264
    assert per_session[date(2026, 8, 17)] == 288


def recorded(path: Path) -> pl.DataFrame:
    answer = json.loads(path.read_text())["chart"]["result"][0]
    quote = answer["indicators"]["quote"][0]
    rows = []
    for n, second in enumerate(answer["timestamp"]):
        prices = {name: None if values[n] is None else float(values[n]) for name, values in quote.items()}
        rows.append(tick(datetime.fromtimestamp(second, UTC), symbol=answer["meta"]["symbol"]) | prices)
    return raw(rows)


def test_recorded_day_of_tokyo(real_data: Path) -> None:
    bars = recorded(real_data / "yahoo_http/jp_chart_transcribed/chart_7203.T_1d_5m_cut_2026-10-05.json")
    validated, rules = judged(bars, JP)
    assert rules == {"lunch_break": 3, "closing_call": 1, "closing_print": 1}
    assert validated.accepted["close"].to_list() == [2885.0, 2889.5, 2889.5, 2892.5, 2898.0]


def test_recorded_running_session_of_new_york(real_data: Path) -> None:
    path = real_data / "yahoo_http/jp_chart_transcribed/chart_AAPL_1d_5m_cut_midsession_2026-10-05.json"
    bars = recorded(path)
    now = datetime(2026, 10, 5, 13, 58, 30, tzinfo=UTC)
    validated, rules = judged(bars, US, now)
    assert rules == {"provisional_duplicate": 1}  # 13:58:27, beside the bar of 13:55
    assert set(validated.accepted["status"]) == {"provisional"}
    alone = bars.filter(pl.col("stamp") != now.replace(minute=55, second=0))
    kept = judged(alone, US, now)[0].accepted
    assert kept["ts"][-1] == now.replace(minute=55, second=0)
    assert judged(alone, US, now + timedelta(hours=1))[1] == {"off_grid": 1}
