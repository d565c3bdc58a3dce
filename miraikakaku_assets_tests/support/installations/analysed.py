"""An installation with five-minute and daily bars, analysed: a currency pair and a share of Tokyo."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.ports.analysis import AnalysisRequest
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets.domain.market.sessions import expected_slots, session_table
from miraikakaku_assets_tests.support.bars.random_walks import currency
from miraikakaku_assets_tests.support.command import QUICK, Command
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.in_process import ports_of
from miraikakaku_assets_tests.support.markets.stored_market import listed

NOW = datetime(2025, 4, 26, 12, tzinfo=UTC)
PAIR = "USDJPY=X"
SHARE = "7203.T"
SESSIONS = 20
AUCTION = 0.25
"""Part of the share's daily volume that is traded where 5-minute bars do not see it."""


def _raw(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(
        pl.col("volume").cast(pl.Float64),
        stamp="ts",
        row=pl.int_range(pl.len(), dtype=pl.Int64),
        refusal=pl.lit(None, pl.String),
    )


def pair_bars() -> tuple[ValidatedBars, ValidatedBars]:
    """Eight weeks of five-minute bars of a currency, and daily ones from long before, as they are delivered."""
    m5, daily = currency(date(2025, 3, 3), date(2025, 4, 25), days_before=120)
    named = session_table("FX").select("session", ts="opens")
    days = (
        _raw(daily)
        .join(named, on="ts", maintain_order="left")
        .with_columns(stamp=pl.lit(None, pl.Datetime("us", "UTC")))
    )
    return (
        validate_intraday(_raw(m5), BarContext(FX, NOW)),
        validate_daily(days, DailyContext(FX, NOW)),
    )


def share_bars() -> tuple[ValidatedBars, ValidatedBars]:
    """A share whose day ends with an auction, half a percent above the last five-minute close."""
    table = session_table("XTKS").filter(pl.col("session") < date(2025, 4, 26)).tail(SESSIONS)
    m5, days = [], []
    for session in table["session"]:
        slots = expected_slots("XTKS", session)
        price = pl.Series([1000.0 + place % 7 for place in range(len(slots))])
        flat = dict.fromkeys(("open", "high", "low", "close"), price)
        m5.append(pl.DataFrame({"symbol": SHARE, "ts": slots, **flat, "volume": 300}))
        close = float(price[-1]) * 1.005
        prices = {"open": price[0], "high": max(1006.0, close), "low": 1000.0, "close": close}
        sold = int(300 * len(slots) / (1 - AUCTION))
        days.append({"symbol": SHARE, "session": session, "ts": slots[0], **prices, "volume": sold})
    daily = _raw(pl.DataFrame(days)).with_columns(stamp=pl.lit(None, pl.Datetime("us", "UTC")))
    return (
        validate_intraday(_raw(pl.concat(m5)), BarContext(JP, NOW)),
        validate_daily(daily, DailyContext(JP, NOW)),
    )


@contextmanager
def analysed_installation(server_url: str, folder: Path) -> Iterator[Command]:
    """The command line of that installation; its database is dropped afterwards."""
    with fresh_database(server_url) as url:
        command = Command(folder, QUICK).with_(MIRAIKAKAKU_HOME=folder / "home", DATABASE_URL=url)
        ports = ports_of(command, NOW)
        ports.stores.masters.ensure_named(FX, [PAIR], NOW)
        ids = {
            **ports.stores.masters.known_symbols(FX),
            **listed(ports.database, "7203", day=date(2025, 3, 31)),
        }
        for bars in (pair_bars(), share_bars()):
            for timeframe, validated in zip((Timeframe.M5, Timeframe.D1), bars, strict=True):
                assert validated.refused.is_empty(), validated.refused
                ports.stores.bars.write(timeframe, ids, validated, "test", NOW)
        for timeframe in (Timeframe.D1, Timeframe.M5):
            request = AnalysisRequest(FX, timeframe)
            report = analyze_bars(
                request, AnalysisPorts(ports.stores.analysis, ports.clock), lambda _done: None
            )
            assert not report.failures
        ports.database.close()
        yield command
