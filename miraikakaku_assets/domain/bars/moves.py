"""Moves of the close, judged by the bars around them; what holds for any exchange.

A share's price can do nearly anything once: what it cannot do is to leave by a factor and be back a bar later,
or to change by exactly the ratio of its own split on another day than the split's. Thresholds are measured, see
docs/decisions/0006-plausibility.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import polars as pl

from miraikakaku_assets.domain.bars.quality_rule import Check, QualityRule, first_broken

LOOK_AHEAD = 8
"""Bars a wrong stretch may last to be refused as a whole. With a bar on each side it lies within the ten sessions
that every collection asks for, so that a daily collection sees what a collection of years sees."""

BACK = 0.25
"""Part of a move (of its logarithm) that may be left for it to count as taken back."""

_STRAY = 10.0  # widest genuine range of high to low: 2.1 in 1,000,000 TSE bars, 3 in the penny stock ALPHA.PA
_UNIT = 100.0  # pence to pounds, agorot to shekels, cents to rand
_SAME_RATIO = 0.12  # of a logarithm: what the market itself moves beside a split (CNE.L: 3 %, ALPHA.PA: none)
_UNIT_SLACK = 0.2
_SPLIT_DAYS = 45  # MOB.ST was off 2 days before its ex-date, CNE.L and SPM.MI 7, DEX.AX up to 29
_EX_SLACK = 4  # days by which a bar may follow an ex-date that fell on a holiday


@dataclass(frozen=True)
class Tolerance:
    """Factors by which a close may differ from the one before it (larger over smaller).

    Attributes:
        looked_at: Smaller moves are not looked at.
        undone: A move of this factor that the next bar takes back is refused.
        undone_untraded: The same where nobody traded.
        absurd: A move of this factor that no later bar confirms is refused.
        jump: A lasting move of this factor without a reason is flagged.
    """

    looked_at: float
    undone: float
    undone_untraded: float
    absurd: float
    jump: float

    @property
    def is_large(self) -> pl.Expr:
        """Whether ``close`` differs from ``base`` enough to be looked at, or open, high or low from ``close``."""
        close, base = pl.col("close"), pl.col("base")
        return (close > self.looked_at * base) | (close * self.looked_at < base) | strays_from_close()


SHARES = Tolerance(looked_at=1.4, undone=5.0, undone_untraded=2.0, absurd=10.0, jump=4.0)
CURRENCIES = Tolerance(looked_at=1.1, undone=1.1, undone_untraded=1.1, absurd=2.0, jump=1.3)

Judge = Callable[[pl.DataFrame], pl.DataFrame]
"""Valid bars (see `miraikakaku_assets.domain.bars.settling`) → the few it looked at, as from `look_closely`, plus
``verdict``, ``length`` and ``flag``."""


def strays_from_close() -> pl.Expr:
    """Whether a bar's own range is so wide that one of its prices may be no price."""
    return (pl.col("high") > _STRAY * pl.col("close")) | (pl.col("low") * _STRAY < pl.col("close"))


def look_closely(valid: pl.DataFrame, is_large: pl.Expr) -> pl.DataFrame:
    """The few bars that a judge looks at, with their neighbours.

    Args:
        valid: As in `miraikakaku_assets.domain.bars.settling.settle`.
        is_large: Of ``close`` and ``base``, whether a bar is looked at.

    Returns:
        The bars with ``position`` (row in `valid`), ``base`` (close before it, null for none) and ``after1`` to
        ``after8`` (closes that follow, null for none).
    """
    follows = (pl.col("chain") == pl.col("chain").shift(1)).fill_null(value=False)
    chained = valid.with_row_index("position").with_columns(
        pl.col("position").cast(pl.Int64), base=pl.when(follows).then(pl.col("close").shift(1))
    )
    large = chained.filter(is_large)
    return large.with_columns(_afters(valid, large))


def _afters(valid: pl.DataFrame, large: pl.DataFrame) -> list[pl.Series]:
    if large.is_empty():  # nothing to look at, as mostly
        return [pl.Series(f"after{step}", [], valid.schema["close"]) for step in range(1, LOOK_AHEAD + 1)]
    afters = []
    for step in range(1, LOOK_AHEAD + 1):
        there = large["position"] + step
        row = there.clip(upper_bound=max(valid.height - 1, 0))
        mine = (there < valid.height) & (valid["chain"].gather(row) == large["chain"])
        closes = valid["close"].gather(row)
        afters.append(closes.set(~mine, None).alias(f"after{step}"))
    return afters


