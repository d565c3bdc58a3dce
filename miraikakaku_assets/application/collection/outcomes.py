"""What a stored delivery means for each of its symbols."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from miraikakaku_assets.application.ports import (
    BarRequest,
    Calls,
    Delivery,
    SymbolOutcome,
    Withdrawal,
    WriteResult,
)
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.bars.rules import EXPECTED_RULES
from miraikakaku_assets.domain.bars.validation import ValidatedBars

_COUNTS = ("read", "flagged", "quarantined", "inserted", "restated", "unchanged", "withdrawn", "reconsidered")


def without_padding(validated: ValidatedBars) -> tuple[ValidatedBars, pl.DataFrame]:
    """The rows that say something, and the empty ones that come on every healthy day (lunch breaks)."""
    expected = pl.col("rule").is_in(EXPECTED_RULES)
    padding = validated.refused.filter(expected)
    if padding.is_empty():
        return validated, padding
    return replace(validated, refused=validated.refused.filter(~expected)), padding


@dataclass(frozen=True)
class MarketFacts:
    """What is known of a collection's symbols before anything comes.

    Attributes:
        requests: What the collection asks for, by symbol.
        known: Symbols of the master, delisted ones included.
        absent: Symbols that the source need not know (closed markets).
        bare: Symbols of which nothing was stored when they were asked for.
        whole_history: Whether those are asked for all there is, and not for a window.
    """

    requests: Mapping[str, BarRequest]
    known: AbstractSet[str]
    absent: AbstractSet[str]
    bare: AbstractSet[str]
    whole_history: bool


def outcomes_of(
    delivery: Delivery,
    validated: ValidatedBars,
    written: WriteResult,
    padding: pl.DataFrame,
    market: MarketFacts,
    rescaled: Mapping[str, Rescaling],
) -> list[SymbolOutcome]:
    """One outcome per symbol of the delivery, the served ones first.

    Args:
        delivery: What came.
        validated: Its accepted and refused rows.
        written: Rows of it in the store.
        padding: Rows of the delivery that are no bars; they count as not read.
        market: What is known of the symbols.
        rescaled: Symbols whose history was pulled again.
    """
    gone = defaultdict[str, list[Withdrawal]](list)
    for bar in written.withdrawn:
        gone[bar.symbol].append(bar)
    outcomes = [
        SymbolOutcome(
            symbol=row["symbol"],
            verdict=_verdict(row, market),
            rows_read=row["read"],
            inserted=row["inserted"],
            restated=row["restated"],
            unchanged=row["unchanged"],
            quarantined=row["quarantined"],
            flagged=row["flagged"],
            first=row["first"],
            last=row["last"],
            requested=row["symbol"] in market.requests,
            asked=market.requests.get(row["symbol"]),
            calls=delivery.calls.get(row["symbol"], Calls()),
            rescaled=rescaled.get(row["symbol"]),
            reconsidered=row["reconsidered"],
            withdrawn=tuple(gone[row["symbol"]]),
        )
        for row in _rows(delivery, validated, written.counts, padding).iter_rows(named=True)
    ]
    for symbol, error in delivery.failures.items():
        expected = error.kind == "not_on_source" and symbol in market.absent
        outcomes.append(
            SymbolOutcome(
                symbol,
                error.kind,
                error=None if expected else error,
                requested=symbol in market.requests,
                asked=market.requests.get(symbol),
                calls=delivery.calls.get(symbol, Calls()),
            )
        )
    return outcomes


def _rows(
    delivery: Delivery, validated: ValidatedBars, counts: pl.DataFrame, padding: pl.DataFrame
) -> pl.DataFrame:
    accepted = validated.accepted.group_by("symbol").agg(
        first=pl.col("session").min(),
        last=pl.col("session").max(),
        flagged=pl.col("flag").is_not_null().sum(),
    )
    refused = validated.refused.group_by("symbol").agg(quarantined=pl.len())
    return (
        pl.DataFrame({"symbol": delivery.symbols}, schema={"symbol": pl.String})
        .join(accepted, on="symbol", how="left")
        .join(refused, on="symbol", how="left")
        .join(counts, on="symbol", how="left")
        .join(delivery.bars.group_by("symbol").len("rows"), on="symbol", how="left")
        .join(padding.group_by("symbol").len("padding"), on="symbol", how="left")
        .with_columns(read=pl.col("rows").fill_null(0) - pl.col("padding").fill_null(0))
        .with_columns(pl.col(*_COUNTS).fill_null(0))
    )


def _verdict(row: Mapping[str, Any], market: MarketFacts) -> str:
    if row["symbol"] not in market.requests:
        return "delisted" if row["symbol"] in market.known else "not_in_master"
    if row["inserted"] + row["restated"] + row["withdrawn"] + row["reconsidered"]:
        return "ok"
    # Unchanged bars of a symbol that had none when it was planned: somebody else has stored them meanwhile.
    if row["unchanged"] or row["symbol"] not in market.bare:
        return "no_new_data"
    if row["quarantined"]:
        return "all_refused"
    return "never_delivered" if market.whole_history else "none_in_window"
