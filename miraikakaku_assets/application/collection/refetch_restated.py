"""Pulls the history of symbols again that the source has restated as a whole."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from miraikakaku_assets.application.collection.keep_scale import off_scale
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.ports import BarRequest, Calls, Delivery
from miraikakaku_assets.domain.bars.restatement import LOOK_BACK, Rescaling, rescaled_histories
from miraikakaku_assets.domain.errors import SymbolError, TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe


def pull_rescaled_again(
    delivery: Delivery,
    requests: Mapping[str, BarRequest],
    request: CollectionRequest,
    ports: CollectionPorts,
    stopping: threading.Event,
) -> tuple[Delivery, dict[str, Rescaling]]:
    """The delivery with whole histories in place of the windows that no longer fit what is stored.

    A symbol whose history cannot be pulled again fails and nothing of it is stored: old bars and new ones on
    different scales would be a jump that nobody traded.

    Args:
        delivery: What came.
        requests: To the source, by symbol.
        request: The collection.
        ports: What it works with.
        stopping: Set to end early.

    Returns:
        The delivery to store, and what was found, by symbol.
    """
    if request.timeframe is not Timeframe.D1 or delivery.bars.is_empty():
        return delivery, {}
    taken = delivery.bars.filter(pl.col("refusal").is_null())
    first = dict(taken.group_by("symbol").agg(pl.col("session").min()).iter_rows())
    overlap = ports.store.overlap(request.universe, request.timeframe, first, LOOK_BACK)
    if overlap.is_empty():
        return delivery, {}
    symbols = overlap["symbol"].unique().to_list()
    known = ports.store.actions(request.universe, symbols)
    rescaled = rescaled_histories(overlap, taken, known, delivery.actions)
    rescaled = {symbol: rescaling for symbol, rescaling in rescaled.items() if symbol in requests}
    if not rescaled:
        return delivery, {}
    # To the very end, also where a window with an end was asked for: bars behind it would keep the old scale.
    again = [BarRequest(symbol, rescaling.oldest, date.max) for symbol, rescaling in rescaled.items()]
    for pulled in ports.source.deliver(request.universe, request.timeframe, again, stopping):
        delivery = _with(delivery, pulled)
    short = _shorter(delivery, rescaled)
    if ports.source.is_fixed:  # a file that holds a part is no answer that will be complete tomorrow
        delivery = off_scale(delivery, set(short))
    else:
        delivery = _with(delivery, Delivery((), delivery.bars.clear(), failures=short))
    rescaled = {
        symbol: rescaling
        for symbol, rescaling in rescaled.items()
        if symbol in delivery.symbols and symbol not in short
    }
    return delivery, {
        symbol: _compared(rescaling, overlap, delivery.bars) for symbol, rescaling in rescaled.items()
    }


def _shorter(delivery: Delivery, rescaled: Mapping[str, Rescaling]) -> dict[str, SymbolError]:
    """Histories that begin later than the stored ones: what is stored before them would keep the old scale."""
    priced = delivery.bars.filter(pl.col("close").is_finite())
    begins = dict(priced.group_by("symbol").agg(pl.col("session").min()).iter_rows())
    short: dict[str, SymbolError] = {}
    for symbol, rescaling in rescaled.items():
        begin = begins.get(symbol)
        if symbol in delivery.symbols and (begin is None or begin > rescaling.oldest):
            came = "nothing came" if begin is None else f"what came begins on {begin}"
            explanation = (
                f"its history was restated since {rescaling.oldest}, and {came}; nothing of it was stored"
            )
            short[symbol] = TemporarySymbolError(symbol, "incomplete_history", explanation)
    return short


def _with(delivery: Delivery, pulled: Delivery) -> Delivery:
    """The delivery with the pulled symbols' rows in place of its own."""
    theirs = {*pulled.symbols, *pulled.failures}
    others = ~pl.col("symbol").is_in(sorted(theirs))
    calls = dict(delivery.calls)
    for symbol, more in pulled.calls.items():
        before = calls.get(symbol, Calls())
        calls[symbol] = Calls(
            before.requests + more.requests, before.seconds + more.seconds, before.began or more.began
        )
    return replace(
        delivery,
        symbols=tuple(symbol for symbol in delivery.symbols if symbol not in pulled.failures),
        bars=pl.concat([delivery.bars.filter(others), pulled.bars]),
        actions=pl.concat([delivery.actions.filter(others), pulled.actions]),
        failures={**delivery.failures, **pulled.failures},
        calls=calls,
    )


def _compared(rescaling: Rescaling, overlap: pl.DataFrame, bars: pl.DataFrame) -> Rescaling:
    """The rescaling with the oldest compared bar before and after."""
    mine = overlap.filter(pl.col("symbol") == rescaling.symbol).select("symbol", "session", old="close")
    oldest = overlap.filter(pl.col("symbol") == rescaling.symbol).select(
        "symbol", session="oldest", old="oldest_close"
    )
    both = pl.concat([oldest, mine]).join(
        bars.select("symbol", "session", new="close"), on=["symbol", "session"], how="inner"
    )
    both = both.filter(pl.col("new").is_finite()).sort("session")
    if both.is_empty():
        return rescaling
    row = both.row(0, named=True)
    return replace(
        rescaling,
        factor=row["new"] / row["old"],
        session=row["session"],
        old_close=row["old"],
        new_close=row["new"],
    )
