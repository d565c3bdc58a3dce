"""What came after the signals of a pattern: shown with every new one, so that nobody takes it for advice.

An outcome counts from the moment at which it was complete; a record as of a moment is the one that could have been
shown then. None of the patterns had a significant edge when they were defined.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from miraikakaku_assets.domain.patterns.pattern import Direction

SIDE = ("definition", "pattern", "direction")
"""What has a track record: one side of one pattern, over all symbols."""

LAST = 10
"""Outcomes that are listed one by one."""


@dataclass(frozen=True)
class Horizon:
    """How far an outcome looks, counted in the bars that are given to it.

    Attributes:
        name: For people.
        bars: From the end of the bar in which the signal became known to the end of the bar this many later.
        within: The longest those bars may take. What takes longer spans a hole in the data: it is no outcome of
            this horizon, and stays open for ever.
        market_adjusted: Whether the mean move of all symbols over the same time is subtracted. Not for currencies:
            pairs have no common market, and the drift of a single pair is taken as 0.
    """

    name: str
    bars: int
    within: timedelta
    market_adjusted: bool


NEXT_SESSION = Horizon("next session", bars=1, within=timedelta(days=14), market_adjusted=True)
"""From the close of the signal's session to the close of the next; needs daily bars. The longest time between two
sessions was Tokyo's eleven days from 2019-04-26 to 2019-05-07."""

NEXT_72_BARS = Horizon(
    "72 five-minute bars", bars=72, within=timedelta(days=4, hours=6), market_adjusted=False
)
"""From the close of the signal's five-minute bar to the close 72 bars later: six hours of unbroken trading, and a
weekend with a holiday before or after it at most. For currencies."""


def outcomes(signals: pl.DataFrame, bars: pl.DataFrame, horizon: Horizon) -> pl.DataFrame:
    """The realised outcome of every signal.

    Args:
        signals: Columns ``symbol``, ``at`` and `SIDE`; others are kept.
        bars: ``symbol``, ``ts``, ``ends`` (UTC), ``close`` of final bars: daily bars of the whole market, or five-
            minute bars. Closes adjusted for splits and dividends, in any one currency per symbol.
        horizon: Which bars those are and how many count.

    Returns:
        The signals with ``from_close_at``, ``resolved_at`` (UTC), ``move`` (close to close, share of 1),
        ``market_move`` (the mean move of all symbols with a close at both moments; 0 where not adjusted or only
        one symbol is known), ``compared`` (how many symbols that were, 0 for no adjustment), ``outcome`` (their
        difference, positive if it went where the signal pointed; of a neutral signal just the difference) and
        ``hit`` (null for a neutral one). All null while the outcome is open, if no bar covers the signal, and, but for
        ``from_close_at``, if its bars took longer than `Horizon.within`.
    """
    priced = bars.filter(pl.col("close") > 0).sort("symbol", "ts")
    path = priced.select(
        "symbol",
        pl.col("ts").alias("covers_from"),
        pl.col("ends").alias("from_close_at"),
        pl.col("close").alias("from_close"),
        pl.col("ends").shift(-horizon.bars).over("symbol").alias("resolved_at"),
        pl.col("close").shift(-horizon.bars).over("symbol").alias("to_close"),
    )
    in_time = pl.col("resolved_at") - pl.col("from_close_at") <= horizon.within
    path = path.with_columns(pl.when(in_time).then(name).alias(name) for name in ("resolved_at", "to_close"))
    paths = signals.sort("symbol", "at").join_asof(
        path, left_on="at", right_on="from_close_at", by="symbol", strategy="forward",
        coalesce=False, check_sortedness=False,
    )  # fmt: skip
    covered = pl.col("covers_from") < pl.col("at")
    paths = paths.with_columns(
        pl.when(covered).then(name).alias(name) for name in ("from_close_at", "resolved_at", "to_close")
    ).with_columns(move=pl.col("to_close") / pl.col("from_close") - 1)
    market = _market_moves(paths, priced) if horizon.market_adjusted else None
    if market is None or priced["symbol"].n_unique() == 1:
        paths = paths.with_columns(market_move=pl.when(pl.col("move").is_not_null()).then(0.0), compared=0)
    else:
        paths = paths.join(market, on=["from_close_at", "resolved_at"], how="left", maintain_order="left")
    points = pl.when(pl.col("direction") == Direction.SELL).then(-1.0).otherwise(1.0)
    outcome = points * (pl.col("move") - pl.col("market_move"))
    hit = pl.when(pl.col("direction") != Direction.NEUTRAL).then(pl.col("outcome") > 0)
    return (
        paths.with_columns(pl.col("compared").cast(pl.Int64), outcome=outcome)
        .with_columns(hit=hit)
        .select(
            *signals.columns,
            "from_close_at",
            "resolved_at",
            "move",
            "market_move",
            "compared",
            "outcome",
            "hit",
        )
    )


