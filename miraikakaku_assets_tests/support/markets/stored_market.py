"""Small markets in a real database: listed issues, deliveries of bars, and what the tables hold afterwards."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.ports import Collected, MasterUpdate
from miraikakaku_assets.domain.bars.actions import ValidatedActions
from miraikakaku_assets.domain.bars.frame import ACTIONS, empty
from miraikakaku_assets.domain.bars.validation import ValidatedBars, validate_daily
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, Universe
from miraikakaku_assets.domain.market.master import ListedIssue, StockList, compare
from miraikakaku_assets.domain.market.tokyo import tokyo_issue
from miraikakaku_assets_tests.support.bars.raw_bars import NOW, context, raw

FETCHED = datetime(2025, 10, 1, tzinfo=UTC)
PRIME = "プライム（内国株式）"


def put_in_force(
    database: Database, day: date, *issues: ListedIssue, universe: Universe = JP
) -> Mapping[str, int]:
    """Puts a list into force without asking the guard; returns symbol → instrument id."""
    masters = PostgresMasters(database)
    new = StockList(day, issues, "0" * 64)
    update = MasterUpdate(
        universe.name, "manual", "success", "test", FETCHED, FETCHED, total_stocks=len(issues), list_date=day
    )
    masters.apply(universe, new, compare(masters.known(universe), issues), update)
    return masters.known_symbols(universe)


def listed(database: Database, *codes: str, day: date = date(2024, 12, 31)) -> Mapping[str, int]:
    return put_in_force(database, day, *(tokyo_issue(code, "銘柄", PRIME) for code in codes))


def judged(rows: Iterable[Mapping[str, Any]], now: datetime = NOW, **known: Any) -> ValidatedBars:
    return validate_daily(raw(rows), context(now, **known))


def undoubted(actions: pl.DataFrame) -> ValidatedActions:
    """Corporate actions as they are stored when nothing speaks against them."""
    nothing = actions.clear().with_columns(rule=pl.lit("", pl.String), detail=pl.lit("", pl.String))
    return ValidatedActions(actions, nothing, nothing)


def write(
    database: Database,
    ids: Mapping[str, int],
    rows: Iterable[Mapping[str, Any]],
    fetched_at: datetime = FETCHED,
    now: datetime = NOW,
    actions: pl.DataFrame | None = None,
    source: str = "test",
) -> dict[str, dict[str, int]]:
    """Validates and writes a delivery; returns the counts by symbol."""
    bars = judged(rows, now, known_symbols=frozenset(ids))
    beside = Collected(actions=undoubted(empty(ACTIONS) if actions is None else actions))
    counts = PostgresBars(database).write(Timeframe.D1, ids, bars, source, fetched_at, beside).counts
    return {row.pop("symbol"): row for row in counts.to_dicts()}


def counts(
    inserted: int = 0, restated: int = 0, unchanged: int = 0, withdrawn: int = 0, reconsidered: int = 0
) -> dict[str, int]:
    return {
        "inserted": inserted,
        "restated": restated,
        "unchanged": unchanged,
        "withdrawn": withdrawn,
        "reconsidered": reconsidered,
    }


BARS = "instrument_id, timeframe, ts, open, high, low, close, volume, source, status, flag"
QUARANTINE = (
    "symbol, timeframe, ts, rule, occurrence, instrument_id, detail, open, high, low, close, volume, source,"
    " row_number, released_at IS NULL AS held"
)
ACTION = "instrument_id, ex_date, kind, value, source"
CONTENTS = {
    "price_bars": (BARS, "instrument_id, timeframe, ts"),
    "quarantined_bars": (QUARANTINE, "symbol, timeframe, ts, rule, occurrence"),
    "corporate_actions": (ACTION, "instrument_id, ex_date, kind"),
}
"""Table → columns that a repeated run must leave alike (all but the times of the runs), and its key."""


def rows_of(database: Database, table: str, columns: str = "*", order: str = "1") -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        result = connection.execute(text(f"SELECT {columns} FROM miraikakaku.{table} ORDER BY {order}"))
        return [tuple(row) for row in result]


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything stored about prices, without the times at which it was stored."""
    return {table: rows_of(database, table, *parts) for table, parts in CONTENTS.items()}
