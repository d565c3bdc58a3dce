"""The curve of a simulated copper market: contract months of COMEX and the LME's official prices, all from ``HG=F``.

One wave makes the shape: it passes from contango to backwardation and back, at both exchanges on the same days.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from miraikakaku_assets.domain.copper.contract_months import contract_month, liquid_months
from miraikakaku_assets.domain.copper.units import POUNDS_PER_TONNE
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.simulator.core.bars import Bars
from miraikakaku_assets.simulator.core.noise import FloatArray, IntArray, Noise
from miraikakaku_assets.simulator.core.sessions import DAY, NEW_YORK, day_number, day_of
from miraikakaku_assets.simulator.prices.price_model import PriceGrid
from miraikakaku_assets.simulator.prices.quotes import Quotes

CONTRACT_MONTHS = ".CMX"
"""How symbols of contract months end."""
_LONDON = ZoneInfo("Europe/London")
_PERIOD_DAYS = 240.0
"""Days from one backwardation to the next."""
_HEIGHT, _LEVEL = 0.05, 0.015
"""Log points a year: how far the wave goes, and the contango it goes around."""
_LISTED_DAYS = 500
_BUSIEST_DAYS, _SPREAD_DAYS = 50.0, 40.0
"""Days before its end at which a month is traded most, and how fast that fades: volume rolls weeks before expiry."""
_MORNING = 0.4
"""Part of New York's day that has passed when the LME's official prices are made."""
_THREE_MONTHS = 0.25  # of a year
_TICK, _CASH_TICK = 0.5, 0.25  # USD a tonne
_STOCK_START, _STOCK_WAVE = 180_000.0, 90_000.0  # tonnes
_LOT = 25.0
_FROM_LONDON = time(13, 0)


@dataclass(frozen=True)
class OfficialDay:
    """What the LME says of one day.

    Attributes:
        day: Exchange date.
        cash: USD a tonne; None on a bank holiday, of which the page shows the stock only.
        three_months: The same.
        stock: Tonnes.
    """

    day: date
    cash: float | None
    three_months: float | None
    stock: float


def month_quotes(symbol: str, front: Quotes, now: int) -> Quotes | None:
    """One contract month, such as ``HGZ26.CMX``.

    Args:
        symbol: Yahoo symbol.
        front: Everything about ``HG=F``.
        now: The instant (UTC seconds).

    Returns:
        None for a month that is not one, or that has ended: Yahoo forgets those.
    """
    try:
        month = contract_month(symbol)
    except ConfigurationError:
        return None
    expires = day_number(month.expires)
    if now // DAY > expires + 1:
        return None
    daily, live = (
        _of_month(bars, expires) if bars is not None else None for bars in (front.daily, front.live)
    )
    if daily is None or not len(daily):
        return None
    name = f"Copper {month.expires:%b %y}"
    instrument = replace(front.instrument, symbol=symbol, long_name=name, short_name=name)
    return replace(front, instrument=instrument, daily=daily, live=live, first_trade=int(daily.stamps[0]))


def official_days(front: Quotes, now: int, seed: int) -> list[OfficialDay]:
    """The LME's official prices and stocks of every day that is known, oldest first.

    They are made in the middle of New York's morning, so the close of ``HG=F`` on the same date knows more.

    Args:
        front: Everything about ``HG=F``.
        now: The instant (UTC seconds).
        seed: Of the world.
    """
    bars = front.daily if front.live is None else front.daily.then(front.live)
    prices = zip(bars.open.tolist(), bars.close.tolist(), strict=True)
    comex = dict(zip(_days(bars.stamps).tolist(), prices, strict=True))
    trading = set(session_table("LME")["session"])
    noise = Noise(seed, "LME")
    last, days = None, []
    for number in range(min(comex, default=0), max(comex, default=-1) + 1):
        day = day_of(number)
        if number in comex:
            opened, closed = comex[number]
            last = closed
            price = opened * (closed / opened) ** _MORNING
        elif last is None or day.weekday() > 4:  # noqa: PLR2004 - Friday
            continue
        else:
            price = last
        known = datetime.combine(day, _FROM_LONDON, _LONDON).astimezone(UTC)
        if known.timestamp() > now:
            break
        stock = _stock(number, noise)
        if day not in trading:
            days.append(OfficialDay(day, None, None, stock))
            continue
        wobble = 1.0 + 0.0008 * float(noise.normal("basis", np.array([number]))[0])
        three_months = round(price * POUNDS_PER_TONNE * wobble / _TICK) * _TICK
        carry = float(_carry(np.array([number]))[0]) * _THREE_MONTHS
        cash = round(three_months * float(np.exp(-carry)) / _CASH_TICK) * _CASH_TICK
        days.append(OfficialDay(day, cash, three_months, stock))
    return days


def _stock(number: int, noise: Noise) -> float:
    """Low where cash is dear."""
    wave = _STOCK_START + _STOCK_WAVE * float(np.sin(_angle(np.array([number]))[0]))
    return round((wave + 2_000.0 * float(noise.normal("stock", np.array([number]))[0])) / _LOT) * _LOT


def _of_month(bars: Bars, expires: int) -> Bars:
    days = _days(bars.stamps)
    alive = np.flatnonzero((days <= expires) & (days > expires - _LISTED_DAYS))
    bars, days = bars.take(alive), days[alive]
    left = (expires - days).astype(np.float64)
    nearest = np.array(
        [day_number(liquid_months(day_of(int(day)), 1)[0].expires) for day in days], dtype=np.int64
    )
    price = np.exp(_carry(days) * (left - (nearest - days)) / 365.0)
    share = np.exp(-(((left - _BUSIEST_DAYS) / _SPREAD_DAYS) ** 2))
    scaled = bars.rescaled(price, share)
    snap = PriceGrid.HALF_THOUSANDTH.snap
    opened, high, low, close = (
        snap(column) for column in (scaled.open, scaled.high, scaled.low, scaled.close)
    )
    return Bars(scaled.stamps, opened, high, low, close, np.ceil(scaled.volume), close)


def _angle(days: IntArray) -> FloatArray:
    return 2.0 * np.pi * days.astype(np.float64) / _PERIOD_DAYS


def _carry(days: IntArray) -> FloatArray:
    """Growth of the price a year along the curve, log points: above 0 in contango."""
    return _LEVEL + _HEIGHT * np.sin(_angle(days))


def _days(stamps: IntArray) -> IntArray:
    """Exchange date of each stamp in New York, as days since 1970."""
    days = [day_number(datetime.fromtimestamp(int(stamp), NEW_YORK).date()) for stamp in stamps]
    return np.array(days, dtype=np.int64)
