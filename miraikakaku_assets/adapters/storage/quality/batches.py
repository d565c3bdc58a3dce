"""The rows that suites judge, as SQL without parameters: the same text is pasted into psql to list exceptions.

Bars are reached instrument by instrument through the primary key (`OFFSET 0` keeps the planner to it): a day of
16,000 instruments is read without a look at their histories.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import polars as pl

from miraikakaku_assets.adapters.storage.quality.derived import (
    indicators,
    parts,
    predictions,
    schema,
    scores,
    signals,
)
from miraikakaku_assets.adapters.storage.quality.violations import literal
from miraikakaku_assets.domain.bars.intervals import SOURCES
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.market.sessions import trading_hours
from miraikakaku_assets.domain.quality.batch import Batch

CHANGED_SESSIONS = 10
"""Newest sessions that a collection may have changed."""
_WATCHED_SESSIONS = 2


def _master(batch: Batch) -> str:
    return f"""
SELECT m.stock_code, m.universe, m.yahoo_symbol AS issue_symbol, length(btrim(m.stock_name))::int AS name_length,
       CASE WHEN m.is_active THEN m.yahoo_symbol END AS active_symbol,
       CASE WHEN m.is_active THEN i.symbol END AS instrument_symbol,
       CASE WHEN m.is_active THEN m.market_category ELSE 'none' END AS segment,
       CASE WHEN NOT m.is_active THEN m.delisted_on - m.listed_on END AS days_listed,
       m.last_list_date - m.first_list_date AS days_between_lists
FROM miraikakaku.stock_master m LEFT JOIN miraikakaku.instruments i ON i.id = m.instrument_id
WHERE m.universe = {literal(batch.universe.name)}"""


def _daily(batch: Batch) -> str:
    days = batch.sessions(CHANGED_SESSIONS)
    calendar = values(days.select("session", "opens"), "date", "timestamptz")
    opened, high, low = _range(batch)
    return f"""
SELECT i.symbol, (b.ts AT TIME ZONE {literal(batch.universe.time_zone)})::date AS session, b.ts, {opened} AS open,
       {high} AS high, {low} AS low, b.close, b.volume, b.status, c.session AS calendar_session,
       c.opens AS session_opens
FROM miraikakaku.instruments i
CROSS JOIN LATERAL ({bars_between(Timeframe.D1, days["opens"][0], days["closes"][-1])}) b
LEFT JOIN (VALUES {calendar}) AS c(session, opens)
       ON c.session = (b.ts AT TIME ZONE {literal(batch.universe.time_zone)})::date
WHERE i.universe = {literal(batch.universe.name)}"""


def _range(batch: Batch) -> tuple[str, ...]:
    """Open, high and low of a bar; a price that has no range is looked at as its close."""
    single = [market.calendar for market in batch.universe.markets if not market.has_range]
    columns = ("b.open", "b.high", "b.low")
    if not single:
        return columns
    named = ", ".join(literal(name) for name in single)
    return tuple(f"coalesce({name}, CASE WHEN i.calendar IN ({named}) THEN b.close END)" for name in columns)


def _five_minutes(batch: Batch) -> str:
    hours = trading_hours(batch.universe.calendar).filter(pl.col("session") <= batch.session)
    hours = hours.tail(_WATCHED_SESSIONS)
    morning = hours.select(begins="opens", ends=pl.coalesce("break_start", "closes"))
    afternoon = hours.drop_nulls("break_end").select(begins="break_end", ends="closes")
    trading = values(pl.concat([morning, afternoon]), "timestamptz", "timestamptz")
    end = hours["closes"][-1] + timedelta(minutes=5)
    return f"""
SELECT i.symbol, b.ts, b.open, b.high, b.low, b.close, b.volume, b.status,
       mod(extract(epoch FROM b.ts)::bigint, 300)::int AS seconds_off_grid, h.begins AS trading_since
FROM miraikakaku.instruments i
CROSS JOIN LATERAL ({bars_between(Timeframe.M5, hours["opens"][0], end)}) b
LEFT JOIN LATERAL (
    SELECT h.begins FROM (VALUES {trading}) AS h(begins, ends) WHERE b.ts BETWEEN h.begins AND h.ends LIMIT 1
) h ON true
WHERE i.universe = {literal(batch.universe.name)}"""


def _in_sessions(timeframe: Timeframe, source: Timeframe) -> Callable[[Batch], str]:
    def rows(batch: Batch) -> str:
        return parts(
            batch, timeframe, source, Timeframe.M5, _spans(batch.spans(timeframe, _WATCHED_SESSIONS))
        )

    return rows


def _in_calendar(timeframe: Timeframe) -> Callable[[Batch], str]:
    def rows(batch: Batch) -> str:
        return parts(batch, timeframe, Timeframe.D1, Timeframe.D1, _spans(batch.spans(timeframe, 1, count=2)))

    return rows


def _predictions(batch: Batch) -> str:
    ahead = batch.sessions(CHANGED_SESSIONS)["session"]
    later = batch.later(5)
    numbered = (
        pl.concat([ahead, later]).to_frame("session").with_row_index("number").select("session", "number")
    )
    return predictions(batch, values(numbered, "date", "int"), ahead[0])


BATCHES: Mapping[str, Callable[[Batch], str]] = {
    "table_schema": lambda _batch: schema(),
    "stock_master": _master,
    "daily_bars": _daily,
    "five_minute_bars": _five_minutes,
    "hourly_bars": _in_sessions(Timeframe.H1, Timeframe.M5),
    "four_hour_bars": _in_sessions(Timeframe.H4, SOURCES[Timeframe.H4][0]),
    "weekly_bars": _in_calendar(Timeframe.W1),
    "monthly_bars": _in_calendar(Timeframe.MO1),
    "indicators": lambda batch: indicators(batch, batch.sessions(1)["closes"][-1]),
    "pattern_signals": lambda batch: signals(batch, batch.sessions(CHANGED_SESSIONS)["opens"][0]),
    "predictions": _predictions,
    "forecast_scores": scores,
}
"""Suite → SELECT that reads its batch."""


def bars_between(timeframe: Timeframe, since: datetime, before: datetime) -> str:
    """SELECT of the bars of instrument ``i`` between two moments (UTC), the second excluded."""
    return (
        f"SELECT * FROM miraikakaku.price_bars p WHERE p.instrument_id = i.id AND p.timeframe = '{timeframe}'"
        f" AND p.ts >= '{since}' AND p.ts < '{before}' OFFSET 0"
    )


def values(rows: pl.DataFrame, *types: str) -> str:
    """Rows as a list of VALUES with the types of its columns."""
    return ", ".join(
        "(" + ", ".join(f"'{value}'::{kind}" for value, kind in zip(row, types, strict=True)) + ")"
        for row in rows.iter_rows()
    )


def _spans(spans: pl.DataFrame) -> str:
    return values(spans, "timestamptz", "timestamptz")