def with_actions(large: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Adds what corporate actions say about each move; ``at`` is a date.

    Returns:
        The bars with ``near`` (a split is dated to the bar or shortly before it), ``by_split`` (the move has the
        ratio of a split dated within 45 days) and ``paid`` (dividends of that day, 0 for none).
    """
    nothing = large.with_columns(
        near=pl.lit(value=False),
        by_split=pl.lit(value=False),
        paid=pl.lit(0.0),
    )
    mine = actions.join(large.select("symbol").unique(), on="symbol", how="semi")
    if mine.is_empty():
        return nothing
    days = (pl.col("ex_date") - pl.col("at")).dt.total_days()
    here = days.is_between(-_EX_SLACK, 0)
    move = (pl.col("close") / pl.col("base")).log()
    ratio = pl.col("value").log()
    unadjusted = (move + ratio).abs() <= _SAME_RATIO  # prices before are still those of the old shares
    overdone = (
        move - ratio
    ).abs() <= _SAME_RATIO  # the bar was adjusted a second time, or in the wrong direction
    split = (pl.col("kind") == "split") & (pl.col("value") > 0)
    fitting = split & (ratio.abs() >= log(SHARES.looked_at)) & (days.abs() <= _SPLIT_DAYS)
    by_bar = (
        large.select("symbol", "position", "at", "base", "close")
        .join(mine, on="symbol", how="inner")
        .group_by("position")
        .agg(
            near=(split & here).any(),
            by_split=(fitting & (unadjusted | overdone)).any(),
            paid=pl.col("value").filter((pl.col("kind") == "dividend") & here).sum(),
        )
    )
    blank = pl.col("near", "by_split").fill_null(value=False)
    known = large.join(by_bar, on="position", how="left", maintain_order="left")
    return known.with_columns(blank, pl.col("paid").fill_null(0.0))


def stray_price() -> pl.Expr:
    """Whether open, high or low is ten times off the close and the closes on both sides."""
    around = ("close", "base", "after1")
    high = pl.col("high") > _STRAY * pl.max_horizontal(around)
    return (high | (pl.col("low") * _STRAY < pl.min_horizontal(around))).fill_null(value=False)


def is_unit(move: pl.Expr) -> pl.Expr:
    """Whether a move (logarithm) is one of a hundred times, give or take a day's trading."""
    return (move.abs() - log(_UNIT)).abs() <= _UNIT_SLACK


def stretch_length(move: pl.Expr, base: pl.Expr) -> pl.Expr:
    """After how many bars the closes are back at the base, having stayed at the new level; null for never."""
    small = BACK * move.abs()
    length = pl.lit(None, pl.Int64)
    for step in range(LOOK_AHEAD, 0, -1):
        back = (pl.col(f"after{step}") / base).log().abs() <= small
        stayed = [(pl.col(f"after{k}") / pl.col("close")).log().abs() <= small for k in range(1, step)]
        length = pl.when(pl.all_horizontal(back, *stayed)).then(step).otherwise(length)
    return length


def _undone(tolerance: Tolerance) -> pl.Expr:
    far = pl.col("move").abs()
    untraded = (pl.col("volume") == 0) & (far >= log(tolerance.undone_untraded))
    return (pl.col("length") == 1) & ((far >= log(tolerance.undone)) | untraded)


def _absurd(tolerance: Tolerance) -> pl.Expr:
    confirmed = ((pl.col("after1") / pl.col("close")).log().abs() <= log(2)).fill_null(value=False)
    return (pl.col("move").abs() >= log(tolerance.absurd)) & ~confirmed


_COMES_BACK = pl.col("length").is_not_null()
_STRETCH_BEYOND = pl.col("beyond") & (pl.col("length") > 1)

NEIGHBOUR_RULES = (
    QualityRule(
        "stray_price",
        "open, high or low is ten times off the closes around it",
        {Check.FACTOR: stray_price(), Check.LIMITS: stray_price()},
    ),
    QualityRule(
        "unit_error",
        "prices a hundred times off those before and after, as between pence and pounds",
        {
            Check.FACTOR: is_unit(pl.col("move")) & _COMES_BACK,
            Check.LIMITS: _STRETCH_BEYOND & is_unit(pl.col("move")),
        },
        takes_stretch=True,
    ),
    QualityRule(
        "split_error",
        "prices off those before and after by the ratio of a split of the same issue",
        {Check.FACTOR: pl.col("by_split") & _COMES_BACK, Check.LIMITS: _STRETCH_BEYOND & pl.col("by_split")},
        takes_stretch=True,
    ),
    QualityRule(
        "limit_undone",
        "the move is beyond any daily limit and the next session takes it back",
        {Check.LIMITS: pl.col("beyond") & pl.col("undone") & pl.col("impossible")},
    ),
    QualityRule(
        "limit_absurd",
        "the move is beyond the expanded daily limit and no later session confirms it",
        {Check.LIMITS: pl.col("beyond") & pl.col("expanded") & ~pl.col("confirmed")},
    ),
    QualityRule(
        "move_undone",
        "the price leaves by a large factor and the next bar takes it back",
        {Check.FACTOR: _undone},
    ),
    QualityRule(
        "move_absurd",
        "the price leaves by a very large factor and no later bar confirms it",
        {Check.FACTOR: _absurd},
    ),
)
"""Rules that judge a bar by its neighbours, in the order in which they are tried; what they read are the columns of
`judge_by_factor` and of `judge_by_limits`."""


def judge_by_factor(valid: pl.DataFrame, actions: pl.DataFrame | None, tolerance: Tolerance) -> pl.DataFrame:
    """Judges moves where no exchange limits them.

    Args:
        valid: As in `miraikakaku_assets.domain.bars.settling.settle`.
        actions: Schema `ACTIONS`; None within the day, where ``at`` is no date.
        tolerance: What the instruments may do.
    """
    large = look_closely(valid, tolerance.is_large)
    if large.is_empty():
        return no_verdicts(large)
    large = with_actions(large, actions) if actions is not None else _without_actions(large)
    base = pl.col("base") - pl.when(pl.col("paid") < pl.col("base")).then("paid").otherwise(0.0)
    large = large.with_columns(fair=base)
    move = (pl.col("close") / pl.col("fair")).log()
    large = large.with_columns(move=move.fill_null(0.0))
    far = pl.col("move").abs()
    large = large.with_columns(
        length=pl.when(far >= log(tolerance.looked_at)).then(stretch_length(pl.col("move"), pl.col("fair")))
    )
    flag = (
        pl.when(far < log(tolerance.looked_at))
        .then(None)
        .when(pl.col("by_split"))
        .then(pl.lit("split_unadjusted"))
        .when(is_unit(pl.col("move")))
        .then(pl.lit("unit_change"))
        .when(far >= log(tolerance.jump))
        .then(pl.lit("scale_jump"))
    )
    return finding(large, first_broken(NEIGHBOUR_RULES, Check.FACTOR, tolerance), flag)


def no_verdicts(large: pl.DataFrame) -> pl.DataFrame:
    """What a judge says of no bars: most deliveries hold none to look at."""
    return large.select(
        "symbol",
        "at",
        "chain",
        "position",
        verdict=pl.lit(None, pl.String),
        flag=pl.lit(None, pl.String),
        length=pl.lit(1, pl.Int64),
    )


def finding(large: pl.DataFrame, verdict: pl.Expr, flag: pl.Expr) -> pl.DataFrame:
    """What settling reads: a stretch is refused as a whole only for an error that shows as such."""
    whole = pl.col("verdict").is_in([rule.name for rule in NEIGHBOUR_RULES if rule.takes_stretch])
    judged = large.with_columns(verdict=verdict, flag=flag)
    length = pl.when(whole).then("length").otherwise(1).cast(pl.Int64)
    return judged.select("symbol", "at", "chain", "position", "verdict", "flag", length=length)


def _without_actions(large: pl.DataFrame) -> pl.DataFrame:
    absent = {name: pl.lit(value=False) for name in ("near", "by_split")}
    return large.with_columns(**absent, paid=pl.lit(0.0))
