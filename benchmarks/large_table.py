"""Two questions to a large table of daily bars: a year of a symbol, a day of a market of 16,000.

The table lies as it would in production: histories that came symbol by symbol, then a year in which every session
came for all symbols at once, so that a symbol's newest year is on as many pages as it has sessions. Nothing is
unlogged. The questions go through the store that the REST API asks; symbols and days are asked for once each.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from benchmarks import coverage
from miraikakaku_assets.adapters.storage.bars import statements
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.market.instruments import JP, Timeframe

SYMBOLS = 16_000
BY_DAY = 250
"""Sessions that came day by day."""
_ASKED_SYMBOLS, _ASKED_DAYS = 200, 15
_INSTRUMENTS_AT_ONCE = 1_000
_BARS = """
INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, open, high, low, close, volume, source, status,
    fetched_at)
SELECT i.id, '1d', d.session::timestamp AT TIME ZONE 'UTC', p.at, p.at * 1.01, p.at * 0.99, p.at,
    100 + (i.id * 7919) % 1000000, 'made', 'final', now()
FROM (SELECT generate_series(:first, :last) AS id) i CROSS JOIN unnest(cast(:days AS date[])) AS d(session),
    LATERAL (SELECT 500 + (i.id * 31 + extract(doy FROM d.session)) % 4000 AS at) p
