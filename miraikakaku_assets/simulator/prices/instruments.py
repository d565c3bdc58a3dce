"""What Yahoo's ``meta`` says about an instrument."""

import re
from dataclasses import dataclass

from miraikakaku_assets.simulator.core.noise import key_of
from miraikakaku_assets.simulator.core.sessions import SessionGrid
from miraikakaku_assets.simulator.listings import jpx_codes
from miraikakaku_assets.simulator.listings.us_listings import Kind, UsListing
from miraikakaku_assets.simulator.listings.us_names import company_name
from miraikakaku_assets.simulator.prices.price_model import COPPER, CURRENCY_STARTS

_TOKYO_CODE = re.compile(r"[0-9][0-9A-Z]{3}[0-9]?")
_SPREAD_BITS = 0xFFFF

# Until when after the close the running day keeps the stamp of its last trade. One recorded answer of an
# evening had the day at 15:30, another at 09:00 again: the hour differs by issue, here 15 minutes to 3 hours.
_SETTLES_AFTER = 15 * 60
_SETTLES_WITHIN = 165 * 60
# Recorded last-trade stamps after a TSE close: 15:30:00, and 15:45:02 or :03 for others. New York: 16:00:01.
_LATE_STAMP_SHARE = 0.25
_LATE_STAMP = 15 * 60 + 2


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """Static facts of one symbol.

    Attributes:
        symbol: Yahoo symbol.
        grid: Sessions of its exchange.
        currency: ISO code of its prices.
        exchange: Yahoo's short name of the exchange.
        full_exchange: Yahoo's long name of it.
        kind: Yahoo's ``instrumentType``.
        price_hint: Decimals Yahoo displays.
        long_name: Display name.
        short_name: Short display name.
        pre_post: Whether Yahoo has pre- and post-market hours for it.
        last_stamp_delay: Seconds from the close to the last trade's stamp.
        settles_after: Seconds from the close until the day's bar is stamped at the open.
    """

    symbol: str
    grid: SessionGrid
    currency: str
    exchange: str
    full_exchange: str
    kind: str
    price_hint: int
    long_name: str
    short_name: str
    pre_post: bool
    last_stamp_delay: int
    settles_after: int


def _settling(symbol: str) -> int:
    return _SETTLES_AFTER + (key_of("settles", symbol) & _SPREAD_BITS) * _SETTLES_WITHIN // _SPREAD_BITS


def _stamped_late(symbol: str) -> bool:
    return (key_of("stamp", symbol) & _SPREAD_BITS) / _SPREAD_BITS < _LATE_STAMP_SHARE


def tokyo_instrument(symbol: str, grid: SessionGrid, market: str = jpx_codes.PRIME) -> Instrument:
    """Return the facts of a Tokyo symbol such as ``7203.T``; prices in yen."""
    code = symbol.removesuffix(".T")
    return Instrument(
        symbol=symbol,
        grid=grid,
        currency="JPY",
        exchange="JPX",
        full_exchange="Tokyo",
        kind="ETF" if market == jpx_codes.FUND else "EQUITY",
        price_hint=2,
        long_name=f"Issue {code} Co., Ltd.",
        short_name=f"ISSUE {code}",
        pre_post=False,
        last_stamp_delay=_LATE_STAMP if _stamped_late(symbol) else 0,
        settles_after=_settling(symbol),
    )


_US_MARKETS = {
    "Q": ("NMS", "NasdaqGS"),
    "G": ("NGM", "NasdaqGM"),
    "S": ("NCM", "NasdaqCM"),
    "N": ("NYQ", "NYSE"),
    "A": ("ASE", "NYSE American"),
    "P": ("PCX", "NYSEArca"),
    "Z": ("BTS", "Cboe US"),
}


def us_instrument(symbol: str, grid: SessionGrid, listing: UsListing | None = None) -> Instrument:
    """Return the facts of a US symbol such as ``AAPL`` or ``BRK-B``; prices in US dollars.

    Args:
        symbol: Yahoo symbol.
        grid: Sessions of New York.
        listing: What the directories say of it; without one it is a share of Nasdaq.
    """
    exchange, full_exchange = _US_MARKETS[listing.market if listing is not None else "Q"]
    name = company_name(listing) if listing is not None else f"{symbol} Inc."
    return Instrument(
        symbol=symbol,
        grid=grid,
        currency="USD",
        exchange=exchange,
        full_exchange=full_exchange,
        kind="ETF" if listing is not None and listing.kind is Kind.FUND else "EQUITY",
        price_hint=2,
        long_name=name,
        short_name=name,
        pre_post=True,
        last_stamp_delay=1,
        settles_after=_settling(symbol),
    )


def copper_instrument(grid: SessionGrid) -> Instrument:
    """Return the facts of COMEX copper, ``HG=F``; prices in US dollars a pound."""
    return Instrument(
        symbol=COPPER,
        grid=grid,
        currency="USD",
        exchange="CMX",
        full_exchange="COMEX",
        kind="FUTURE",
        price_hint=4,
        long_name="Copper",
        short_name="Copper",
        pre_post=False,
        last_stamp_delay=0,
        settles_after=7 * 3600,  # a recorded answer about gold names a trading period from midnight to 23:59
    )


def currency_instrument(symbol: str, grid: SessionGrid) -> Instrument:
    """Return the facts of a currency pair such as ``USDJPY=X``; prices in its second currency."""
    pair = currency_pair(symbol)
    name = f"{pair[:3]}/{pair[3:]}"
    return Instrument(
        symbol=symbol,
        grid=grid,
        currency=pair[3:],
        exchange="CCY",
        full_exchange="CCY",
        kind="CURRENCY",
        price_hint=4,
        long_name=name,
        short_name=name,
        pre_post=False,
        last_stamp_delay=0,
        settles_after=2 * 3600,  # London midnight, for the Friday that ends at 22:00
    )


def currency_pair(symbol: str) -> str:
    """Return the pair of a currency symbol: ``JPY=X`` is Yahoo's older spelling of ``USDJPY=X``."""
    name = symbol.removesuffix("=X")
    return f"USD{name}" if len(name) == 3 else name  # noqa: PLR2004


CURRENCY_SYMBOLS = tuple(f"{pair}=X" for pair in CURRENCY_STARTS)


def is_tokyo_code(text: str) -> bool:
    """Whether a text looks like a TSE code: ``7203``, ``130A``, ``25935``."""
    return _TOKYO_CODE.fullmatch(text) is not None
