"""Which issues exist in the simulated world, from when to when, and what kind of trading they see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from miraikakaku_assets.simulator.core.noise import Noise
from miraikakaku_assets.simulator.core.sessions import WORLD_BEGINS
from miraikakaku_assets.simulator.listings import jpx_codes


class Trading(Enum):
    """What Yahoo shows of an issue. All four were seen in recorded data."""

    NORMAL = "normal"
    FLAT = "flat"  # a bar per session, volume 0, price unchanged
    NULL = "null"  # a row per session, all values null
    EMPTY = "empty"  # known, but every window is empty
    UNKNOWN = "unknown"  # in the exchange's list, HTTP 404 at Yahoo


@dataclass(frozen=True, slots=True)
class Listing:
    """One issue of the Tokyo Stock Exchange.

    Attributes:
        code: Code as in the JPX list: ``7203``, ``130A``, ``25935``.
        name: Japanese name, full-width letters and U+3000 as in the list.
        market: Market class of the list.
        sector: 33/17 sector, ``None`` where the list has ``-``.
        size_code: Code of the size class, ``None`` where the list has ``-``.
        size: Size class, ``-`` for none.
        listed: First trading day.
        delisted: First day without trading, ``None`` if it stays.
        trading: What Yahoo shows of it.
        fills_holidays: Whether Yahoo shows a bar on TSE holidays.
    """

    code: str
    name: str
    market: str
    sector: jpx_codes.Sector | None
    size_code: int | None
    size: str
    listed: date
    delisted: date | None
    trading: Trading
    fills_holidays: bool

    @property
    def symbol(self) -> str:
        """Yahoo symbol."""
        return f"{self.code}.T"

    def is_listed(self, day: date) -> bool:
        """Whether it trades on a day."""
        return self.listed <= day and (self.delisted is None or day < self.delisted)


_ALPHANUMERIC_SINCE = date(2024, 1, 4)

# Issues that users, documentation and tests ask for by name: always there, liquid, never delisted.
_PINNED = (
    ("7203", "トヨタ自動車", jpx_codes.PRIME, 3700, "TOPIX Core30"),
    ("1301", "極洋", jpx_codes.PRIME, 50, "TOPIX Small 2"),
    ("1306", "ＮＥＸＴ\u3000ＦＵＮＤＳ\u3000ＴＯＰＩＸ連動型上場投信", jpx_codes.FUND, None, "-"),
    ("6758", "ソニーグループ", jpx_codes.PRIME, 3650, "TOPIX Core30"),
    ("9984", "ソフトバンクグループ", jpx_codes.PRIME, 5250, "TOPIX Core30"),
    ("130A", "Ｖｅｒｉｔａｓ\u3000Ｉｎ\u3000Ｓｉｌｉｃｏ", jpx_codes.GROWTH, 3250, "-"),
    ("8951", "日本ビルファンド投資法人\u3000投資証券", jpx_codes.REIT, None, "-"),
    ("25935", "伊藤園第１種優先株式", jpx_codes.PRIME, 3050, "-"),
    ("285A", "キオクシアホールディングス", jpx_codes.PRIME, 3650, "TOPIX Mid400"),
)
PINNED_ISSUES = len(_PINNED)
"""How many issues every world begins with."""
_PINNED_LISTED = {"130A": _ALPHANUMERIC_SINCE, "285A": date(2024, 12, 18)}
CANARIES = ("7203", "285A")
"""Codes that Yahoo knows in every world, however small its list is."""
_SIZE_CODES = {name: code for code, name, _ in jpx_codes.SIZES_BY_MARKET[jpx_codes.PRIME]}
_SECTOR_BY_CODE = {sector.code33: sector for sector in jpx_codes.SECTORS}
_FIVE_DIGIT_CODES = ("50765", "94345", "94346")

# In the list of 2025-09-30, 257 of 4,403 codes were alphanumeric; JPX gives them out since January 2024,
# about 175 a year.
_ALPHANUMERIC_SHARE = 257 / 4403
_DAYS_PER_ALPHANUMERIC = 2
_LETTERS = "ACDFGHJKLMNPRSTUWXY"
_NUMERIC_CODES = 8_699  # 1301 .. 9999; prime, so any stride visits each code once
_FIRST_NUMERIC = 1_301
# Of 4,178 issues with prices, 25 to 46 carry rows on TSE holidays.
_HOLIDAY_SHARE = 0.01
# 100 of 4,178 never traded in a year; 73 of 149 PRO Market issues are known to Yahoo at all.
_PRO_KNOWN_SHARE = 73 / 149
_FUND_NULL_SHARE = 0.05
_DELISTED_PER_YEAR = 0.0125
_YEARS = 20
_LISTED_LATER_SHARE = 0.12


def listings(seed: int) -> Iterator[Listing]:
    """Yield the issues of a world in a fixed order, until the codes run out."""
    world = Noise(seed, "listings")
    alphanumeric = iter(_alphanumeric_codes())
    numeric = iter(_numeric_codes(world))
    five_digit = iter(_FIVE_DIGIT_CODES)
    for code, name, market, sector, size in _PINNED:
        yield Listing(
            code=code,
            name=name,
            market=market,
            sector=_SECTOR_BY_CODE[sector] if sector is not None else None,
            size_code=_SIZE_CODES[size],
            size=size,
            listed=_PINNED_LISTED.get(code, WORLD_BEGINS),
            delisted=None,
            trading=Trading.EMPTY if len(code) > 4 else Trading.NORMAL,  # noqa: PLR2004
            fills_holidays=False,
        )
    number = 0
    while True:
        draw = world.chance(f"kind {number}")
        number += 1
        drawn = next(five_digit, None) if number % 1_000 == 0 else None
        if drawn is None and draw >= _ALPHANUMERIC_SHARE:
            drawn = next(numeric, None)
        drawn = drawn if drawn is not None else next(alphanumeric, None)
        if drawn is None:
            return
        yield _drawn(seed, drawn)


def _drawn(seed: int, code: str) -> Listing:
    noise = Noise(seed, "listing", code)
    market = _weighted(jpx_codes.MARKETS, noise.chance("market"))
    has_sector = market not in jpx_codes.WITHOUT_SECTOR
    sector = _sector(noise.chance("sector")) if has_sector else None
    size_code, size = _size(market, noise.chance("size"))
    if len(code) > 4:  # noqa: PLR2004
        market, trading = jpx_codes.PRIME, Trading.EMPTY
    else:
        trading = _trading(market, noise.chance("trading"))
    listed, delisted = _lifetime(code, noise)
    return Listing(
        code=code,
        name=_name(market, noise),
        market=market,
        sector=sector,
        size_code=size_code,
        size=size,
        listed=listed,
        delisted=delisted,
        trading=trading,
        fills_holidays=trading is Trading.NORMAL and noise.chance("holidays") < _HOLIDAY_SHARE,
    )


def _lifetime(code: str, noise: Noise) -> tuple[date, date | None]:
    if len(code) == 4 and code[3].isalpha():  # noqa: PLR2004
        place = int(code[:3]) - 130
        listed = _ALPHANUMERIC_SINCE + timedelta(days=place * _DAYS_PER_ALPHANUMERIC)
    elif noise.chance("listed later") < _LISTED_LATER_SHARE:
        listed = WORLD_BEGINS + timedelta(days=int(noise.chance("listed") * 365 * 9))
    else:
        listed = WORLD_BEGINS
    if noise.chance("delisted") >= _DELISTED_PER_YEAR * _YEARS:
        return listed, None
    return listed, listed + timedelta(days=60 + int(noise.chance("delisted on") * 365 * _YEARS))


def _trading(market: str, draw: float) -> Trading:
    if market == jpx_codes.PRO:
        return Trading.FLAT if draw < _PRO_KNOWN_SHARE else Trading.UNKNOWN
    if market == jpx_codes.FUND and draw < _FUND_NULL_SHARE:
        return Trading.NULL
    return Trading.NORMAL


def _alphanumeric_codes() -> Iterator[str]:
    # 130A and those after it were given out first; every 7th keeps a small world spread over the years.
    for letter in _LETTERS:
        for start in range(7):
            for place in range(131 + start, 1_000, 7):
                if f"{place}{letter}" not in _PINNED_LISTED:
                    yield f"{place}{letter}"


def _numeric_codes(world: Noise) -> Iterator[str]:
    pinned = {code for code, *_ in _PINNED}
    stride = 1_009 + int(world.chance("stride") * 6_000)
    for step in range(_NUMERIC_CODES):
        code = str(_FIRST_NUMERIC + (step * stride) % _NUMERIC_CODES)
        if code not in pinned:
            yield code


def _weighted(choices: tuple[tuple[str, int], ...], draw: float) -> str:
    mark = draw * sum(weight for _, weight in choices)
    for value, weight in choices:
        mark -= weight
        if mark < 0:
            return value
    return choices[-1][0]


def _sector(draw: float) -> jpx_codes.Sector:
    names = tuple((sector.name33, sector.issues) for sector in jpx_codes.SECTORS)
    chosen = _weighted(names, draw)
    return next(sector for sector in jpx_codes.SECTORS if sector.name33 == chosen)


def _size(market: str, draw: float) -> tuple[int | None, str]:
    sizes = jpx_codes.SIZES_BY_MARKET.get(market)
    if sizes is None:
        return None, "-"
    chosen = _weighted(tuple((name, weight) for _, name, weight in sizes), draw)
    return next((code, name) for code, name, _ in sizes if name == chosen)


def _name(market: str, noise: Noise) -> str:
    words = jpx_codes.FUND_WORDS if market == jpx_codes.FUND else jpx_codes.COMPANY_WORDS
    head = words.heads[int(noise.chance("head") * len(words.heads))]
    tail = words.tails[int(noise.chance("tail") * len(words.tails))]
    ending = "投資法人\u3000投資証券" if market == jpx_codes.REIT else ""
    return f"{head}{words.between}{tail}{ending}"
