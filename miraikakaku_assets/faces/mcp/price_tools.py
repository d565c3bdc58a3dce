"""Tools about prices: bars and indicators."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from miraikakaku_assets.application.ports.serving import NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.domain.market.universes import universe
from miraikakaku_assets.faces.mcp.answers import Answer
from miraikakaku_assets.faces.mcp.tool import Arguments, Asked, Symbol, TimeframeName, Tool, instrument_of

_SHOWN = ("session", "ts", "open", "high", "low", "close", "volume")
_MOST_SYMBOLS = 20


class PriceArguments(Arguments):
    """Of `prices`."""

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=_MOST_SYMBOLS)]
    timeframe: TimeframeName = "1d"
    since: Annotated[date | None, Field(description="exchange date")] = None
    until: date | None = None
    basis: Annotated[
        Literal["raw", "split_adjusted", "adjusted"] | None,
        Field(description="default: split_adjusted for 1d, else raw; adjusted: dividends, too"),
    ] = None
    newest: Annotated[int, Field(ge=0, le=250, description="bars shown of a single symbol")] = 20


class IndicatorArguments(Arguments):
    """Of `indicators`."""

    symbol: Symbol
    timeframe: TimeframeName = "1d"


async def _prices(wanted: PriceArguments, asked: Asked) -> Answer:
    named = [await instrument_of(asked, name) for name in wanted.symbols]
    instruments = list({instrument.symbol: instrument for instrument in named}.values())
    return await asked.read(_priced, wanted, instruments, asked.use)


def _priced(wanted: PriceArguments, instruments: list[NamedInstrument], use: Ports) -> Answer:
    import polars as pl

    from miraikakaku_assets.application.reading.bars import Window, symbol_bars
    from miraikakaku_assets.domain.bars.price_basis import PriceBasis

    length = Timeframe(wanted.timeframe)
    usual = PriceBasis.SPLIT_ADJUSTED if length is Timeframe.D1 else PriceBasis.RAW
    basis, window = PriceBasis(wanted.basis or usual), Window(wanted.since, wanted.until)
    frames = [
        symbol_bars(universe(instrument.universe), length, instrument.symbol, basis, window, use.stores.bars)
        for instrument in instruments
    ]
    if not sum(frame.height for frame in frames):
        names = ", ".join(instrument.symbol for instrument in instruments)
        raise ConfigurationError(
            f"No {length} bars of {names} are stored in this window; leave out since and until, or ask `gaps` why"
        )
    summaries = [_summary(instrument, frame) for instrument, frame in zip(instruments, frames, strict=True)]
    head: dict[str, Any] = {"timeframe": length.value, "basis": basis.value}
    whole = pl.concat(frames, how="vertical_relaxed")
    if len(instruments) > 1:
        return Answer(head, summaries, "symbols", whole, f"prices-{length}-{basis}", always_file=True)
    hidden = {"session"} if length not in {Timeframe.D1, Timeframe.W1, Timeframe.MO1} else {"ts"}
    columns = [name for name in _SHOWN if name in whole.columns and name not in hidden]
    rows = whole.tail(wanted.newest).reverse().select(columns).to_dicts() if wanted.newest else []
    name = f"prices-{instruments[0].symbol}-{length}-{basis}"
    return Answer({**summaries[0], **head}, rows, "bars", whole, name)


def _summary(instrument: NamedInstrument, bars: Any) -> dict[str, Any]:
    """What a window of bars comes to."""
    head: dict[str, Any] = {
        "symbol": instrument.symbol,
        "unit": instrument.price_unit,
        "bars_in_window": bars.height,
    }
    names = ("first", "as_of", "close", "as_of_is_final", "change", "high", "low", "mean_volume", "flagged")
    if bars.is_empty():
        return head | dict.fromkeys(names)
    newest, begun = bars.row(-1, named=True), bars.row(0, named=True)
    values = (
        begun["ts"],
        newest["ts"],
        newest["close"],
        newest["status"] == "final",
        newest["close"] / begun["close"] - 1 if begun["close"] else None,
        bars["high"].max(),
        bars["low"].min(),
        bars["volume"].mean(),
        bars["flag"].is_not_null().sum(),
    )
    return head | dict(zip(names, values, strict=True))


async def _indicators(wanted: IndicatorArguments, asked: Asked) -> Answer:
    instrument = await instrument_of(asked, wanted.symbol)
    return await asked.read(_indicated, wanted, instrument, asked.use)


def _indicated(wanted: IndicatorArguments, instrument: NamedInstrument, use: Ports) -> Answer:
    from miraikakaku_assets.application.reading.bars import Window, symbol_indicators
    from miraikakaku_assets.domain.indicators.definitions import COLUMNS, MEANINGS

    length = Timeframe(wanted.timeframe)
    table = symbol_indicators(
        universe(instrument.universe), length, instrument.symbol, Window(), use.stores.analysis
    )
    if table.is_empty():
        raise ConfigurationError(
            f"No indicators of {length} bars of {instrument.symbol} are stored; try another timeframe, "
            f"or let `miraikakaku analyze --universe {instrument.universe}` compute them"
        )
    newest, before = table.row(-1, named=True), table.row(max(table.height - 2, 0), named=True)
    rows = [
        {"indicator": name, "newest": newest[name], "before": before[name], "is": MEANINGS[name]}
        for name in COLUMNS
        if name in newest
    ]
    head = {
        "symbol": instrument.symbol,
        "unit": instrument.price_unit,
        "timeframe": length.value,
        "basis": use.settings.price_basis,
        "as_of": newest["ts"],
        "before": before["ts"],
        "bars": table.height,
        "nulls": "fewer bars than the value needs, or 0/0",
    }
    return Answer(head, rows, "indicators", file_name=f"indicators-{instrument.symbol}-{length}")


TOOLS = (
    Tool(
        "prices",
        "Stored bars. One symbol: summary of the window and its newest bars; several: a summary each. "
        "All bars go into a Parquet file that the answer names.",
        PriceArguments,
        _prices,
    ),
    Tool(
        "indicators",
        "Newest technical indicators of a symbol, and the bar before.",
        IndicatorArguments,
        _indicators,
    ),
)