ORDER BY {order}"""
_BY_TIME = "CREATE INDEX measured_by_time ON miraikakaku.price_bars (timeframe, ts)"
_DAY_BY_TIME = """
SELECT instrument_id, ts, open, high, low, close, volume, status, flag, source FROM miraikakaku.price_bars
WHERE timeframe = '1d' AND ts >= cast(:day AS timestamp) AT TIME ZONE 'Asia/Tokyo'
  AND ts < (cast(:day AS timestamp) + interval '1 day') AT TIME ZONE 'Asia/Tokyo'"""


@dataclass(frozen=True)
class LargeTable:
    """What was measured.

    Attributes:
        symbols: In the table.
        bars: Of all of them.
        heap_bytes: Of the rows.
        index_bytes: Of the primary key.
        written_s: Seconds that writing them took, index and log included.
        year_ms: Milliseconds of a symbol's newest year.
        day_ms: Of a market's day: the slower of a day of the histories and of a day that came for all at once.
        days_ms: Both.
        second_index: Of an index on timeframe and time, which nothing has: seconds to make it, bytes, and milliseconds
            of either day when it is asked by time.
    """

    symbols: int
    bars: int
    heap_bytes: int
    index_bytes: int
    written_s: float
    year_ms: float
    days_ms: tuple[float, float]
    second_index: tuple[float, int, float, float]

    @property
    def day_ms(self) -> float:
        """The slower one."""
        return max(self.days_ms)

    @property
    def described(self) -> str:
        """Size of the table, and what an index by time would cost."""
        seconds, size, history, by_day = self.second_index
        return (
            f"{self.bars:,} bars of {self.symbols:,} symbols, rows {self.heap_bytes / 2**30:.2f} GiB, primary key "
            f"{self.index_bytes / 2**30:.2f} GiB, written at {self.bars / self.written_s:,.0f} bars/s; day of the "
            f"histories {self.days_ms[0]:.0f} ms, of the last year {self.days_ms[1]:.0f} ms; an index by time would "
            f"take {size / 2**30:.2f} GiB and {seconds:.0f} s, and the same days {history:.0f} and {by_day:.0f} ms"
        )


def measure(database: Database, sessions: int, symbols: int = SYMBOLS) -> LargeTable:
    """Fills a table and asks.

    Args:
        database: Empty but for its tables.
        sessions: Bars of each symbol; more than the year that comes day by day.
        symbols: Of the market.

    Raises:
        RuntimeError: A question reads the whole table, or has another answer than was stored.
    """
    window = coverage.window_of(sessions)
    first_id, last_id = coverage.list_issues(database, symbols, window[-1])
    begun = time.perf_counter()
    _fill(database, first_id, last_id, window)
    written = time.perf_counter() - begun
    for statement in (
        "VACUUM (ANALYZE) miraikakaku.price_bars",
        "ANALYZE miraikakaku.instruments",
        "CHECKPOINT",
    ):
        _alone(database, statement)
    _require_index(database, window)
    chance = random.Random(7)  # noqa: S311 - no secret
    store = PostgresBars(database)
    asked = [f"S{number}.T" for number in chance.sample(range(symbols), min(symbols, _ASKED_SYMBOLS))]
    year = _median_ms(
        asked, lambda symbol: store.read(JP, Timeframe.D1, [symbol], window[-BY_DAY]).height, BY_DAY
    )
    days = [chance.sample(part, min(_ASKED_DAYS, len(part))) for part in (window[:-BY_DAY], window[-BY_DAY:])]
    history, by_day = (
        _median_ms(part, lambda day: store.read_session(JP, Timeframe.D1, day).height, symbols)
        for part in days
    )
    with database.engine.connect() as connection:
        heap, index = connection.execute(text(_SIZES)).one()
    second = _second_index(database, days, symbols)
    return LargeTable(symbols, len(window) * symbols, heap, index, written, year, (history, by_day), second)


_SIZES = "SELECT pg_relation_size('miraikakaku.price_bars'), pg_relation_size('miraikakaku.pk_price_bars')"


def _fill(database: Database, first_id: int, last_id: int, window: Sequence[date]) -> None:
    histories, by_day = list(window[:-BY_DAY]), list(window[-BY_DAY:])
    values: dict[str, Any]
    for start in range(first_id, last_id + 1, _INSTRUMENTS_AT_ONCE):
        values = {"first": start, "last": min(start + _INSTRUMENTS_AT_ONCE - 1, last_id), "days": histories}
        with database.engine.begin() as connection:
            connection.execute(text(_BARS.format(order="i.id, d.session")), values)
    for day in by_day:
        values = {"first": first_id, "last": last_id, "days": [day]}
        with database.engine.begin() as connection:
            connection.execute(text(_BARS.format(order="i.id")), values)


def _median_ms(asked: Sequence[Any], rows: Callable[[Any], int], expected: int) -> float:
    """Milliseconds from a question to its whole answer; the first one prepares the connection and does not count."""
    took = list[float]()
    for number, what in enumerate([asked[0], *asked]):
        begun = time.perf_counter()
        height = rows(what)
        if height != expected:
            raise RuntimeError(f"{what}: {height:,} rows were read, {expected:,} are stored")
        if number:
            took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def _second_index(
    database: Database, days: Sequence[Sequence[date]], symbols: int
) -> tuple[float, int, float, float]:
    """What the index that nothing has would cost, and what it would save."""
    begun = time.perf_counter()
    _alone(database, _BY_TIME)
    seconds = time.perf_counter() - begun
    with database.engine.connect() as connection:
        size = connection.execute(
            text("SELECT pg_relation_size('miraikakaku.measured_by_time')")
        ).scalar_one()

    def rows(day: date) -> int:
        with database.engine.connect() as connection:
            return len(connection.execute(text(_DAY_BY_TIME), {"day": day}).all())

    history, by_day = (_median_ms(part, rows, symbols) for part in days)
    _alone(database, "DROP INDEX miraikakaku.measured_by_time")
    return seconds, int(size), history, by_day


def _require_index(database: Database, window: Sequence[date]) -> None:
    """The plan of a market's day; a table that is read as a whole answers in minutes once it is large."""
    prepare = f"PREPARE measured_day (text, text, text, date) AS {statements.READ_SESSION}"
    explain = f"EXPLAIN (FORMAT JSON) EXECUTE measured_day ('Asia/Tokyo', 'jp', '1d', '{window[-1]}')"
    with database.engine.connect() as connection:
        connection.exec_driver_sql(prepare)
        (plan,) = connection.exec_driver_sql(explain).one()
        connection.exec_driver_sql("DEALLOCATE measured_day")
    scans = {
        node["Node Type"] for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") == "price_bars"
    }
    if not scans or "Seq Scan" in scans:
        raise RuntimeError(f"a market's day is not found by the key of the bars: {scans}")


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for below in plan.get("Plans", ()) for node in _nodes(below))]


def _alone(database: Database, statement: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)
