"""Marks, derived bars, indicators and signals in PostgreSQL, read and written through ADBC.

A group of symbols is one transaction. It takes the locks that writers of bars take, looks whether the bars are still
those that were read, and puts what was computed from them in the place of what was there: killed anywhere, the
derived rows are those from before or those from now, and the mark says which.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import (
    append_rows,
    bulk_cursor,
    lock_instruments,
    moment_array,
    plain_array,
    read_frame,
    text_array,
)
from miraikakaku_assets.adapters.storage.alerts.statements import as_json, raise_statement
from miraikakaku_assets.adapters.storage.analysis import statements
from miraikakaku_assets.adapters.storage.analysis.frames import bar_rows, indicator_rows, signal_rows
from miraikakaku_assets.adapters.storage.bars.statements import MARK_SINCE, READ_ACTIONS
from miraikakaku_assets.adapters.storage.cold.reader import Instruments, cold_bars, steady
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.analysis import NEVER, Analysis, Found, Material, Saved, Standing
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.patterns.definitions import judged_by
from miraikakaku_assets.fault_points import fault_point

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
_RAISED = raise_statement("$1", "$2")


class PostgresAnalysis:
    """Implements the port `AnalysisStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def standings(
        self, universe: Universe, collected: Timeframe, symbols: Sequence[str] | None = None
    ) -> list[Standing]:
        """All symbols that have, or had, collected bars; in the order of their instruments' numbers."""
        query, chosen = _of(statements.STANDINGS, symbols, 3)
        with bulk_cursor(self._database) as cursor:
            cursor.execute(query, (universe.name, collected.value, *chosen))
            return [Standing(*row) for row in cursor.fetchall()]

    def mark_all(
        self,
        universe: Universe,
        collected: Timeframe,
        symbols: Sequence[str] | None = None,
        since: datetime | None = None,
    ) -> None:
        """Marks everything as due from each symbol's first bar on, or from the first at or after a moment (UTC)."""
        query, chosen = _of(statements.INSTRUMENTS, symbols, 2)
        with bulk_cursor(self._database) as cursor:
            ids = read_frame(cursor, query, (universe.name, *chosen))["id"]
            lock_instruments(cursor, ids)
            parameters = (plain_array(ids), text_array([collected.value]), str(since or _ALWAYS))
            cursor.execute(MARK_SINCE, parameters)

    def material(
        self, universe: Universe, collected: Timeframe, standings: Sequence[Standing], definition: str
    ) -> Material:
        """What these symbols are computed from."""
        symbols = [standing.symbol for standing in standings]
        names = {standing.id: standing.symbol for standing in standings}
        patterns = collected is Timeframe.M5  # they are looked for where five-minute bars are at hand
        with bulk_cursor(self._database) as cursor:
            steady(cursor, collected)
            bars = self._bars(cursor, names, collected)
            daily = self._bars(cursor, names, Timeframe.D1) if patterns else bars.clear()
            actions = _named(read_frame(cursor, statements.ACTIONS, (plain_array(names),)), names)
            signals = _signals(cursor, universe, symbols if patterns else [], definition=definition)
        return Material(bars, daily, actions, signals)

    def market(self, universe: Universe, timeframe: Timeframe, since: datetime) -> pl.DataFrame:
        """Final bars of all symbols since a moment (UTC): ``symbol``, ``ts``, ``close`` (raw), sorted by both."""
        with bulk_cursor(self._database) as cursor:
            steady(cursor, timeframe)
            stored = read_frame(cursor, statements.MARKET, (universe.name, timeframe.value, str(since)))
            cold = cold_bars(self._database, cursor, timeframe, Instruments(universe.name), since)
        final = cold.filter(pl.col("status") == "final").select(stored.columns)
        return stored if final.is_empty() else pl.concat([final, stored]).sort("symbol", "ts")

    def actions(self, universe: Universe) -> pl.DataFrame:
        """Dividends and splits without a flag, schema `ACTIONS`."""
        with bulk_cursor(self._database) as cursor:
            return read_frame(cursor, READ_ACTIONS, (universe.name, None, False))

    def indicators(self, universe: Universe, timeframe: Timeframe, symbols: Sequence[str]) -> pl.DataFrame:
        """Columns ``symbol``, ``ts`` and the indicators, sorted by symbol and ts."""
        parameters = (universe.name, timeframe.value, text_array(symbols))
        with bulk_cursor(self._database) as cursor:
            return read_frame(cursor, statements.INDICATORS, parameters)

    def signals(
        self,
        universe: Universe,
        symbols: Sequence[str] | None = None,
        since: datetime | None = None,
        definition: str | None = None,
    ) -> pl.DataFrame:
        """Stored signals, newest last; schema `SIGNALS` with ``close``, ``track_record`` and ``detected_at``."""
        with bulk_cursor(self._database) as cursor:
            return _signals(cursor, universe, symbols, since, definition)

    def save(self, analysis: Analysis) -> Saved:
        """Stores an analysis in one transaction, but for symbols whose bars have changed since they were read."""
        ids = pl.Series([standing.id for standing in analysis.standings], dtype=pl.Int32)
        if ids.is_empty():
            return Saved(frozenset())
        with bulk_cursor(self._database) as cursor:
            lock_instruments(cursor, ids)
            kept = _unmoved(cursor, analysis)
            if not kept:
                return Saved(frozenset())
            _replace(cursor, analysis, kept)
            fault_point("analysis.after_copy")
            new = (
                {}
                if analysis.judgement is None
                else _save_signals(cursor, analysis, analysis.judgement, kept)
            )
            _finish(cursor, analysis, kept)
            fault_point("analysis.before_commit")
        fault_point("analysis.after_commit")
        return Saved(frozenset(kept), new)

    def _bars(self, cursor: Any, names: Mapping[int, str], timeframe: Timeframe) -> pl.DataFrame:
        stored = read_frame(cursor, statements.BARS, (plain_array(names), timeframe.value))
        cold = cold_bars(self._database, cursor, timeframe, Instruments(ids=names))
        if not cold.is_empty():
            stored = pl.concat([cold.select(stored.columns), stored]).sort("instrument_id", "ts")
        return _named(stored, names)


def _named(frame: pl.DataFrame, names: Mapping[int, str]) -> pl.DataFrame:
    """With each instrument's symbol in the place of its number."""
    symbol = pl.col("instrument_id").replace_strict(names, return_dtype=pl.String)
    return frame.select(symbol.alias("symbol"), pl.exclude("instrument_id"))


def _signals(
    cursor: Any,
    universe: Universe,
    symbols: Sequence[str] | None = None,
    since: datetime | None = None,
    definition: str | None = None,
) -> pl.DataFrame:
    chosen = "" if symbols is None else "AND i.symbol = ANY ($3::text[])"
    parameters = [universe.name, str(since or _ALWAYS)]
    if symbols is not None:
        parameters.append(text_array(symbols))
    if definition is not None:
        parameters.append(definition)
        chosen += f" AND s.definition = ${len(parameters)}"
    return read_frame(cursor, statements.SIGNALS.format(chosen=chosen), parameters)


def _unmoved(cursor: Any, analysis: Analysis) -> dict[str, int]:
    """Symbol → instrument of those whose bars are still the ones that were read."""
    read = analysis.standings
    ids = plain_array(standing.id for standing in read)
    revisions = plain_array(standing.revision for standing in read)
    same = set(read_frame(cursor, statements.UNMOVED, (ids, revisions, analysis.collected.value))["id"])
    return {standing.symbol: standing.id for standing in read if standing.id in same}


def _replace(cursor: Any, analysis: Analysis, kept: Mapping[str, int]) -> None:
    """Puts derived bars and indicators in the place of what was there from the recomputed point on."""
    for statement, table, rows in (
        (statements.REPLACED_BARS, "price_bars", bar_rows(analysis, kept)),
        (statements.REPLACED_INDICATORS, "technical_indicators", indicator_rows(analysis, kept)),
    ):
        timeframes = analysis.bars if table == "price_bars" else analysis.indicators
        gone = [
            (kept[symbol], timeframe.value, moment or _ALWAYS)
            for timeframe in timeframes
            for symbol, moment in analysis.since[timeframe].items()
            if symbol in kept and moment != NEVER
        ]
        if gone:
            ids, names, since = zip(*gone, strict=True)
            cursor.execute(statement, (plain_array(ids), text_array(names), moment_array(since)))
        append_rows(cursor, table, rows)
    if analysis.collected is Timeframe.D1:
        chosen = (plain_array(sorted(kept.values())),)
        cursor.execute(statements.LATEST_FORGOTTEN, chosen)
        cursor.execute(statements.LATEST, chosen)


def _save_signals(cursor: Any, analysis: Analysis, changes: Found, kept: Mapping[str, int]) -> dict[str, int]:
    """Stores signals, deletes those that have vanished, and raises alerts; returns new signals per symbol."""
    rows = signal_rows(changes.signals, kept)
    judged = [(kept[symbol], moment or _ALWAYS) for symbol, moment in changes.since.items() if symbol in kept]
    ids, since = zip(*judged, strict=True)
    parameters = (rows, plain_array(ids), moment_array(since), analysis.definition)
    cursor.execute(statements.VANISHED_SIGNALS, parameters)
    now = str(analysis.now)
    counted = read_frame(cursor, statements.WRITE_SIGNALS, (rows, now))
    new = dict(counted.select("instrument_id", "new").iter_rows())
    withdrawn = [key for symbol, keys in changes.withdrawn.items() if symbol in kept for key in keys]
    if withdrawn:
        cursor.execute(statements.WITHDRAWN_ALERTS, (text_array(withdrawn), now))
    raised = [alert for symbol, alerts in changes.alerts.items() if symbol in kept for alert in alerts]
    if raised:
        cursor.execute(_RAISED, (as_json(raised), now))
        cursor.fetchall()
    return {symbol: new[number] for symbol, number in kept.items() if number in new}


def _finish(cursor: Any, analysis: Analysis, kept: Mapping[str, int]) -> None:
    """Settles restatements and clears the marks."""
    waiting = {symbol: (since, at) for symbol, since, at in analysis.waiting.rows()}
    open_since, settles_at = zip(*(waiting.get(symbol, (None, None)) for symbol in kept), strict=True)
    ids, now, collected = plain_array(kept.values()), str(analysis.now), analysis.collected.value
    rules = None if analysis.definition is None else judged_by(analysis.definition)
    cursor.execute(statements.SETTLED, (now, ids, collected))
    cursor.execute(
        statements.DONE,
        (
            *(ids, moment_array(open_since), moment_array(settles_at)),
            *(collected, analysis.basis.value, rules, now),
        ),
    )


def _of(query: str, symbols: Sequence[str] | None, place: int) -> tuple[str, tuple[str, ...]]:
    """The statement for some symbols only, and the parameter that names them."""
    if symbols is None:
        return query.format(chosen=""), ()
    return query.format(chosen=f"AND i.symbol = ANY (${place}::text[])"), (text_array(symbols),)
