"""What the process that reads tables is asked for by charts, see `readings`."""

from datetime import datetime
from typing import Any

from pydantic_core import to_json

from miraikakaku_assets.application.ports.serving import NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import universe
from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.faces.api.answers import Body, body_of

RESOLUTIONS = {
    "5": Timeframe.M5,
    "60": Timeframe.H1,
    "240": Timeframe.H4,
    "1D": Timeframe.D1,
    "1W": Timeframe.W1,
    "1M": Timeframe.MO1,
}
"""How charts write the timeframes."""
_DELAYED = "delayed_streaming"


def read_charted(use: Ports, instrument: NamedInstrument, issue: dict[str, Any]) -> Body:
    """What a chart has to know of an instrument."""
    from miraikakaku_assets.application.reading.chart import INTRADAY, charted_instrument

    market = universe(instrument.universe)
    charted = charted_instrument(
        market, instrument.symbol, instrument.price_unit, use.clock(), use.stores.bars
    )
    written = {length: resolution for resolution, length in RESOLUTIONS.items()}
    has_intraday = Timeframe.M5 in charted.timeframes
    content = {
        "name": instrument.symbol,
        "ticker": instrument.symbol,
        **issue,
        "session": charted.hours,
        "timezone": market.time_zone,
        "minmov": 1,
        "pricescale": charted.price_scale,
        "format": "price",
        "currency_code": instrument.currency,
        "has_intraday": has_intraday,
        "intraday_multipliers": [written[length] for length in INTRADAY] if has_intraday else [],
        "has_daily": True,
        "daily_multipliers": ["1"],
        "has_weekly_and_monthly": True,
        "weekly_multipliers": ["1"],
        "monthly_multipliers": ["1"],
        "supported_resolutions": [written[length] for length in charted.timeframes],
        "visible_plots_set": "ohlcv" if market.has_volume else "ohlc",
        "volume_precision": 0,
        "data_status": _DELAYED if has_intraday else "endofday",
    }
    return body_of(to_json(content))


def read_history(
    use: Ports,
    instrument: NamedInstrument,
    timeframe: Timeframe,
    begin: datetime,
    end: datetime,
    count: int | None,
) -> Body:
    """Bars of a chart by columns."""
    from miraikakaku_assets.application.reading.chart import charted_bars

    market = universe(instrument.universe)
    charted = charted_bars(market, timeframe, instrument.symbol, begin, end, count, use.stores.bars)
    bars = charted.bars
    if bars.is_empty():
        content: dict[str, Any] = {"s": "no_data"}
        if charted.earlier is not None:
            content["nextTime"] = int(charted.earlier.timestamp())
        return body_of(to_json(content))
    columns = {name[0]: bars[name].to_list() for name in ("open", "high", "low", "close", "volume")}
    return body_of(to_json({"s": "ok", "t": bars["time"].dt.epoch("s").to_list(), **columns}))
