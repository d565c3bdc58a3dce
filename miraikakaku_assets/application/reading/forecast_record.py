"""Use cases: how good forecasts were, of an issue and of a market, from what was stored when it was made and came."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.forecasting.view import YEAR, direction_edges
from miraikakaku_assets.application.forecasting.weights import CHAMPION
from miraikakaku_assets.application.ports.forecasts import Decision, ForecastStore
from miraikakaku_assets.application.ports.reading.forecast_records import ForecastRecords
from miraikakaku_assets.domain.forecasting.frames import in_prices
from miraikakaku_assets.domain.forecasting.judging.ranks import FEWEST_ISSUES, rank_skill
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.domain.patterns.track_record import wilson

MONTH = 20
"""Sessions of origins that are shown one by one."""

BINS = 20
"""Equal parts of the forecasts, from the surest to the least sure one."""


@dataclass(frozen=True)
class ForecastCard:
    """The newest forecasts of a symbol, and all that speaks for and against them.

    Attributes:
        symbol: Whose.
        as_of: Origin.
        fan: Forecasts of every model in prices: ``model``, ``horizon``, ``target``, ``close`` (at the origin),
            ``point`` (median), ``lo80`` …, ``reason``, ``version``, ``calibration``, ``calibration_scores``,
            ``made_at`` (UTC).
        record: Scores of the ensemble on this symbol by horizon over a year of origins, see `scores.score`; empty
            without an outcome.
        edges: Horizon → 優位性なし, or None where the direction was called better than by luck.
        history: Forecasts of the ensemble of the last `MONTH` origins with what came: ``as_of``, ``target``,
            ``horizon``, ``close``, ``point``, ``lo80``, ``hi80``, ``lo95``, ``hi95`` and ``actual`` in prices,
            ``expected`` and ``came`` as log returns, ``hit`` (null: no direction), ``within_80``, ``within_95``.
        inputs: What the forecast was made from, where it is stored.
    """

    symbol: str
    as_of: date
    fan: pl.DataFrame
    record: pl.DataFrame
    edges: dict[int, str | None]
    history: pl.DataFrame
    inputs: dict[str, Any] | None


@dataclass(frozen=True)
class MonthSummary:
    """What the forecasts of the last `MONTH` origins of a symbol were worth, at one horizon.

    Attributes:
        forecasts: How many have an outcome.
        waiting: How many have none yet.
        calls: Those with a direction that moved.
        hits: Directions that were right.
        hit_rate: Share of them; None without a call.
        hit_low: Lower end of its Wilson interval of 95 %.
        hit_high: Upper end.
        error: Mean size of the error, share of the price.
        no_change: The same of no change.
        skill: 1 - error over that of no change, on log returns; None where nothing moved.
        within_80: Share of outcomes within the band of 80 %.
        within_95: Within that of 95 %.
    """

    forecasts: int
    waiting: int
    calls: int
    hits: int
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    error: float | None
    no_change: float | None
    skill: float | None
    within_80: float | None
    within_95: float | None


@dataclass(frozen=True)
class RankRecord:
    """What the order of a market's forecasts was worth.

    Attributes:
        days: Schema `RANK_DAYS`, of origins with enough issues for an order.
        mean: Mean daily rank correlation (rank IC), None without a day.
        t: The mean over its standard error, see `rank_skill`; None on few days.
        ratio: The mean over the spread between days (ICIR); None on few days.
        spread: Mean difference of the first and the last tenth, log return over the horizon, before costs.
    """

    days: pl.DataFrame
    mean: float | None
    t: float | None
    ratio: float | None
    spread: float | None


def forecast_card(
    universe: Universe,
    symbol: str,
    store: ForecastStore,
    records: ForecastRecords,
    as_of: date | None = None,
) -> ForecastCard | None:
    """The forecasts of a symbol from a session, the newest by default; None without any.

    Args:
        universe: Whose instrument.
        symbol: Which one.
        store: Holds forecasts and outcomes.
        records: Knows what they were made from.
        as_of: Origin; outcomes up to then count.
    """
    origin = as_of or store.newest_origin(universe)
    if origin is None:
        return None
    made = store.predictions(universe, origin, origin, [symbol])
    if made.is_empty():
        return None
    priced = in_prices(made.drop("close"), made.select("symbol", "as_of", "close").unique())
    since = sessions_back(universe.calendar, origin, YEAR)
    scored = store.scored(universe, since, origin, [symbol], [ENSEMBLE])
    come = scored.filter(pl.col("actual").is_not_null() & pl.col("point").is_not_null())
    called = direction_edges(universe, store, origin, [symbol])
    return ForecastCard(
        symbol=symbol,
        as_of=origin,
        fan=priced.sort("model", "horizon"),
        record=score(come, ["symbol"]) if come.height else score(come),
        edges={horizon: word for (_, horizon), word in called.items()},
        history=_history(scored, sessions_back(universe.calendar, origin, MONTH)),
        inputs=records.inputs(universe, symbol, origin),
    )


def month_summary(history: pl.DataFrame, horizon: int) -> MonthSummary:
    """What `ForecastCard.history` says of a horizon."""
    rows = history.filter(pl.col("horizon") == horizon)
    come = rows.filter(pl.col("came").is_not_null())
    called = come["hit"].drop_nulls()
    calls, hits = called.len(), int(called.sum())
    low, high = wilson(pl.Series([hits if calls else None], dtype=pl.Int64), pl.Series([calls]))
    expected, moved = pl.col("expected"), pl.col("came")
    means = come.select(
        error=((expected - moved).exp() - 1).abs().mean(),
        no_change=((-moved).exp() - 1).abs().mean(),
        own=(expected - moved).abs().mean(),
        size=moved.abs().mean(),
        within_80=pl.col("within_80").mean(),
        within_95=pl.col("within_95").mean(),
    ).row(0, named=True)
    return MonthSummary(
        forecasts=come.height,
        waiting=rows.height - come.height,
        calls=calls,
        hits=hits,
        hit_rate=hits / calls if calls else None,
        hit_low=low[0],
        hit_high=high[0],
        error=means["error"],
        no_change=means["no_change"],
        skill=1 - means["own"] / means["size"] if means["size"] else None,
        within_80=means["within_80"],
        within_95=means["within_95"],
    )


def rank_record(
    universe: Universe, model: str, horizon: int, sessions: int, newest: date, records: ForecastRecords
) -> RankRecord:
    """What the order of the forecasts of a model was worth over the newest origins.

    Args:
        universe: Whose forecasts.
        model: Of which model.
        horizon: Sessions ahead.
        sessions: How many origins back.
        newest: The newest origin.
        records: Counts them.
    """
    since = sessions_back(universe.calendar, newest, sessions)
    days = records.rank_days(universe, model, horizon, since).filter(pl.col("n") >= FEWEST_ISSUES)
    skill = rank_skill(days["ic"].drop_nulls(), horizon)
    spread = days.select((pl.col("top") - pl.col("bottom")).mean()).item()
    return RankRecord(days, skill.mean, skill.t, skill.icir, spread)


def risk_coverage(
    universe: Universe, model: str, horizon: int, sessions: int, newest: date, records: ForecastRecords
) -> pl.DataFrame:
    """What the surest forecasts were worth, and what more of them: the risk–coverage curve.

    Sure is a forecast whose expected move is large for its band.

    Returns:
        ``share`` (of all forecasts, the surest first), ``n``, ``calls``, ``hit_rate`` (null without a call),
        ``mae_to_no_change`` (null where nothing moved); ascending.
    """
    since = sessions_back(universe.calendar, newest, sessions)
    bins = records.risk_bins(universe, model, horizon, since, BINS)
    counted = ("n", "calls", "hits", "error", "no_change")
    total = bins["n"].sum()
    return bins.sort("bin").select(pl.col(counted).cum_sum()).select(
        share=pl.col("n") / total,
        n="n",
        calls="calls",
        hit_rate=pl.when(pl.col("calls") > 0).then(pl.col("hits") / pl.col("calls")),
        mae_to_no_change=pl.when(pl.col("no_change") > 0).then(pl.col("error") / pl.col("no_change")),
    )  # fmt: skip


def champion_history(universe: Universe, last: int, records: ForecastRecords) -> list[dict[str, Any]]:
    """Reviews of the champions, newest first: ``as_of``, ``horizon``, ``before``, ``champion`` and the best trial."""
    return [_review(decision) for decision in records.decision_history(universe, CHAMPION, last)]


def _review(decision: Decision) -> dict[str, Any]:
    trials: list[dict[str, Any]] = list(decision.evidence.get("trials") or [])  # type: ignore[call-overload]
    best = min(trials, key=lambda trial: (trial["p_holm"], trial["challenger"]), default=None)
    return {
        "as_of": decision.as_of,
        "horizon": decision.horizon,
        "before": decision.outcome.get("before"),
        "champion": decision.outcome.get("champion"),
        "trials": len(trials),
        "best_challenger": best and best["challenger"],
        "mae_ratio": best and best["mae_ratio"],
        "p_holm": best and best["p_holm"],
        "why": best and best["why"],
    }


def _history(scored: pl.DataFrame, since: date) -> pl.DataFrame:
    """Forecasts of the newest origins beside what came."""
    close, moved = pl.col("close"), pl.col("actual")
    called = (pl.col("point") != 0) & (moved != 0)
    rows = scored.filter(pl.col("as_of") >= since, pl.col("reason").is_null())
    return rows.select(
        *("as_of", "target", "horizon", "close"),
        *((close * pl.col(name).exp()).alias(name) for name in ("point", "lo80", "hi80", "lo95", "hi95")),
        actual=close * moved.exp(),
        expected="point",
        came="actual",
        hit=pl.when(called).then((pl.col("point") > 0) == (moved > 0)),
        within_80=moved.is_between("lo80", "hi80"),
        within_95=moved.is_between("lo95", "hi95"),
    ).sort("as_of", "horizon", descending=[True, False])
