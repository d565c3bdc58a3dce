"""Use cases: signals with their records, and scores of forecasts, as rows."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import polars as pl

from miraikakaku_assets.domain.market.instruments import Universe


class StoredSignals(Protocol):
    """Reads signals."""

    def signals(
        self,
        universe: Universe,
        symbols: Sequence[str] | None = None,
        since: datetime | None = None,
        definition: str | None = None,
    ) -> pl.DataFrame:
        """Stored signals, newest last."""


class StoredScores(Protocol):
    """Reads scores of forecasts."""

    def performance(
        self, universe: Universe, window: int, since: Any = None, segment_kind: str = "universe"
    ) -> pl.DataFrame:
        """Stored scores, sorted by segment, model, horizon, until."""


def newest_signals(
    universe: Universe,
    symbols: Sequence[str] | None,
    since: datetime | None,
    definition: str,
    store: StoredSignals,
) -> list[dict[str, Any]]:
    """Signals, newest first, each with its evidence and what came after earlier ones; moments in UTC."""
    signals = store.signals(universe, symbols, since, definition)
    return [
        {
            **row,
            "evidence": json.loads(row["evidence"]),
            "track_record": json.loads(row["track_record"]) if row["track_record"] else None,
        }
        for row in reversed(signals.to_dicts())
    ]


def newest_scores(
    universe: Universe, window: int, segment_kind: str, segment: str | None, store: StoredScores
) -> list[dict[str, Any]]:
    """The newest scores of every segment, model and horizon."""
    scores = store.performance(universe, window, None, segment_kind)
    if segment is not None:
        scores = scores.filter(pl.col("segment") == segment)
    return (
        scores.sort("until")
        .unique(["segment", "model", "horizon"], keep="last")
        .sort("segment", "model", "horizon")
    ).to_dicts()
