"""The contract of all forecasters: subclass `ForecasterContract` and define `make`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS, NUMBERS, Forecaster, Reason
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import (
    last_session,
    of_closes,
    sessions,
    walk,
    walk_bars,
)


class ForecasterContract(ABC):
    """Mix into a test class and say which forecaster is meant."""

    many = 5_000
    tolerance = 1e-10
    """Of a forecast of one origin against the same among many: 0 for bit for bit."""

    @abstractmethod
    def make(self) -> Forecaster:
        """A fresh forecaster."""

    def enough(self) -> int:
        """Bars that give it all it needs, for a test that is not about history."""
        return max(self.make().needs.returns + 10, 60)

    def forecast(self, data: Panel, origins: Sequence[date], until: date | None = None) -> pl.DataFrame:
        """Trained until the first origin, or another session."""
        first = until or min(origins)
        forecasts = self.make().fit(data.until(first), first, seed=1).predict(data, origins)
        self.well_formed(forecasts)
        return forecasts

    def well_formed(self, forecasts: pl.DataFrame) -> None:
        """Schema, keys, order, nested bands, and numbers or a reason."""
        assert dict(forecasts.schema) == FORECASTS
        assert forecasts.select("symbol", "as_of", "horizon").is_duplicated().sum() == 0
        assert forecasts.equals(forecasts.sort("symbol", "as_of", "horizon"))
        assert (forecasts.group_by("symbol", "as_of").len()["len"] == len(HORIZONS)).all()
        made = forecasts.filter(pl.col("reason").is_null())
        ends = ["lo95", "lo80", "point", "hi80", "hi95"]
        for column in ends:
            assert made[column].is_finite().all(), column
        for lower, upper in pairwise(ends):
            assert (made[lower] <= made[upper]).all()
        assert (made["hi95"] > made["lo95"]).all()
        missing = forecasts.filter(pl.col("reason").is_not_null())
        assert missing.select(pl.any_horizontal(pl.col(NUMBERS).is_not_null()).any()).item() in (False, None)
        assert set(missing["reason"]) <= set(Reason)

    def reasons(self, forecasts: pl.DataFrame, symbol: str) -> set[str | None]:
        """Of one symbol."""
        return set(forecasts.filter(pl.col("symbol") == symbol)["reason"])

    def test_ordinary_series_are_forecast(self):
        data = walk(1, days=self.enough())
        origin = last_session(data.bars)
        forecasts = self.forecast(data, [origin])
        assert forecasts["reason"].null_count() == forecasts.height == 4 * len(HORIZONS)
        ahead = data.sessions.filter(data.sessions > origin).head(len(HORIZONS)).to_list()
        assert forecasts.filter(pl.col("symbol") == "S0000")["target"].to_list() == ahead
        forecaster = self.make()
        assert set(forecasts["model"]) == {forecaster.name}
        assert set(forecasts["version"]) == {forecaster.version}

    def test_a_constant_price_has_no_volatility(self):
        flat = walk_bars(2, days=self.enough()).with_columns(
            close=pl.when(pl.col("symbol") == "S0001").then(100.0).otherwise("close")
        )
        data = panel(flat, sessions(self.enough() + 10))
        forecasts = self.forecast(data, [last_session(data.bars)])
        assert self.reasons(forecasts, "S0001") == {Reason.CONSTANT}
        assert self.reasons(forecasts, "S0000") == {None}

    def test_a_short_history_is_said(self):
        days, needed = self.enough(), self.make().needs.returns
        bars = walk_bars(3, symbols=3, days=days)
        place = pl.int_range(pl.len()).over("symbol")
        kept = {"S0001": needed, "S0002": needed + 1}  # bars; the first has one return too few
        short = pl.all_horizontal(
            (pl.col("symbol") != symbol) | (place >= days - bars_left) for symbol, bars_left in kept.items()
        )
        data = panel(bars.filter(short), sessions(days + 10))
        forecasts = self.forecast(data, [last_session(data.bars)])
        assert self.reasons(forecasts, "S0001") == {Reason.TOO_SHORT}
        assert self.reasons(forecasts, "S0002") <= {None, Reason.NOT_TRAINED}

    def test_gaps_are_bridged_and_a_missing_bar_at_the_origin_is_said(self):
        days = self.enough()
        bars, last = walk_bars(4, days=days), sessions(days)[-1]
        place = pl.int_range(pl.len()).over("symbol")
        holes = (pl.col("symbol") == "S0001") & place.is_between(days - 20, days - 16)
        absent = (pl.col("symbol") == "S0002") & (pl.col("session") == last)
        data = panel(bars.filter(~holes & ~absent), sessions(days + 10))
        forecasts = self.forecast(data, [last])
        assert self.reasons(forecasts, "S0001") == {None}
        assert self.reasons(forecasts, "S0002") == {Reason.NO_BAR}

    def test_a_split_that_is_adjusted_changes_nothing(self):
        bars = walk_bars(5, days=self.enough())
        days = sessions(self.enough() + 10)
        fifth = bars.with_columns(pl.col("close", "high", "low") / 5)
        origin = last_session(bars)
        whole, divided = (
            self.forecast(panel(bars, days), [origin]),
            self.forecast(panel(fifth, days), [origin]),
        )
        assert_frame_equal(whole, divided, rel_tol=1e-6, abs_tol=1e-8)

    @pytest.mark.parametrize("price", [float("nan"), None, 0.0, -3.0, float("inf")])
    def test_what_is_no_price_is_no_bar(self, price):
        bars, days = walk_bars(6, days=self.enough()), sessions(self.enough() + 10)
        origin = days[self.enough() - 1]
        row = pl.int_range(pl.len()).over("symbol")
        at_origin = (pl.col("symbol") == "S0001") & (pl.col("session") == origin)
        before = (pl.col("symbol") == "S0002") & (row == self.enough() - 9)
        broken = bars.with_columns(
            close=pl.when(at_origin | before).then(pl.lit(price, pl.Float64())).otherwise("close")
        )
        forecasts = self.forecast(panel(broken, days), [origin])
        assert self.reasons(forecasts, "S0001") == {Reason.BAD_PRICE}
        without = self.forecast(panel(bars.filter(~before & ~at_origin), days), [origin])
        same = pl.col("symbol") != "S0001"
        assert_frame_equal(forecasts.filter(same), without.filter(same))

    def test_one_instrument_is_enough(self):
        data = walk(7, symbols=1, days=self.enough())
        forecasts = self.forecast(data, [last_session(data.bars)])
        assert forecasts["reason"].null_count() == len(HORIZONS)

    def test_no_instrument_gives_no_forecast(self):
        data = walk(7, symbols=1, days=self.enough()).only([])
        assert self.forecast(data, [data.sessions[self.enough()]]).is_empty()

    def test_many_instruments(self):
        days = self.enough()
        data = walk(8, symbols=self.many, days=days)
        forecasts = self.forecast(data, [data.sessions[days - 1]])
        assert forecasts.height == self.many * len(HORIZONS)
        assert forecasts["reason"].null_count() == forecasts.height

    def test_the_same_seed_gives_the_same_forecast(self):
        data = walk(9, days=self.enough())
        origin = last_session(data.bars)
        assert_frame_equal(self.forecast(data, [origin]), self.forecast(data, [origin]), check_exact=True)

    def test_the_future_does_not_matter(self):
        """Neither in training nor in the forecasts, and many origins give what each of them gives alone."""
        days, more = self.enough(), 12
        whole = walk(10, days=days + more)
        until, origins = whole.sessions[days - 1], whole.sessions[days - 1 : days + 4].to_list()
        future = pl.when(pl.col("session") > origins[-1]).then(pl.col("close") * 3).otherwise("close")
        bars = whole.bars.select("symbol", "session", "high", "low", close=future)
        other = panel(bars, whole.sessions)
        forecaster = self.make()
        together = forecaster.fit(whole, until, seed=1).predict(whole, origins)
        assert_frame_equal(together, forecaster.fit(other, until, seed=1).predict(other, origins))
        alone = forecaster.fit(whole.until(until), until, seed=1)
        each = pl.concat([alone.predict(whole.until(origin), [origin]) for origin in origins])
        each = each.sort("symbol", "as_of", "horizon")
        assert_frame_equal(together, each, rel_tol=self.tolerance, abs_tol=self.tolerance)

    def test_the_order_of_rows_does_not_matter(self):
        bars, days = walk_bars(11, days=self.enough()), sessions(self.enough() + 10)
        origin = last_session(bars)
        mixed = bars.sample(fraction=1, shuffle=True, seed=3)
        in_order, shuffled = (
            self.forecast(panel(bars, days), [origin]),
            self.forecast(panel(mixed, days), [origin]),
        )
        assert_frame_equal(in_order, shuffled)

    def test_saved_and_loaded_it_is_the_same(self):
        data = walk(12, days=self.enough())
        origin = last_session(data.bars)
        trained = self.make().fit(data, origin, seed=7)
        loaded = self.make().load(trained.save())
        for name in ("name", "version", "seed", "trained_until"):
            assert getattr(loaded, name) == getattr(trained, name)
        before_saving, after_loading = trained.predict(data, [origin]), loaded.predict(data, [origin])
        assert_frame_equal(before_saving, after_loading, check_exact=True)

    def test_bytes_of_something_else_are_refused(self):
        with pytest.raises(ConfigurationError, match="train it again"):
            self.make().load(b"\x80 no model")

    def test_it_does_not_forecast_what_it_was_trained_on(self):
        data = walk(13, days=self.enough() + 5)
        last = last_session(data.bars)
        with pytest.raises(ConfigurationError, match="cannot forecast from"):
            self.forecast(data, [data.sessions[self.enough()]], until=last)

    def test_days_without_session_and_the_end_of_the_calendar_are_refused(self):
        data = walk(14, days=self.enough())
        trained = self.make().fit(data, data.sessions[self.enough() - 1])
        with pytest.raises(ConfigurationError, match="no session"):
            trained.predict(data, [date(2030, 1, 6)])
        with pytest.raises(ConfigurationError, match="The calendar ends"):
            trained.predict(data, [data.sessions[-3]])

    def test_who_does_not_need_the_market_forecasts_the_same_without_it(self):
        data = walk(15, days=self.enough())
        origin = last_session(data.bars)
        forecaster = self.make()
        trained = forecaster.fit(data, origin, seed=1)
        among, alone = trained.predict(data, [origin]), trained.predict(data.only(["S0002"]), [origin])
        same = alone.equals(among.filter(symbol="S0002"))
        assert same or forecaster.needs.market

    def test_bands_widen_with_the_horizon(self):
        data = of_closes(list(100 * np.exp(np.random.default_rng(5).normal(0, 0.02, self.enough()).cumsum())))
        forecasts = self.forecast(data, [last_session(data.bars)])
        assert (forecasts["hi80"] - forecasts["lo80"]).diff().drop_nulls().ge(0).all()
