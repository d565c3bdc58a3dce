"""The self-test of the forecast models' inputs: what looks ahead is named, what does not is not."""

from collections.abc import Sequence

import polars as pl
import pytest

from miraikakaku_assets.application.leakage import features as self_test_features
from miraikakaku_assets.application.leakage.features import check_features
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.features import FeatureInputs
from miraikakaku_assets.domain.forecasting.learning import inputs
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets_tests.fakes.market_bars import LAST, Bars


def test_the_inputs_of_the_models_do_not_look_ahead() -> None:
    check = check_features(JP, LAST, Bars(200), 2)
    assert check.leaks == {}
    assert (check.symbols, len(check.origins)) == (3, 2)
    assert {"usdjpy_ret_1", "rsi"} <= set(check.inputs)


def test_an_input_that_looks_ahead_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(panel: Panel, passed: Sequence[str] = ()) -> pl.DataFrame:
        tomorrow = pl.col("close").shift(-1).over("symbol")
        return inputs(panel, passed).hstack(panel.bars.select(tomorrow=tomorrow))

    monkeypatch.setattr(self_test_features, "inputs", leaking)
    check = check_features(JP, LAST, Bars(200), 2)
    assert check.leaks == {"tomorrow": min(check.origins)}


def test_another_market_known_too_early_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(own: FeatureInputs) -> Panel:
        dollar = next(market for market in own.cross if market.name == "usdjpy").values
        shifted = dollar.sort("known_at").with_columns(pl.col("ret_1").shift(-2))
        bars = own.panel.bars.with_columns(usdjpy_ret_1=pl.lit(shifted["ret_1"].drop_nulls()[-1]))
        return Panel(bars, own.panel.sessions, own.panel.unpriced)

    monkeypatch.setattr(self_test_features, "with_foreign", early)
    monkeypatch.setattr(self_test_features, "FOREIGN", ("usdjpy_ret_1",))
    assert check_features(JP, LAST, Bars(200), 2).leaks.keys() == {"usdjpy_ret_1"}


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="too few"):
        check_features(JP, LAST, Bars(20), 5)
