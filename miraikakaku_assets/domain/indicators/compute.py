"""Technical indicators of many symbols at once, by TA-Lib.

What null means. A value is null where its history is too short (`definitions.NEEDED_HISTORY`), where it is 0/0
(the RSI of a price that has not moved at all, the stochastic of a window without a range; TA-Lib says 0 there,
which reads as an extreme), and OBV until the first bar with a volume, so always for currencies. ADX and the
directional indicators of such a price are 0: no movement has no direction. No column ever holds NaN.

What goes in. TA-Lib does not survive a NaN: the averages stay NaN until the end, RSI silently counts it as no
move. Stored bars are valid bars, one after the other; a session without a trade has no bar, and no row is made up
for it. A null, NaN or infinite price is refused here, never skipped and never filled. An official price has a close
only: what is computed from a range is null for an instrument that has such bars.

Incrementally. Recursive values cannot be continued from a tail and be equal, and TA-Lib's running sums differ in
the last bits with their start, so indicators are always computed from an instrument's first stored bar on: 0.1 ms
for a year of days, 10 ms for 65,000 bars. A value depends on bars at and before its own only: after a change at
some bar, the values from there on are new and all earlier ones are, bit for bit, what they were.
"""

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.bars.series import Positions, positions, series_bounds
from miraikakaku_assets.domain.errors import ConfigurationError, PermanentSymbolError
from miraikakaku_assets.domain.indicators.definitions import COLUMNS, INDICATORS, NEEDED_HISTORY, Indicator

Numbers = NDArray[np.float64]

INPUTS = ("open", "high", "low", "close", "volume")
_RANGE = ("open", "high", "low")


def compute(
    bars: pl.DataFrame,
    only: Collection[str] | None = None,
    history: Mapping[str, int] = NEEDED_HISTORY,
) -> pl.DataFrame:
    """All indicators of every bar.

    Args:
        bars: Columns ``symbol``, ``ts``, the four prices (any one basis, see
            `miraikakaku_assets.domain.bars.price_basis`) and ``volume``; one timeframe, from each instrument's
            first stored bar on, sorted by symbol and ts.
        only: Columns that are wanted; None for all.
        history: Column → bars before it is shown; an empty mapping shows TA-Lib's own first values.

    Returns:
        ``symbol``, ``ts`` and the indicators (Float64, null as the module says), one row per bar in the same
        order. RSI, stochastic, ADX and the directional indicators lie in 0-100; OBV is in shares, all others are
        in the currency and basis of the prices.

    Raises:
        ConfigurationError: `only` names something that is no indicator.
        PermanentSymbolError: Bars out of order, or a price that is null, NaN or infinite.
    """
    names = [name for name in COLUMNS if only is None or name in only]
    if only is not None and len(names) < len(set(only)):
        raise ConfigurationError(f"Unknown indicator {sorted(set(only) - set(names))}; choose from {COLUMNS}")
    bounds = series_bounds(bars)
    columns = price_arrays(bars)
    chosen = [indicator for indicator in INDICATORS if not set(indicator.columns).isdisjoint(names)]
    values = _by_talib(chosen, columns, bounds)
    place = positions(bounds)
    for name, column in values.items():
        column[place < history.get(name, 0) - 1] = np.nan
    for indicator in chosen:
        for name, undefined in zip(indicator.columns, indicator.undefined, strict=False):  # mostly none
            values[name][undefined(values[name], columns, place)] = np.nan
    table = pl.DataFrame({name: values[name] for name in names}, schema=dict.fromkeys(names, pl.Float64))
    return bars.select("symbol", "ts").hstack(table.fill_nan(None))


def price_arrays(bars: pl.DataFrame) -> dict[str, Numbers]:
    """Prices and volume as TA-Lib reads them; open, high and low of a price without a range are NaN.

    Raises:
        PermanentSymbolError: One of them is null, NaN or infinite.
    """
    arrays = {}
    rangeless = (
        bars.select(pl.all_horizontal(pl.col(name).is_null() for name in _RANGE)).to_series().to_numpy()
    )
    for name in INPUTS:
        column = bars[name].cast(pl.Float64)
        array = column.to_numpy()  # null becomes NaN
        finite = np.isfinite(array) | (rangeless if name in _RANGE else False)
        if not finite.all():
            row = int(np.argmin(finite))
            explanation = f"the {name} of {bars['ts'][row]} is {column[row]}, and no indicator survives it"
            raise PermanentSymbolError(bars["symbol"][row], "not_finite", explanation)
        arrays[name] = array
    return arrays


def _by_talib(
    chosen: list[Indicator], columns: Mapping[str, Numbers], bounds: Positions
) -> dict[str, Numbers]:
    import talib  # it loads pandas

    calls = [
        (getattr(talib, indicator.function), indicator.inputs, indicator.parameters, len(indicator.columns))
        for indicator in chosen
    ]
    names = [name for indicator in chosen for name in indicator.columns]
    table = np.empty((len(names), int(bounds[-1])))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        series = {name: column[start:end] for name, column in columns.items()}
        row = 0
        for function, inputs, parameters, outputs in calls:
            if any(np.isnan(series[name]).any() for name in inputs):  # bars without a range
                table[row : row + outputs, start:end] = np.nan
                row += outputs
                continue
            result = function(*[series[name] for name in inputs], *parameters)
            for values in result if isinstance(result, tuple) else (result,):
                table[row, start:end] = values
                row += 1
    return dict(zip(names, table, strict=True))