def _market_moves(paths: pl.DataFrame, priced: pl.DataFrame) -> pl.DataFrame:
    """Mean move of all symbols over each span of time that some signal needs."""
    spans = paths.select("from_close_at", "resolved_at").drop_nulls().unique()
    closes = priced.select("symbol", "ends", "close")
    return (
        spans.join(closes, left_on="from_close_at", right_on="ends")
        .join(
            closes.rename({"close": "later"}),
            left_on=["symbol", "resolved_at"],
            right_on=["symbol", "ends"],
        )
        .group_by("from_close_at", "resolved_at")
        .agg(market_move=(pl.col("later") / pl.col("close") - 1).mean(), compared=pl.len())
    )


def track_record(
    signals: pl.DataFrame, bars: pl.DataFrame, horizon: Horizon, as_of: datetime
) -> pl.DataFrame:
    """The record of each side of each pattern, as it could be shown at a moment.

    Args:
        signals: As for `outcomes`.
        bars: As for `outcomes`.
        horizon: As for `outcomes`.
        as_of: Signals and outcomes that were not complete by then (UTC) do not count.

    Returns:
        One row per `SIDE` that had a signal: ``signals`` (so far), ``n`` (with a complete outcome), ``days`` (on
        which those arose: outcomes of one day are hardly independent), ``hits``, ``hit_rate``, ``low`` and
        ``high`` (Wilson, 95 %), ``mean`` (outcome, share of 1), ``last_ten`` (outcomes, newest last), ``horizon``
        and ``adjustment`` (in words). Rates are null for n = 0 and for neutral sides, which point nowhere.
    """
    made = signals.filter(pl.col("at") <= as_of)
    known = outcomes(made, bars.filter(pl.col("ends") <= as_of), horizon)
    done = known.filter(pl.col("outcome").is_not_null()).sort("resolved_at", "at", "symbol")
    results = done.group_by(SIDE).agg(
        n=pl.len().cast(pl.Int64),
        days=pl.col("at").dt.date().n_unique().cast(pl.Int64),
        hits=pl.when(pl.col("hit").is_not_null().all()).then(pl.col("hit").sum().cast(pl.Int64)),
        mean=pl.col("outcome").mean(),
        last_ten=pl.col("outcome").tail(LAST),
        compared=pl.col("compared").max(),
    )
    record = made.group_by(SIDE).agg(signals=pl.len().cast(pl.Int64)).join(results, on=SIDE, how="left")
    record = record.with_columns(pl.col("n", "days").fill_null(0))
    low, high = wilson(record["hits"], record["n"])
    return record.select(
        *SIDE, "signals", "n", "days", "hits",
        (pl.col("hits") / pl.col("n")).alias("hit_rate"),
        low.alias("low"), high.alias("high"),
        "mean", pl.col("last_ten").fill_null([]),
        pl.lit(horizon.name).alias("horizon"), _in_words().alias("adjustment"),
    ).sort(SIDE)  # fmt: skip


def wilson(hits: pl.Series, n: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Ends of the Wilson score intervals of shares at 95 %; null where one of the numbers is.

    It stays within 0 and 1 and keeps its coverage for small n, unlike the textbook interval. It takes the outcomes for
    independent: signals of one day mostly share their fate, so that the true uncertainty is larger.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927)
    209-212; recommended by Brown, Cai and DasGupta, Statistical Science 16 (2001) 101-133.

    Args:
        hits: Successes.
        n: Trials, at least 1 where there are successes.
    """
    from statsmodels.stats.proportion import proportion_confint

    trials = n.cast(pl.Float64).set(hits.is_null(), None)
    ends = proportion_confint(hits.cast(pl.Float64).to_numpy(), trials.to_numpy(), method="wilson")
    low, high = (pl.Series(end, dtype=pl.Float64).fill_nan(None) for end in ends)
    return low, high


def _in_words() -> pl.Expr:
    compared = pl.col("compared")
    adjusted = pl.format("minus the mean move of up to {} symbols over the same time", compared)
    return (
        pl.when(compared.is_null())
        .then(pl.lit("no outcome is complete yet"))
        .when(compared == 0)
        .then(pl.lit("none: an instrument without a market, whose own drift is taken as 0"))
        .otherwise(adjusted)
    )
