"""The suites: one row a rule. docs/validation.md prints them, Great Expectations and the database evaluate them."""

from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.quality.suite import SYMBOL_SHAPE, Kind, Suite, SuiteRule

_PRICES = ("open", "high", "low", "close")
_BAR = (
    SuiteRule("prices_present", "no price is missing", Kind.PRESENT, _PRICES),
    SuiteRule("prices_positive", "every price is above 0", Kind.BETWEEN, _PRICES, minimum=0, is_strict=True),
    SuiteRule(
        "prices_possible", "no price is above 200 million", Kind.BETWEEN, _PRICES, maximum=200_000_000
    ),
    SuiteRule("open_in_range", "low ≤ open ≤ high", Kind.ASCENDING, ("low", "open", "high")),
    SuiteRule("close_in_range", "low ≤ close ≤ high", Kind.ASCENDING, ("low", "close", "high")),
    SuiteRule("volume_not_negative", "volume is 0 or more", Kind.BETWEEN, ("volume",), minimum=0),
    SuiteRule(
        "status_known", "status is final or provisional", Kind.IN_SET, ("status",), values=("final", "provisional")
    ),
)  # fmt: skip
_OF_PARTS = (
    SuiteRule("built_once", "one bar per symbol and start", Kind.UNIQUE, ("symbol", "ts")),
    SuiteRule("is_built", "every interval with parts has its bar", Kind.PRESENT, ("close",)),
    SuiteRule("has_parts", "every bar has parts that are stored", Kind.PRESENT, ("parts_close",)),
    *(
        SuiteRule(f"{name}_of_parts", f"{name} is {what}", Kind.EQUAL, (name, f"parts_{name}"))
        for name, what in (
            ("open", "the first part's"),
            ("high", "the highest of the parts"),
            ("low", "the lowest of the parts"),
            ("close", "the last part's"),
            ("volume", "the sum of the parts"),
        )
    ),
    SuiteRule("parts_counted", "it says from how many parts it was built", Kind.EQUAL, ("parts", "stored_parts")),
)  # fmt: skip
_PERCENT = ("rsi_14", "stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14")
_BANDS = ("lo95", "lo80", "point", "hi80", "hi95")


def _is_watched(universe: Universe) -> bool:
    return Timeframe.M5 in universe.collected


def _of_parts(name: str, asset: str, batch: str, *, watched: bool) -> Suite:
    due = _is_watched if watched else lambda _universe: True
    return Suite(name, asset, batch, ("symbol", "ts"), _OF_PARTS, due)


