"""Which bars a delivery gets refused, flagged or judged again, by the bars around them, delivered and stored ones.

A verdict depends on the closes just before a bar and on the next eight, so bars are judged in *stretches*: bars worth a
look that follow each other closely, with the quiet bars around them. Between two stretches lie so many quiet bars
that no verdict of one reaches the other. What a stretch is judged to be is therefore the same whether a history comes
whole, month by month, or one session again, as long as all of its bars are at hand. A bar that is stored or held in
quarantine is judged again when a bar that belongs to its stretch comes.
"""

from dataclasses import dataclass
from itertools import count

import polars as pl

from miraikakaku_assets.domain.bars.moves import LOOK_AHEAD, Judge

AROUND = 2 * LOOK_AHEAD
"""Bars behind the last bar worth a look that can have a part in its verdict: the stretch of up to eight that begins
with it, and the eight that follow when those are taken out."""

AT_HAND = 3 * AROUND
"""Stored bars before and after a delivery that are enough for nearly every symbol; `Settled.cut` names the others."""

_PATIENCE = 50
"""Refusals after which a stretch is garbage rather than a series with garbage in it. 5,000 bars that alternate between
pounds and pence would take 2,500 rounds of 11 ms."""


@dataclass(frozen=True)
class Settled:
    """What was found.

    Attributes:
        refused: Columns ``symbol``, ``at``, ``verdict``.
        flagged: Columns ``symbol``, ``at``, ``flag``.
        judged: Columns ``symbol``, ``at``: every bar of the stretches that were judged, quiet ones included.
        cut: Symbols of which a stretch may go on beyond the stored bars at hand: they need their whole history.
    """

    refused: pl.DataFrame
    flagged: pl.DataFrame
    judged: pl.DataFrame
    cut: tuple[str, ...]


def settle(valid: pl.DataFrame, judge: Judge, whole: frozenset[str] = frozenset()) -> Settled:
    """Judges the stretches that a delivered bar belongs to, and every stretch of some symbols.

    Args:
        valid: Columns ``symbol``, ``at`` (session or time), ``high``, ``low``, ``close``, ``volume``, ``delivered``
            and ``marked`` (stored with a flag, or held in quarantine for its neighbours), sorted by the first two.
        judge: Says which bars to refuse (``verdict`` for ``length`` bars from here on) or to flag.
        whole: Symbols whose whole history is at hand.
    """
    symbol = pl.col("symbol")
    chained = valid.with_columns(chain=(symbol != symbol.shift(1)).fill_null(value=False).cum_sum())
    worth_a_look = judge(chained)["position"]
    if valid["marked"].any():
        worth_a_look = pl.concat([worth_a_look, valid["marked"].arg_true().cast(pl.Int64)]).unique().sort()
    stretches = _stretches(chained, worth_a_look).filter(
        pl.col("touched") | pl.col("symbol").is_in(sorted(whole))
    )
    open_ended = stretches.filter("open", ~pl.col("symbol").is_in(sorted(whole)))
    rows = stretches.select(chain="stretch", position=pl.int_ranges("begin", pl.col("end") + 1))
    rows = rows.explode("position", empty_as_null=True)
    bars = chained[rows["position"]].with_columns(rows["chain"])
    refused, flagged = _judged_in_turn(bars, judge)
    return Settled(
        refused, flagged, bars.select("symbol", "at"), tuple(open_ended["symbol"].unique().sort().to_list())
    )


def _stretches(chained: pl.DataFrame, worth_a_look: pl.Series) -> pl.DataFrame:
    """Columns ``stretch``, ``symbol``, ``begin`` and ``end`` (rows), ``touched`` (by a delivered bar) and ``open``."""
    position = pl.col("position")
    places = chained[worth_a_look].select("symbol", "chain").with_columns(position=worth_a_look)
    apart = (position - position.shift(1) > AROUND + 1) | (pl.col("chain") != pl.col("chain").shift(1))
    runs = places.group_by(stretch=apart.fill_null(value=True).cum_sum()).agg(
        pl.col("symbol", "chain").first(), first=position.min(), last=position.max()
    )
    changes = (chained["chain"] != chained["chain"].shift(1)).fill_null(value=True).arg_true().cast(pl.Int64)
    edges = pl.concat([changes, pl.Series([chained.height], dtype=pl.Int64)])
    runs = runs.sort("stretch")
    runs = runs.with_columns(oldest=edges.gather(runs["chain"]), newest=edges.gather(runs["chain"] + 1) - 1)
    runs = runs.with_columns(
        begin=pl.max_horizontal(pl.col("first") - 1, "oldest"),
        end=pl.min_horizontal(pl.col("last") + AROUND, "newest"),
    )
    came = pl.concat([pl.Series([0], dtype=pl.Int64), chained["delivered"].cast(pl.Int64).cum_sum()])
    delivered = chained["delivered"]
    older = ~delivered.gather(runs["oldest"]) & (runs["first"] - runs["oldest"] <= AROUND)
    newer = ~delivered.gather(runs["newest"]) & (runs["newest"] - runs["last"] <= AROUND)
    touched = came.gather(runs["end"] + 1) > came.gather(runs["begin"])
    return runs.select("stretch", "symbol", "begin", "end").with_columns(touched=touched, open=older | newer)


def _judged_in_turn(bars: pl.DataFrame, judge: Judge) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Refused and flagged bars; refused bars are no neighbours to judge by.

    Per stretch the earliest refused bar is taken out before its successors are judged again: the bar after a
    spike moves as far as the spike did, and as the newest bar it has nothing later to vouch for it. Of a stretch
    that still has bad bars after 50 rounds, all that look bad are taken out at once.
    """
    refused, flagged = [], []
    for turn in count():
        seen = judge(bars)
        first = seen.filter(pl.col("verdict").is_not_null())
        if turn < _PATIENCE:
            first = first.unique("chain", keep="first", maintain_order=True)
        else:
            first = first.with_columns(length=pl.lit(1, pl.Int64))
        pending = pl.col("chain").is_in(first["chain"].implode())
        flagged.append(seen.filter(~pending & pl.col("flag").is_not_null()).select("symbol", "at", "flag"))
        gone = _taken_out(bars, first)
        refused.append(gone)
        if first.is_empty():
            break
        bars = bars.filter(pending).join(gone, on=["symbol", "at"], how="anti", maintain_order="left")
    return pl.concat(refused), pl.concat(flagged)


def _taken_out(bars: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    reach = pl.int_ranges("position", pl.col("position") + pl.col("length"))
    rows = first.select("verdict", position=reach).explode("position", empty_as_null=True)
    return bars.select("symbol", "at")[rows["position"]].with_columns(rows["verdict"])
