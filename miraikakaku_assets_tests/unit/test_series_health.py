"""Health of series: each rule finds what is injected, an explained step is none, real markets are mostly healthy."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.domain.bars.frame import ACTIONS, empty
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe
from miraikakaku_assets.domain.market.sessions import session_table, sessions_between
from miraikakaku_assets.domain.quality.series_health import FINDINGS, broken_series
from miraikakaku_assets.domain.quality.series_rules import SERIES_RULES, tolerated

DAYS = sessions_between(JP.calendar, date(2025, 1, 6), date(2025, 6, 30))
AT = 80
"""Number of the session at which something happens."""


def series(symbol: str = "7203.T", seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.01, len(DAYS))))
    return pl.DataFrame(
        {
            "symbol": symbol,
            "session": DAYS,
            "open": close * (1 + rng.normal(0, 0.002, len(DAYS))),
            "close": close,
            "volume": rng.integers(50_000, 150_000, len(DAYS)),
        }
    )


def changed(frame: pl.DataFrame, since: int, until: int, **values: Any) -> pl.DataFrame:
    place = pl.int_range(pl.len())
    chosen = (place >= since) & (place < until)
    return frame.with_columns(
        pl.when(chosen).then(value).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )


def scaled(frame: pl.DataFrame, factor: float, since: int = AT, until: int = len(DAYS)) -> pl.DataFrame:
    return changed(frame, since, until, open=pl.col("open") * factor, close=pl.col("close") * factor)


def found(
    *frames: pl.DataFrame, universe: Universe = JP, actions: pl.DataFrame | None = None, since: date = DAYS[0]
) -> list[tuple[str, str, date]]:
    bars = pl.concat(frames).sort("symbol", "session")
    known = empty(ACTIONS) if actions is None else actions
    findings = broken_series(universe, bars, known, pl.Series(sessions_of(universe)), since)
    assert findings.schema == FINDINGS
    return [tuple(row) for row in findings.select("rule", "symbol", "session").rows()]


def sessions_of(universe: Universe) -> list[date]:
    return session_table(universe.calendar)["session"].to_list()


def split(ratio: float, day: date = DAYS[AT]) -> pl.DataFrame:
    return pl.DataFrame([("7203.T", day, "split", ratio)], schema=ACTIONS, orient="row")


def test_healthy_series_break_nothing():
    assert found(series(), series("9984.T", 5)) == []


@pytest.mark.parametrize("factor", [1.85, 0.44, 7.1])
def test_a_step_is_found_at_its_first_bar(factor):
    assert found(scaled(series(), factor), series("9984.T", 5)) == [("step", "7203.T", DAYS[AT])]


@pytest.mark.parametrize("ratio", [0.5, 5, 0.1, 1 / 3])
def test_a_jump_like_a_split_lacks_its_factor(ratio):
    assert found(scaled(series(), ratio)) == [("missing_factor", "7203.T", DAYS[AT])]


@pytest.mark.parametrize("factor", [0.5, 1.85])
@pytest.mark.parametrize("days", [0, 2])
def test_a_corporate_action_nearby_explains_both(factor, days):
    assert found(scaled(series(), factor), actions=split(2.0, DAYS[AT + days])) == []
    elsewhere = pl.DataFrame([("9984.T", DAYS[AT], "split", 2.0)], schema=ACTIONS, orient="row")
    assert len(found(scaled(series(), factor), actions=elsewhere)) == 1


def test_a_spike_of_one_session_is_no_step():
    assert found(scaled(series(), 3.3, AT, AT + 1)) == []


def test_the_newest_bar_may_be_the_first_of_a_new_level():
    assert found(scaled(series(), 1.85, len(DAYS) - 1)) == [("step", "7203.T", DAYS[-1])]


def test_a_volume_spike_is_found_and_no_other_symbol_is_its_measure():
    spiked = changed(series(), AT, AT + 1, volume=pl.lit(30_000_000))
    large = series("9984.T", 5).with_columns(pl.col("volume") * 1_000)

    assert found(spiked, large) == [("volume_spike", "7203.T", DAYS[AT])]
    assert found(series("0001.T"), large) == []


def test_a_hole_is_found_behind_it_and_a_late_listing_is_none():
    place = pl.int_range(pl.len())
    with_hole = series().filter((place < AT) | (place >= AT + 5))

    assert found(with_hole, series("9984.T", 5)[60:]) == [("calendar_hole", "7203.T", DAYS[AT + 5])]
    assert found(series().filter((place < AT) | (place >= AT + 4))) == []


def test_a_flat_run_counts_only_with_trading():
    flat = changed(series(), AT, AT + 16, close=pl.lit(1_000.0))

    assert found(flat) == [("flat_run", "7203.T", DAYS[AT + 15])]
    assert found(changed(flat, AT, AT + 16, volume=pl.lit(0))) == []
    assert found(changed(series(), AT, AT + 14, close=pl.lit(1_000.0))) == []


def test_currencies_have_narrower_limits_and_no_volume():
    days = (
        session_table(FX.calendar)
        .filter(pl.col("session").is_between(DAYS[0], DAYS[-1]))["session"]
        .to_list()
    )
    close = 150 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.004, len(days))))
    pair = pl.DataFrame({"symbol": "USDJPY=X", "session": days, "open": close, "close": close, "volume": 0})
    stepped = pair.with_columns(
        pl.when(pl.col("session") >= days[60]).then(pl.col(name) * 1.15).otherwise(name).alias(name)
        for name in ("open", "close")
    )

    assert found(pair, universe=FX) == []
    assert found(stepped, universe=FX) == [("step", "USDJPY=X", days[60])]
    flat = pair.with_columns(
        close=pl.when(pl.int_range(pl.len()).is_between(50, 54)).then(150.0).otherwise("close")
    )
    assert found(flat, universe=FX) == [("flat_run", "USDJPY=X", days[54])]


def test_only_what_is_judged_is_reported():
    assert found(scaled(series(), 1.85), since=DAYS[AT + 1]) == []
    assert found(scaled(series(), 1.85), since=DAYS[AT]) != []


def test_nothing_stored_breaks_nothing():
    assert broken_series(JP, series().clear(), empty(ACTIONS), pl.Series(DAYS), DAYS[0]).is_empty()


def real(folder: Path, file: str, since: date, *columns: str) -> pl.DataFrame:
    frame = pl.read_parquet(folder / file, columns=["symbol", *columns])
    frame = frame.rename(dict(zip(columns, ("session", "open", "close", "volume"), strict=False)))
    frame = frame.with_columns(pl.col("session").cast(pl.String).str.slice(0, 10).str.to_date())
    kept = frame.filter(pl.col("session") >= since, pl.col("open") > 0, pl.col("close") > 0)
    return kept.with_columns(pl.col("open", "close").cast(pl.Float64)).sort("symbol", "session")


def per_batch(universe: Universe, bars: pl.DataFrame, actions: pl.DataFrame) -> dict[str, float]:
    """Findings of each rule per 20 sessions."""
    calendar = session_table(universe.calendar)["session"]
    bars = bars.filter(pl.col("session").is_in(calendar.implode()))
    findings = broken_series(universe, bars, actions, calendar, date.min)
    counts = dict(findings.group_by("rule").len().iter_rows())
    return {rule.name: counts.get(rule.name, 0) * 20 / bars["session"].n_unique() for rule in SERIES_RULES}


@pytest.mark.slow
def test_real_series_of_tokyo_with_their_splits_are_mostly_healthy(real_data):
    columns = ("date", "open", "close", "volume", "splits")
    bars = real(real_data, "jp_daily_history/jp_daily_adjusted_2013_2018.parquet", date(2017, 7, 1), *columns)
    splits = bars.filter(pl.col("splits") > 0).select(
        "symbol", ex_date="session", kind=pl.lit("split"), value=pl.col("splits").cast(pl.Float64)
    )

    counts = per_batch(JP, bars, splits)

    assert {
        rule.name: counts[rule.name] <= max(1, tolerated(rule, JP, bars["symbol"].n_unique()))
        for rule in SERIES_RULES
    } == {rule.name: True for rule in SERIES_RULES}, counts


@pytest.mark.slow
def test_the_wrong_level_of_a_real_spin_off_is_a_step(real_data):
    columns = ("date", "open", "close", "volume")
    bars = real(real_data, "us_daily/us_sp500_506sym_2016_2019_adjclose.parquet", date(2016, 1, 1), *columns)
    calendar = session_table(US.calendar)["session"]
    bars = bars.filter(pl.col("session").is_in(calendar.implode())).drop_nulls()

    findings = broken_series(US, bars, empty(ACTIONS), calendar, date.min)

    steps = findings.filter(pl.col("rule") == "step")
    assert steps.select("symbol", "session").rows() == [("BHF", date(2017, 7, 17))]