SUITES: tuple[Suite, ...] = (
    Suite(
        "table_schema",
        "prices_1d",
        "the columns of the tables that assets write, as the database has them and as the program defines them",
        ("table_name", "column_name"),
        (
            SuiteRule("column_stored", "every column that is defined is there", Kind.PRESENT, ("stored_type",)),
            SuiteRule("column_defined", "no column is there that is not defined", Kind.PRESENT, ("defined_type",)),
            SuiteRule("type_as_defined", "its type is the defined one", Kind.EQUAL, ("stored_type", "defined_type")),
            SuiteRule("null_as_defined", "it allows nulls where defined so", Kind.EQUAL,
                      ("stored_null", "defined_null")),
        ),
        is_required=True,
    ),
    Suite(
        "stock_master",
        "stock_master",
        "the whole list in force and the issues that have left it",
        ("stock_code",),
        (
            SuiteRule("code_once", "one row per code", Kind.UNIQUE, ("universe", "stock_code")),
            SuiteRule("symbol_once", "one row per active symbol", Kind.UNIQUE, ("active_symbol",)),
            SuiteRule("named", "every issue has a name", Kind.BETWEEN, ("name_length",), minimum=1),
            SuiteRule("symbol_shape", "symbols are written as the price source writes them", Kind.MATCHES,
                      ("issue_symbol",), pattern=SYMBOL_SHAPE),
            SuiteRule("same_instrument", "the instrument has the symbol of the issue", Kind.EQUAL,
                      ("active_symbol", "instrument_symbol")),
            SuiteRule("segment_present", "every active issue has its market", Kind.PRESENT, ("segment",)),
            SuiteRule("listed_before_delisted", "an issue is listed before it is delisted", Kind.BETWEEN,
                      ("days_listed",), minimum=0),
            SuiteRule("lists_in_order", "the first list that shows it is not after the last", Kind.BETWEEN,
                      ("days_between_lists",), minimum=0),
        ),
        lambda universe: universe.has_master,
        is_required=True,
    ),
    Suite(
        "daily_bars",
        "prices_1d",
        "the newest 10 sessions, which a collection may have changed",
        ("symbol", "session"),
        (
            SuiteRule("bar_once", "one bar per symbol and session", Kind.UNIQUE, ("symbol", "session")),
            *_BAR,
            SuiteRule("on_a_session", "the day is a session of the calendar", Kind.PRESENT, ("calendar_session",)),
            SuiteRule("starts_with_session", "the bar starts with its session", Kind.EQUAL, ("ts", "session_opens")),
        ),
        is_required=True,
    ),
    Suite(
        "five_minute_bars",
        "prices_5m",
        "the newest 2 sessions",
        ("symbol", "ts"),
        (
            SuiteRule("bar_once", "one bar per symbol and start", Kind.UNIQUE, ("symbol", "ts")),
            *_BAR,
            SuiteRule("on_the_grid", "the start is a multiple of five minutes", Kind.IN_SET, ("seconds_off_grid",),
                      values=(0,)),
            SuiteRule("while_trading", "the market trades at the start, or has just closed", Kind.PRESENT,
                      ("trading_since",)),
        ),
        _is_watched,
    ),
    _of_parts("hourly_bars", "bars_1h", "the hours of the newest 2 sessions beside their 5-minute bars", watched=True),
    _of_parts("four_hour_bars", "bars_4h", "the four hours of the newest 2 sessions beside their hours",
              watched=True),
    _of_parts("weekly_bars", "bars_1w", "the newest 2 weeks beside their daily bars", watched=False),
    _of_parts("monthly_bars", "bars_1mo", "the newest 2 months beside their daily bars", watched=False),
    Suite(
        "indicators",
        "indicators",
        "the newest bar of each timeframe",
        ("symbol", "timeframe", "ts"),
        (
            SuiteRule("indicator_once", "one row per symbol, timeframe and bar", Kind.UNIQUE,
                      ("symbol", "timeframe", "ts")),
            SuiteRule("has_bar", "every row has its bar", Kind.PRESENT, ("bar_close",)),
            SuiteRule("finite", "every value is a finite number or null", Kind.IN_SET, ("not_finite",), values=(0,)),
            SuiteRule("percentages", "RSI, stochastic, ADX and directional indicators lie between 0 and 100",
                      Kind.BETWEEN, _PERCENT, minimum=-1e-9, maximum=100 + 1e-9),
            SuiteRule("bands_ordered", "lower ≤ middle ≤ upper Bollinger band", Kind.ASCENDING,
                      ("bb_lower", "bb_middle", "bb_upper")),
            SuiteRule("range_not_negative", "ATR is 0 or more", Kind.BETWEEN, ("atr_14",), minimum=0),
            SuiteRule("averages_positive", "averages of prices are above 0", Kind.BETWEEN,
                      ("sma_5", "sma_25", "ema_5", "ema_25"), minimum=0, is_strict=True),
            SuiteRule("histogram_is_difference", "the MACD histogram is MACD minus signal, to a millionth of the price",
                      Kind.BETWEEN, ("histogram_error",), maximum=1e-6),
        ),
    ),
    Suite(
        "pattern_signals",
        "patterns",
        "the signals of the newest 10 sessions",
        ("symbol", "pattern", "direction", "ts"),
        (
            SuiteRule("direction_known", "the direction is SELL, BUY or NEUTRAL", Kind.IN_SET, ("direction",),
                      values=("SELL", "BUY", "NEUTRAL")),
            SuiteRule("known_after_start", "it was known when its bar had ended", Kind.BETWEEN,
                      ("seconds_until_known",), minimum=1),
            SuiteRule("priced", "its price is above 0", Kind.BETWEEN, ("close",), minimum=0, is_strict=True),
            SuiteRule("has_bar", "its bar is stored", Kind.PRESENT, ("bar_close",)),
        ),
        _is_watched,
    ),
    Suite(
        "predictions",
        "predictions",
        "the forecasts of the newest origin within 10 sessions",
        ("symbol", "model", "horizon"),
        (
            SuiteRule("forecast_once", "one forecast per symbol, model and horizon", Kind.UNIQUE,
                      ("symbol", "model", "horizon")),
            SuiteRule("horizons", "horizons are 1 to 5", Kind.IN_SET, ("horizon",), values=(1, 2, 3, 4, 5)),
            SuiteRule("every_horizon", "from the first horizon that is forecast on, all up to 5 are", Kind.IN_SET,
                      ("horizons",), values=(5,)),
            SuiteRule("target_is_session", "the target is so many sessions after the origin", Kind.EQUAL,
                      ("target", "session_ahead")),
            SuiteRule("numbers_or_reason", "there are all numbers, or a reason why there are none", Kind.IN_SET,
                      ("numbers_without_reason",), values=(5,)),
            SuiteRule("bands_ordered", "95 % low ≤ 80 % low ≤ median ≤ 80 % high ≤ 95 % high", Kind.ASCENDING, _BANDS),
            SuiteRule("median_possible", "the median is a move of less than a factor of 10", Kind.BETWEEN, ("point",),
                      minimum=-2.3, maximum=2.3),
            SuiteRule("priced", "the close at the origin is above 0", Kind.BETWEEN, ("close",), minimum=0,
                      is_strict=True),
        ),
    ),
    Suite(
        "forecast_scores",
        "prediction_performance",
        "the newest scores of the universe",
        ("model", "horizon", "window_origins"),
        (
            SuiteRule("shares", "hit rates and coverages are shares", Kind.BETWEEN,
                      ("hit_rate", "always_up", "coverage_80", "coverage_95"), minimum=0, maximum=1),
            SuiteRule("errors_not_negative", "errors and widths are 0 or more", Kind.BETWEEN,
                      ("mae", "rmse", "mae_no_change", "width_80", "width_95"), minimum=0),
            SuiteRule("interval_around_rate", "the hit rate lies in its own interval", Kind.ASCENDING,
                      ("hit_low", "hit_rate", "hit_high")),
            SuiteRule("wider_covers_more", "the wider band covers no less", Kind.ASCENDING,
                      ("coverage_80", "coverage_95")),
        ),
    ),
)  # fmt: skip
"""Every suite there is."""

GATES = ("stock_master", "predictions")
"""Suites whose failure stops what comes after them in the same run: an issue that is no issue would be asked for day
after day, and a forecast that is none would be scored and told."""


def suite(name: str) -> Suite:
    """The suite of that name."""
    return next(suite for suite in SUITES if suite.name == name)


def suites_of(universe: Universe) -> list[Suite]:
    """The suites that apply to a universe."""
    return [suite for suite in SUITES if suite.is_due(universe)]
