"""What models that learn are given: targets of sessions, and inputs without a unit."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.features import FeatureInputs
from miraikakaku_assets.domain.forecasting.leakage import leak_test
from miraikakaku_assets.domain.forecasting.learning import (
    CLIP,
    TARGETS,
    inputs,
    targets,
)
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility, panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import of_closes, sessions, walk, walk_bars

KEYS = ["symbol", "session"]


def slow_targets(data: Panel, symbol: str, place: int, until: int) -> list[float | None]:
    """Of the session at a place in the calendar, by looking each target up."""
    bars = data.bars.with_columns(sigma=ewma_volatility()).filter(symbol=symbol)
    logs = dict(bars.select("session", "log_close").iter_rows())
    sigma = dict(bars.select("session", "sigma").iter_rows())
    days = data.sessions.to_list()
    expected: list[float | None] = []
    for h in HORIZONS:
        if place + h > until or days[place + h] not in logs:
            expected.append(None)
            continue
        change = (logs[days[place + h]] - logs[days[place]]) / (sigma[days[place]] * h**0.5)
        expected.append(max(-CLIP, min(CLIP, change)))
    return expected


def gappy() -> Panel:
    """Holes of one and of eight sessions, a last bar earlier than the others', and a bar without a price."""
    place = pl.int_range(pl.len()).over("symbol")
    bars = walk_bars(1, symbols=4, days=80)
    hole = (pl.col("symbol") == "S0001") & ((place == 50) | place.is_between(60, 67))
    ended = (pl.col("symbol") == "S0002") & (place > 70)
    bars = bars.filter(~hole & ~ended).with_columns(
        close=pl.when((pl.col("symbol") == "S0003") & (place == 55)).then(-1.0).otherwise("close")
    )
    return panel(bars, sessions(90))


@pytest.mark.parametrize("until", [79, 72])
def test_targets_are_those_of_sessions_not_of_bars(until):
    data = gappy()
    days = data.sessions
    table = targets(data, days[until])
    assert table.select(KEYS).equals(data.until(days[until]).bars.select(KEYS))
    for symbol, place in [
        ("S0000", 40),
        ("S0001", 48),
        ("S0001", 49),
        ("S0001", 58),
        ("S0001", 68),
        ("S0002", 66),
        ("S0002", 70),
        ("S0003", 52),
        ("S0003", 54),
        ("S0000", 70),
        ("S0003", 71),
    ]:
        row = table.filter(symbol=symbol, session=days[place]).select(TARGETS).row(0)
        for target, expected in zip(row, slow_targets(data, symbol, place, until), strict=True):
            if expected is None:
                assert target is None, (symbol, place)
            else:
                assert target == pytest.approx(expected, rel=1e-5), (symbol, place)


def test_no_target_is_known_that_lies_behind_the_end():
    data = walk(2, days=80)
    days = data.sessions
    table = targets(data, days[60])
    newest = table.group_by("symbol").tail(6).select(pl.col(TARGETS).null_count()).row(0)
    assert newest == tuple(h * 4 for h in HORIZONS)
    assert_frame_equal(table, targets(data.until(days[60]), days[60]))


def test_the_last_bar_of_one_is_not_followed_by_the_first_of_the_next():
    first, second = walk_bars(3, symbols=2, days=80).partition_by("symbol")
    data = panel(pl.concat([first.head(40), second.tail(40)]), sessions(90))
    table = targets(data, data.sessions[79]).filter(symbol="S0000")
    assert table.tail(1).select(TARGETS).row(0) == (None,) * 5


def test_no_target_without_a_volatility_and_none_beyond_the_clip():
    closes = [100.0] * 60 + [101.0, 100.0] * 20 + [1e9] + [100.0] * 9
    table = targets(of_closes(closes), of_closes(closes).sessions[len(closes) - 1])
    assert table["sigma"].head(60).null_count() == 60  # too short, then constant
    assert table["target_1"].head(60).null_count() == 60
    assert table["target_1"][99] == CLIP
    assert table["target_1"].drop_nulls().abs().le(CLIP).all()


def test_an_empty_panel_has_no_rows():
    data = walk(4).only([])
    assert targets(data, data.sessions[50]).is_empty()
    assert inputs(data).is_empty()


def given() -> Panel:
    """With sectors, volume and a column to be passed on."""
    bars = walk_bars(5, symbols=6, days=120).with_columns(
        sector=pl.when(pl.col("symbol").str.ends_with("1")).then(pl.lit("a")).otherwise(pl.lit("b")),
        volume=1000 * (1 + pl.col("close").cos().abs()),
        us_ret_1=pl.col("close").sin() / 100,
    )
    return panel(bars, sessions(130))


def built(data: FeatureInputs) -> pl.DataFrame:
    return inputs(data.panel, data.passed)


def made_at(data: Panel) -> pl.DataFrame:
    moments = [datetime(day.year, day.month, day.day, 7, tzinfo=UTC) for day in data.sessions.to_list()]
    return pl.DataFrame({"session": data.sessions, "made_at": moments})


def test_no_input_knows_the_future():
    data = given()
    origins = [data.sessions[place] for place in (70, 90, 110)]
    assert leak_test(built, FeatureInputs(data, made_at(data), ("us_ret_1",)), origins) == {}


