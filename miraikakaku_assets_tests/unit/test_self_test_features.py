"""The self-test of the forecast models' inputs: what looks ahead is named, what does not is not."""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.application import self_test_features
from miraikakaku_assets.application.self_test_features import check_features
from miraikakaku_assets.domain.bars.frame import ACTIONS
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.features import FeatureInputs
from miraikakaku_assets.domain.forecasting.learning import inputs
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.instruments import JP, Universe
from miraikakaku_assets.domain.market.sessions import session_table, sessions_back

LAST = date(2025, 9, 30)


class Bars:
    """Daily bars of some Tokyo issues and of the dollar, as a store would hand them out."""

    def __init__(self, days: int) -> None:
        self.days = days

    def daily(
        self, universe: Universe, _since: datetime | None, _symbols: Sequence[str] | None
    ) -> pl.DataFrame:
        names = {"jp": ["1301.T", "6758.T", "7203.T"], "fx": ["USDJPY=X"]}.get(universe.name, [])
        first = sessions_back(universe.calendar, LAST, self.days - 1)
        table = session_table(universe.calendar).filter(pl.col("session").is_between(first, LAST))
        return pl.concat(
            [self._issue(name, seed, table["opens"]) for seed, name in enumerate(names)]
            or [self._issue("", 0, table["opens"]).clear()]
        )

    def _issue(self, name: str, seed: int, opens: pl.Series) -> pl.DataFrame:
        noise = np.random.default_rng(seed).normal(0, 0.02, len(opens))
        close = 1_000 * np.exp(noise.cumsum())
        prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
        return pl.DataFrame({"symbol": name, "ts": opens, **prices, "volume": 1_000 + np.arange(len(opens))})

    def actions(self, _universe: Universe) -> pl.DataFrame:
        return pl.DataFrame(schema=ACTIONS)

    def sectors(self, _universe: Universe) -> pl.DataFrame:
        return pl.DataFrame({"symbol": ["1301.T", "6758.T", "7203.T"], "sector": ["a", "b", "b"]})


def test_the_inputs_of_the_models_do_not_look_ahead() -> None:
    found = check_features(JP, LAST, Bars(200), 2)
    assert found.leaks == {}
    assert (found.symbols, len(found.origins)) == (3, 2)
    assert {"usdjpy_ret_1", "rsi"} <= set(found.inputs)


def test_an_input_that_looks_ahead_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(panel: Panel, passed: Sequence[str] = ()) -> pl.DataFrame:
        tomorrow = pl.col("close").shift(-1).over("symbol")
        return inputs(panel, passed).hstack(panel.bars.select(tomorrow=tomorrow))

    monkeypatch.setattr(self_test_features, "inputs", leaking)
    found = check_features(JP, LAST, Bars(200), 2)
    assert found.leaks == {"tomorrow": min(found.origins)}


def test_another_market_known_too_early_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(own: FeatureInputs) -> Panel:
        dollar = next(one for one in own.cross if one.name == "usdjpy").values
        shifted = dollar.sort("known_at").with_columns(pl.col("ret_1").shift(-2))
        bars = own.panel.bars.with_columns(usdjpy_ret_1=pl.lit(shifted["ret_1"].drop_nulls()[-1]))
        return Panel(bars, own.panel.sessions, own.panel.unpriced)

    monkeypatch.setattr(self_test_features, "with_foreign", early)
    monkeypatch.setattr(self_test_features, "FOREIGN", ("usdjpy_ret_1",))
    assert check_features(JP, LAST, Bars(200), 2).leaks.keys() == {"usdjpy_ret_1"}


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="too few"):
        check_features(JP, LAST, Bars(20), 5)
