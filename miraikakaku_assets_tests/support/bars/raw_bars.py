"""Daily bars as a source would send them, written down in a line."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, STORED_BARS
from miraikakaku_assets.domain.bars.validation import DailyContext
from miraikakaku_assets.domain.market.instruments import JP

JST = timezone(timedelta(hours=9))
NOW = datetime(2025, 10, 1, tzinfo=UTC)
"""A moment long after the sessions of January 2025 that most tests use: 6, 7, 8, 9, 10, 14, 15, 16, 17."""

SESSIONS = tuple(date(2025, 1, day) for day in (6, 7, 8, 9, 10, 14, 15, 16, 17))


def january(day: int) -> date:
    return date(2025, 1, day)


def bar(session: date, close: float | None = 1_000.0, **fields: Any) -> dict[str, Any]:
    """One row; prices that are not given equal the close."""
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    defaults = {"symbol": "7203.T", "session": session, "stamp": None, "volume": 100.0, "refusal": None}
    return {**defaults, **prices, **fields}


def raw(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a delivery, numbered in the order given."""
    numbered = [{"row": number, **row} for number, row in enumerate(rows, start=1)]
    return pl.DataFrame(numbered, schema=RAW_DAILY)


def closes(*values: float, symbol: str = "7203.T", volume: float = 100.0) -> list[dict[str, Any]]:
    """Bars of consecutive sessions from 2025-01-06 on."""
    return [
        bar(session, close, symbol=symbol, volume=volume)
        for session, close in zip(SESSIONS, values, strict=False)
    ]


def actions(*rows: tuple[str, date, str, float]) -> pl.DataFrame:
    """Corporate actions: symbol, ex-date, kind, value."""
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def context(now: datetime = NOW, **fields: Any) -> DailyContext:
    return DailyContext(JP, now, **fields)


def stored(symbol: str, session: date, close: float, **fields: Any) -> pl.DataFrame:
    """A stored bar beside a delivery: final, traded, all prices alike."""
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    ts = datetime(session.year, session.month, session.day, tzinfo=JST)
    row = {"symbol": symbol, "session": session, "ts": ts, "volume": 100.0, "status": "final", **prices}
    return pl.DataFrame([row | fields], schema=STORED_BARS)
