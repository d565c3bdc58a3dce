"""Frames on their way into the tables: with ids and constants, and back as counts per symbol."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import polars as pl

from miraikakaku_assets.application.ports import Collected
from miraikakaku_assets.domain.bars.actions import ValidatedActions
from miraikakaku_assets.domain.bars.rules import RULES

_RESCALED = {
    "symbol": pl.String,
    "reason": pl.String,
    "factor": pl.Float64,
    "oldest": pl.Date,
    "ex_date": pl.Date,
    "session": pl.Date,
    "old_close": pl.Float64,
    "new_close": pl.Float64,
}

_COUNTS = {"symbol": pl.String} | dict.fromkeys(
    ("inserted", "restated", "unchanged", "withdrawn", "reconsidered"), pl.Int64
)


def with_ids(frame: pl.DataFrame, instruments: Mapping[str, int], extra: Mapping[str, Any]) -> pl.DataFrame:
    """Adds the instrument's id (null for symbols without one) and the columns that are the same for all rows."""
    ids = pl.col("symbol").replace_strict(dict(instruments), default=None, return_dtype=pl.Int32)
    constants = [
        pl.lit(value, pl.Datetime("us", "UTC") if isinstance(value, datetime) else pl.String).alias(name)
        for name, value in extra.items()
    ]
    return frame.with_columns(ids.alias("instrument_id"), *constants)


def refused_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Refused rows as the quarantine keeps them; equal keys are numbered."""
    nth = pl.col("row").rank("ordinal").over("symbol", "ts", "rule").fill_null(1)  # a stored bar has no row
    return frame.select(
        *("symbol", "timeframe", "ts", "rule", "detail", "open", "high", "low", "close", "volume"),
        *("source", "instrument_id", "fetched_at"),
        occurrence=nth.cast(pl.Int32),
        row_number="row",
    )


def reconsidered_rows(
    frame: pl.DataFrame, instruments: Mapping[str, int], stamped: Mapping[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars that were not delivered: those that are refused now, as quarantine rows, and the others, as bars."""
    own = {name: value for name, value in stamped.items() if name != "source"}
    known = with_ids(frame, instruments, own).drop_nulls("instrument_id")
    detail = pl.col("rule").replace_strict(RULES, default=None, return_dtype=pl.String)
    refused = known.drop_nulls("rule").with_columns(detail=detail, row=pl.lit(None, pl.Int64))
    bars = known.filter(pl.col("rule").is_null()).with_columns(pl.col("volume").cast(pl.Int64))
    return refused_rows(refused), bars


def beside_bars(
    collected: Collected, instruments: Mapping[str, int], stamped: Mapping[str, Any]
) -> dict[str, pl.DataFrame]:
    """Frames of what a delivery says beside its bars; those without a row are left out."""
    state = pl.DataFrame(
        list(collected.complete_from.items()),
        schema={"symbol": pl.String, "complete_from": pl.Date},
        orient="row",
    )
    restated = pl.DataFrame(
        [asdict(rescaling) for rescaling in collected.rescaled.values()], schema=_RESCALED, orient="row"
    ).with_columns(pl.col("factor").fill_nan(None))
    frames = {
        "delivered_state": with_ids(state, instruments, stamped).drop_nulls("instrument_id"),
        "delivered_restatements": with_ids(restated, instruments, stamped).drop_nulls("instrument_id"),
    }
    if collected.actions is not None:
        frames["delivered_actions"] = _actions(collected.actions, instruments, stamped)
        frames["delivered_refused_actions"] = with_ids(
            collected.actions.refused.drop_nulls("ex_date"), instruments, stamped
        )
    return {name: frame for name, frame in frames.items() if not frame.is_empty()}


def _actions(
    actions: ValidatedActions, instruments: Mapping[str, int], stamped: Mapping[str, Any]
) -> pl.DataFrame:
    """Accepted dividends and splits, each with the flag it carries."""
    key = ["symbol", "ex_date", "kind", "value"]
    flags = actions.flagged.select(*key, flag="rule").unique(key, keep="first")
    known = actions.accepted.join(flags, on=key, how="left", maintain_order="left")
    frame = with_ids(known, instruments, stamped).drop_nulls("instrument_id")
    return frame.unique(["instrument_id", "ex_date", "kind"], keep="last", maintain_order=True)


def counts_per_symbol(
    everyone: pl.DataFrame, accepted: pl.DataFrame, counts: Sequence[pl.DataFrame], gone: pl.DataFrame
) -> pl.DataFrame:
    """Counts by symbol; what was accepted and neither inserted nor restated was stored already.

    Args:
        everyone: Columns ``symbol``, ``instrument_id``.
        accepted: Delivered bars.
        counts: Counts per ``instrument_id``.
        gone: Bars that are no longer stored, a row each.
    """
    table = everyone.join(
        accepted.group_by("symbol").agg(accepted=pl.len().cast(pl.Int64)), on="symbol", how="left"
    )
    withdrawn = gone.group_by("instrument_id").agg(withdrawn=pl.len().cast(pl.Int64))
    for count in (*counts, withdrawn):
        table = table.join(count, on="instrument_id", how="left")
    for name in ("accepted", "inserted", "restated", "withdrawn", "reconsidered"):
        column = pl.col(name) if name in table.columns else pl.lit(None, pl.Int64)
        table = table.with_columns(column.fill_null(0).alias(name))
    return table.with_columns(unchanged=pl.col("accepted") - pl.col("inserted") - pl.col("restated")).select(
        pl.col(name).cast(kind) for name, kind in _COUNTS.items()
    )
