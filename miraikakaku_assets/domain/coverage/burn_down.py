"""What is about to be lost: sources keep 5-minute bars for two months, and what falls off the edge is gone.

For each symbol the first 5-minute slot that is not stored yet decides: it can be asked for until its age reaches
the source's look-back. Slots are those of the exchange, so that a weekend or a holiday costs nothing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from miraikakaku_assets.domain.market.sessions import SLOT, slot_bounds

BURN_DOWN: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "newest": pl.Datetime("us", "UTC"),
    "next_missing": pl.Datetime("us", "UTC"),
    "collect_by": pl.Datetime("us", "UTC"),
    "days_left": pl.Int64(),
    "lost_from": pl.Date(),
    "lost_until": pl.Date(),
    "lost_sessions": pl.Int64(),
}
"""Columns of `burn_down`."""


def burn_down(
    calendar: str, newest: Mapping[str, datetime | None], now: datetime, lookback: timedelta
) -> pl.DataFrame:
    """Until when each symbol has to be collected so that no bar is lost, and what is lost already.

    Args:
        calendar: Name of the sessions, see `miraikakaku_assets.domain.market.sessions`.
        newest: Symbol → start (UTC) of its newest stored final 5-minute bar; None when it has none.
        now: The moment of the question (UTC).
        lookback: How far back the source serves 5-minute bars.

    Returns:
        One row per symbol, the most urgent first (schema `BURN_DOWN`): ``next_missing``, the first slot that is
        not stored and can still be had; ``collect_by``, when it falls off the edge; ``days_left`` until then, in
        whole days; ``lost_from``, ``lost_until`` and ``lost_sessions``: sessions of which bars are missing for
        good, null and 0 for none. A symbol that was never collected has lost nothing, but every session counts:
        its first slot is the oldest one within reach.
    """
    edge = now.astimezone(UTC) - lookback
    rows = pl.DataFrame(
        {"symbol": list(newest), "newest": list(newest.values())},
        schema={"symbol": pl.String, "newest": pl.Datetime("us", "UTC")},
    )
    # Slots are looked up once per distinct time, of which a market of 10,000 issues has few.
    moments = (
        rows.select("newest")
        .unique()
        .with_columns(
            after=pl.coalesce(pl.col("newest") + SLOT, pl.lit(edge)).cast(pl.Datetime("us", "UTC")),
            edge=pl.lit(edge).cast(pl.Datetime("us", "UTC")),
        )
    )
    missing = _first_slot(calendar, moments, "after")
    within = pl.max_horizontal("missing", "edge")
    reachable = _first_slot(calendar, missing.with_columns(within=within), "within", "reachable", "to_have")
    lost = reachable.filter(pl.col("newest").is_not_null() & (pl.col("missing") < pl.col("reachable")))
    known = reachable.join(_lost(calendar, lost), on="newest", how="left", nulls_equal=True)
    left = pl.col("collect_by") - now.astimezone(UTC)
    answers = known.select(
        "newest",
        "lost_from",
        "lost_until",
        next_missing="reachable",
        collect_by=pl.col("reachable") + lookback,
        lost_sessions=pl.col("lost_sessions").fill_null(0),
    ).with_columns(days_left=left.dt.total_days())
    return (
        rows.join(answers, on="newest", how="left", nulls_equal=True)
        .select(pl.col(name).cast(kind) for name, kind in BURN_DOWN.items())
        .sort("collect_by", "symbol")
    )


def _first_slot(
    calendar: str, moments: pl.DataFrame, at: str, slot: str = "missing", session: str = "session"
) -> pl.DataFrame:
    """Adds the first slot (and its session) that begins at or after a moment.

    Each session has one or two stretches without a break; a moment outside them waits for the next one.
    """
    bounds = slot_bounds(calendar)
    stretches = pl.concat(
        [
            bounds.select(pl.col("session").alias(session), begins="opens", ends="pauses"),
            bounds.select(pl.col("session").alias(session), begins="resumes", ends="ends").drop_nulls(),
        ]
    ).sort("ends")
    # The last slot of a stretch begins 5 minutes before its end.
    stretches = stretches.with_columns(last=pl.col("ends") - SLOT)
    on_grid = (pl.col(at) + SLOT - timedelta(microseconds=1)).dt.truncate(SLOT)
    waiting = moments.with_columns(_at=on_grid).sort("_at")
    placed = waiting.join_asof(stretches, left_on="_at", right_on="last", strategy="forward")
    return placed.with_columns(pl.max_horizontal("_at", "begins").alias(slot)).drop(
        "_at", "begins", "ends", "last"
    )


def _lost(calendar: str, lost: pl.DataFrame) -> pl.DataFrame:
    """Per ``newest``, the sessions between the first missing slot and the first that can still be had."""
    sessions = slot_bounds(calendar).select(day="session", first="opens")
    spans = lost.join_where(
        sessions, pl.col("day") >= pl.col("session"), pl.col("first") < pl.col("reachable")
    )
    return spans.group_by("newest").agg(
        lost_from=pl.col("day").min(), lost_until=pl.col("day").max(), lost_sessions=pl.len()
    )