def test_an_input_from_the_session_after_is_caught():
    data = given()

    def leaking(those: FeatureInputs) -> pl.DataFrame:
        tomorrow = those.panel.bars.select(*KEYS, tomorrow=pl.col("ret").shift(-1).over("symbol").sign())
        return built(those).join(tomorrow, on=KEYS, how="left", maintain_order="left")

    origin = data.sessions[90]
    assert leak_test(leaking, FeatureInputs(data, made_at(data), ("us_ret_1",)), [origin]) == {
        "tomorrow": origin
    }


def test_a_target_handed_over_as_an_input_is_caught():
    data = given()

    def leaking(those: FeatureInputs) -> pl.DataFrame:
        last = max(those.panel.bars["session"].to_list())
        return built(those).hstack(targets(those.panel, last).select("target_1"))

    assert set(leak_test(leaking, FeatureInputs(data, made_at(data)), [data.sessions[90]])) == {"target_1"}


def test_inputs_have_no_unit():
    """Ten times the price, or moves three times as wild, are the same to a learner."""
    data = given()
    bars = data.bars.select("symbol", "session", "close", "high", "low")
    dear = panel(bars.with_columns(pl.col("close", "high", "low") * 10), data.sessions)
    assert_frame_equal(inputs(panel(bars, data.sessions)), inputs(dear), rel_tol=1e-4, abs_tol=1e-4)
    wild = panel(bars.with_columns(pl.col("close", "high", "low").log().mul(3).exp()), data.sessions)
    calm_inputs, wild_inputs = inputs(panel(bars, data.sessions)), inputs(wild)
    level = ["sigma_log", "market_sigma_log"]
    assert_frame_equal(calm_inputs.drop(level), wild_inputs.drop(level), rel_tol=1e-4, abs_tol=1e-4)
    tripled = calm_inputs.select((pl.col(level) + np.log(3)).cast(pl.Float32))
    assert_frame_equal(tripled, wild_inputs.select(level), rel_tol=1e-4, abs_tol=1e-4)


def test_inputs_are_single_precision_in_the_order_of_the_bars():
    data = given()
    table = inputs(data, ("us_ret_1",))
    assert table.select(KEYS).equals(data.bars.select(KEYS))
    assert set(table.drop(KEYS).dtypes) == {pl.Float32()}
    assert not table.drop(KEYS).select(pl.any_horizontal(pl.all().is_nan().any())).item()
    assert table["us_ret_1"].equals(data.bars["us_ret_1"].cast(pl.Float32).alias("us_ret_1"))
    own, by_hand = (
        table.filter(symbol="S0002"),
        data.bars.with_columns(s=ewma_volatility()).filter(symbol="S0002"),
    )
    move = by_hand["ret"][100] / by_hand["s"][100]
    assert own["move_0"][100] == pytest.approx(move, rel=1e-5)
    session = table.filter(session=data.sessions[100])
    assert own["market_move_0"][100] == pytest.approx(session["move_0"].mean(), rel=1e-5)
    assert own["move_0_to_market"][100] == pytest.approx(move - own["market_move_0"][100], rel=1e-4)
    sector = session.filter(pl.col("symbol") != "S0001")["move_0"].mean()
    assert own["sector_move_0"][100] == pytest.approx(sector, rel=1e-5)


def test_indicators_against_a_slow_reference():
    data = given()
    bars = data.bars.with_columns(s=ewma_volatility()).filter(symbol="S0002").head(101)
    own = inputs(data).filter(symbol="S0002").row(100, named=True)
    log, returns = np.log(bars["close"].to_numpy()), np.diff(np.log(bars["close"].to_numpy()))

    def fading(values: np.ndarray, weight: float) -> float:
        weights = (1 - weight) ** np.arange(len(values))[::-1]
        return float((weights * values).sum() / weights.sum())

    up, moves = fading(np.maximum(returns, 0), 1 / 14), fading(np.abs(returns), 1 / 14)
    assert own["rsi"] == pytest.approx(up / moves, rel=1e-5)
    macd = (fading(log, 2 / 13) - fading(log, 2 / 27)) / bars["s"][100]
    assert own["macd"] == pytest.approx(macd, rel=1e-4)
    last = log[81:101]
    assert own["bollinger"] == pytest.approx((log[100] - last.mean()) / last.std(ddof=1), rel=1e-5)
    volume = bars["volume"].to_numpy()
    assert own["volume_to_mean"] == pytest.approx(np.log(volume[100] / volume[81:101].mean()), rel=1e-4)
    assert own["unchanged_20"] == 0


def test_indicators_of_a_price_that_does_not_move():
    table = inputs(of_closes([100.0 + place % 2 for place in range(60)] + [100.0] * 40))
    assert table["unchanged_20"][99] == pytest.approx(1.0)
    assert table["bollinger"][99] is None
    assert table["rsi"].drop_nulls().is_between(0, 1).all()


def test_a_garbage_tick_moves_the_market_by_no_more_than_the_clip():
    bars = walk_bars(6, symbols=20, days=100)
    place = pl.int_range(pl.len()).over("symbol")
    tick = (pl.col("symbol") == "S0003") & (place == 90)
    garbage = bars.with_columns(close=pl.when(tick).then(pl.col("close") * 5e7).otherwise("close"))
    day = sessions(100)[90]
    clean, disturbed = (inputs(panel(frame, sessions(110))).filter(session=day) for frame in (bars, garbage))
    assert abs(clean["market_move_0"][0] - disturbed["market_move_0"][0]) <= 13 / 20


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match="no columns"):
        inputs(given(), ("macd_signal",))
