"""New signals with their track record, and the alerts about those that are news."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from miraikakaku_assets.application.analysis.outcome_closes import horizon_of, outcome_closes
from miraikakaku_assets.application.analysis.signal_message import pattern_message
from miraikakaku_assets.application.analysis.signals import KEY, alert_key, new_signals
from miraikakaku_assets.application.ports.analysis import AnalysisRequest, AnalysisStore, Found
from miraikakaku_assets.application.ports.notices import PATTERN, NewAlert, Severity
from miraikakaku_assets.domain.patterns.pattern import Priority
from miraikakaku_assets.domain.patterns.track_record import SIDE, track_record

NEWS = timedelta(hours=1)
"""A signal that became known longer ago than this is stored and not told: after a week off, and of a history that is
analysed for the first time, there would be hundreds at once that nobody can act on."""


def with_news(
    judgement: Found, stored: pl.DataFrame, request: AnalysisRequest, store: AnalysisStore, now: datetime
) -> Found:
    """Adds the track records and alerts of what is both new and young.

    Args:
        judgement: Signals of a group of symbols.
        stored: What was stored of them, columns as of `AnalysisStore.signals`.
        request: What the analysis is asked for.
        store: Knows the signals and bars of all symbols.
        now: When they were detected (UTC).
    """
    young = new_signals(judgement, stored).filter((pl.col("at") >= now - NEWS) & (pl.col("at") <= now))
    if young.is_empty():
        nothing = judgement.signals.with_columns(track_record=pl.lit(None, pl.String))
        return replace(judgement, signals=nothing)
    records = _records(judgement, young, request, store, now)
    rows, alerts = [], defaultdict[str, list[NewAlert]](list)
    for signal in young.sort("ts", "symbol", "pattern", "direction").iter_rows(named=True):
        record = records[signal["pattern"], signal["direction"]]
        rows.append({name: signal[name] for name in KEY} | {"track_record": json.dumps(record)})
        alerts[signal["symbol"]].append(_alert(signal, record, request, now))
    schema = {name: young.schema[name] for name in KEY} | {"track_record": pl.String()}
    with_records = judgement.signals.join(
        pl.DataFrame(rows, schema=schema), on=KEY, how="left", maintain_order="left"
    )
    return replace(judgement, signals=with_records, alerts=alerts)


def _records(
    judgement: Found, young: pl.DataFrame, request: AnalysisRequest, store: AnalysisStore, now: datetime
) -> Mapping[tuple[str, str], Mapping[str, object]]:
    """Pattern and direction → what came after its earlier signals, of all symbols of the universe."""
    sides = young.select("pattern", "direction").unique()
    columns = ["symbol", "at", *SIDE]
    others = store.signals(request.universe, definition=request.definition)
    since = pl.DataFrame(
        list(judgement.since.items()),
        schema={"symbol": pl.String, "since": pl.Datetime("us", "UTC")},
        orient="row",
    )
    replaced = (pl.col("ts") >= pl.col("since")).fill_null(value=True)
    judged = others.join(since, on="symbol").filter(replaced)
    others = others.join(judged, on=KEY, how="anti")
    made = pl.concat([others.select(columns), judgement.signals.select(columns)])
    made = made.join(sides, on=["pattern", "direction"], how="semi")
    closes = outcome_closes(request.universe, made["at"].min(), store)  # type: ignore[arg-type]
    horizon = horizon_of(request.universe)
    return {
        (row.pop("pattern"), row.pop("direction")): {name: row[name] for name in row if name not in SIDE}
        for row in track_record(made, closes, horizon, now).iter_rows(named=True)
    }


def _alert(
    signal: Mapping[str, object], record: Mapping[str, object], request: AnalysisRequest, now: datetime
) -> NewAlert:
    at = signal["at"]
    details: dict[str, object] = {
        name: signal[name]
        for name in (
            *("symbol", "definition", "pattern", "name", "name_ja", "direction", "priority", "close"),
            *("take_profit_pips", "stop_pips"),
        )
    }
    details["at"] = at.isoformat() if isinstance(at, datetime) else str(at)
    details["evidence"] = json.loads(str(signal["evidence"]))
    details["track_record"] = dict(record)
    title, message = pattern_message(request.universe.name, details)
    return NewAlert(
        alert_key(signal),
        Severity.INFO,
        PATTERN,
        title,
        message,
        request.universe.name,
        str(signal["symbol"]),
        details,
        request.channels,
        now + Priority(str(signal["priority"])).notified_after,
    )
